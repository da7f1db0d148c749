"""Jobs in real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from occpred.cluster.job_process import JobLostError, JobProcess
from occpred.cluster.job_queue import Job, run_side_by_side

WORKER = Path(__file__).with_name("job_worker.py")
PATIENCE_SECONDS = 60
"""Far more than anything here takes, for machines that are busy with other things."""


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def outcomes(jobs: list[Callable[[], Any]], shares: list[dict[str, str]], folder: Path) -> dict[int, Any]:
    """What each job returned, or how it was lost, in the order in which they ended."""
    found: dict[int, Any] = {}

    def ended(number: int, process: JobProcess) -> None:
        try:
            found[number] = process.result()
        except JobLostError as error:
            found[number] = str(error)

    run_side_by_side([Job(job, folder / str(number) / "job.log") for number, job in enumerate(jobs)], shares, ended)
    return found


def meet(folder: Path, own: str, other: str) -> Callable[[], str]:
    """Make a job that only ends when another one runs at the same time, and that nobody may share its GPU with."""

    def job() -> str:
        import os
        import time

        gpu = os.environ["CUDA_VISIBLE_DEVICES"]
        with (folder / f"gpu {gpu}").open("x"):
            (folder / own).touch()
            while not (folder / other).exists():
                time.sleep(0.01)
            print(f"{own} has met {other}")
        (folder / f"gpu {gpu}").unlink()
        return gpu

    return job


def test_as_many_jobs_as_there_are_shares_run_at_a_time_and_each_has_its_gpus_to_itself(tmp_path: Path) -> None:
    pairs = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")]
    gpus = outcomes(
        [meet(tmp_path, *pair) for pair in pairs],
        [{"CUDA_VISIBLE_DEVICES": "0,1"}, {"CUDA_VISIBLE_DEVICES": "2,3"}],
        tmp_path,
    )
    assert {gpus[0], gpus[1]} == {gpus[2], gpus[3]} == {"0,1", "2,3"}
    assert (tmp_path / "3" / "job.log").read_text() == "d has met c\n"


def test_a_share_is_used_by_one_job_after_the_other(tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    def note(number: int) -> Callable[[], None]:
        def job() -> None:
            with notes.open("a") as file:
                file.write(f"{number} begins, ")
            with notes.open("a") as file:
                file.write(f"{number} ends; ")

        return job

    assert list(outcomes([note(number) for number in range(3)], [{}], tmp_path)) == [0, 1, 2]
    assert notes.read_text() == "0 begins, 0 ends; 1 begins, 1 ends; 2 begins, 2 ends; "


def test_a_job_that_is_lost_takes_no_other_with_it_and_leaves_nothing_running(tmp_path: Path) -> None:
    def killed() -> None:
        import os
        import signal
        import subprocess
        import sys

        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        print(other.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    def told() -> None:
        import os
        import signal

        os.kill(os.getpid(), signal.SIGTERM)

    def failing() -> None:
        raise ValueError("a bug")

    def exiting() -> None:
        import os

        os._exit(3)

    def large() -> bytes:
        return bytes(10_000_000)  # more than any pipe holds

    found = outcomes([killed, told, failing, exiting, large], [{}, {}], tmp_path)
    logs = [tmp_path / str(number) / "job.log" for number in range(5)]
    assert found == {
        0: f"ended by SIGKILL, as where memory runs out; see {logs[0]}",
        1: f"ended by SIGTERM; see {logs[1]}",
        2: f"ended with exit code 1; see {logs[2]}",
        3: f"ended with exit code 3; see {logs[3]}",
        4: bytes(10_000_000),
    }
    assert not is_running(int(logs[0].read_text()))
    assert logs[2].read_text().endswith("ValueError: a bug\n")


def is_running(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], list[int]]]]:
    """Starts a process with two jobs, as a terminal would, and returns it and the processes of its jobs."""
    processes: list[int] = []

    def start(what: str) -> tuple[subprocess.Popen[str], list[int]]:
        command = [sys.executable, str(WORKER), str(tmp_path), what]
        parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
        files = [tmp_path / f"{number}.processes" for number in range(2)]
        processes.append(parent.pid)
        until(lambda: all(file.exists() for file in files))
        jobs = [int(number) for file in files for number in file.read_text().split()]
        processes.extend(jobs)
        return parent, jobs

    yield start
    for number in filter(is_running, processes):
        os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_jobs_of_a_process_that_is_told_to_stop_save_themselves(
    number: signal.Signals, tmp_path: Path, start: Callable[[str], Any]
) -> None:
    parent, jobs = start("waits")
    os.killpg(parent.pid, number)  # as a terminal does it
    parent.communicate()
    assert parent.returncode == (-number if number == signal.SIGINT else 128 + number)
    assert [(tmp_path / f"{job}.saved").read_text() for job in range(2)] == ["SIGTERM", "SIGTERM"]
    assert not any(map(is_running, jobs))
    assert not (tmp_path / "2.log").exists()


def test_an_impatient_user_is_heard(start: Callable[[str], Any]) -> None:
    parent, jobs = start("stubborn")
    parent.send_signal(signal.SIGINT)
    until(lambda: not is_running(jobs[1]) and not is_running(jobs[3]))  # the jobs' other processes have heeded it
    parent.send_signal(signal.SIGINT)
    assert parent.wait() == -signal.SIGINT
    until(lambda: not any(map(is_running, jobs)))


@pytest.mark.parametrize("what", ["waits", "stubborn"])
def test_nothing_outlives_the_process_that_started_it(what: str, tmp_path: Path, start: Callable[[str], Any]) -> None:
    parent, jobs = start(what)
    parent.kill()
    until(lambda: not any(map(is_running, jobs)))
    assert (tmp_path / "1.saved").exists() == (what == "waits")
