"""Several processes of one job: what they share, and what becomes of all when one fails. Every process is real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from occpred.distributed import launch, ranks, world
from occpred.distributed.launch import ProcessError, together
from occpred.distributed.threads import num_cores
from occpred.errors import UserError
from tests.distributed import worker
from tests.distributed.test_place import SRUN

START = """
import sys
from functools import partial
from pathlib import Path
from occpred.distributed.launch import together
from tests.distributed import worker
if __name__ == "__main__":
    together(2, partial(worker.work_long, Path(sys.argv[1])))
"""


def test_a_process_that_is_alone_shares_with_itself() -> None:
    shared = together(1, worker.share)
    assert shared["divided"] == [(letter, 0) for letter in "ABCDEFG"]
    assert shared["first"] == [(os.getpid(), True, (1, True, ["1", "2"]))]
    assert shared["largest"] == 0
    assert ranks.is_first()


def test_three_processes_share_their_work() -> None:
    shared = together(3, worker.share)
    assert shared["divided"] == [(letter, index % 3) for index, letter in enumerate("ABCDEFG")]
    first = shared["pids"][0]
    assert [pid for pid, *_ in shared["first"]] == [first] * 3
    assert [is_first for _, is_first, _ in shared["first"]] == [True, False, False]
    assert all(by_itself == (1, True, ["1", "2"]) for *_, by_itself in shared["first"])
    assert shared["largest"] == 20
    assert shared["nothing"] == []
    assert len(set(shared["pids"])) == 3
    assert os.getpid() not in shared["pids"]


def test_a_mistake_of_the_user_comes_back_as_one() -> None:
    with pytest.raises(UserError, match="no such thing; give another"):
        together(2, worker.refuse)


@pytest.mark.parametrize("rank", [0, 1])
def test_where_one_fails_all_end(rank: int) -> None:
    with pytest.raises(ProcessError, match="ValueError: it broke"):
        together(2, partial(worker.fail, rank))


@pytest.mark.parametrize("rank", [0, 1])
def test_the_traceback_is_that_of_the_process_that_failed(rank: int) -> None:
    with pytest.raises(ProcessError, match=f"process {rank} of 2 failed: ValueError: it broke") as failed:
        together(2, partial(worker.fail, rank))
    (note,) = failed.value.__notes__
    assert note.startswith("Traceback")
    assert 'raise ValueError("it broke")' in note


def test_what_failed_first_is_told_beside_who_was_ended() -> None:
    with pytest.raises(ProcessError) as failed:
        together(2, worker.fail_and_abort)
    reason = "process 1 of 2 was ended by SIGABRT; process 0 of 2 failed: ValueError: it broke"
    assert str(failed.value).splitlines()[0] == reason


def test_nothing_is_too_long_to_be_told() -> None:
    with pytest.raises(ProcessError, match="x at length"):
        together(2, worker.fail_at_length)
    assert together(2, partial(worker.give, 1_000_000)) == "x" * 1_000_000


def test_together_they_use_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 1000)  # of a machine of which this process has but a part
    assert together(2, worker.threads) == str(max(1, num_cores() // 2))
    assert "OMP_NUM_THREADS" not in os.environ


def test_where_one_cannot_join_all_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_DISTRIBUTED_DEBUG", "nonsense")  # refused when the group is founded
    with pytest.raises(ProcessError, match="TORCH_DISTRIBUTED_DEBUG"):
        together(2, worker.never)


def test_where_one_is_killed_all_end() -> None:
    with pytest.raises(ProcessError, match="process 1 of 2 was ended by SIGKILL"):
        together(2, partial(worker.die, 1))


def test_where_one_leaves_the_others_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_TIME_TO_FOLLOW", 1.0)
    with pytest.raises(ProcessError, match="process 1 of 2 ended with exit code 3"):
        together(2, partial(worker.leave, 1))


def test_a_process_of_another_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SRUN.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="= 1: this job was started as 4 processes"):
        together(1, worker.share)


def test_processes_on_other_nodes_cannot_be_started_from_here() -> None:
    with pytest.raises(UserError, match="processes on other nodes must be started there"):
        together(4, worker.share, num_nodes=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_they_do_not_outlive_who_started_them(number: signal.Signals, tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", START, str(tmp_path)], cwd=Path(__file__).parents[2])
    try:
        children = wait_for_children(parent, tmp_path)
        parent.send_signal(number)
        parent.wait(timeout=60)
        gone, alive = psutil.wait_procs(children, timeout=60)
        assert len(gone) == 2
        assert not alive
    finally:
        parent.kill()


WAIT_AT_THE_BEGINNING = """
import os, sys, time
from pathlib import Path
from occpred.distributed.launch import together
from tests.distributed import worker
if __name__ == "__main__":
    print(len(together(2, worker.share)["pids"]))
else:  # imported by a process that has just been started
    folder = Path(sys.argv[1])
    (folder / str(os.getpid())).touch()
    while not folder.with_name("go").exists():
        time.sleep(0.05)
"""


def test_processes_that_begin_leave_an_interrupt_to_who_started_them(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(WAIT_AT_THE_BEGINNING)
    begun = tmp_path / "begun"
    begun.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen(
        [sys.executable, str(script), str(begun)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for child in wait_for_children(parent, begun):
            child.send_signal(signal.SIGINT)
        begun.with_name("go").touch()
        assert parent.communicate(timeout=120) == ("2\n", "")
    finally:
        parent.kill()


def wait_for_children(parent: subprocess.Popen[Any], folder: Path) -> list[psutil.Process]:
    deadline = time.monotonic() + 120
    while len(list(folder.iterdir())) < 2:
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [psutil.Process(int(path.name)) for path in folder.iterdir()]


def test_where_nobody_is_to_be_found_the_user_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "_TIME_TO_FIND_EACH_OTHER", timedelta(seconds=1))
    with pytest.raises(UserError, match=r"127\.0\.0\.1:9: the processes of this job do not find each other there"):
        world.open_store("127.0.0.1", 9, is_host=False)
