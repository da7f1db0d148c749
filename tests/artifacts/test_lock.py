from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from occpred.artifacts import lock
from occpred.artifacts.lock import Lock
from occpred.artifacts.owner import Owner
from occpred.errors import UserError

WORKER = Path(__file__).with_name("lock_worker.py")
linux = pytest.mark.skipif(sys.platform != "linux", reason="processes of this machine are looked up in /proc")


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WORKER), *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def start_holder(path: Path) -> subprocess.Popen[str]:
    holder = start("hold", path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def taken_in_thread(path: Path, silence_seconds: float) -> tuple[threading.Thread, threading.Event]:
    taken = threading.Event()

    def take() -> None:
        with Lock(path, silence_seconds=silence_seconds):
            taken.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread, taken


def leave_lock(path: Path, owner: Owner) -> Path:
    """A lock as another process would have left it."""
    path.mkdir()
    file = path / "0123"
    file.write_text(owner.to_json())
    return file


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "LONGEST_PAUSE", 0.05)


@pytest.mark.parametrize("mode", ["count", pytest.param("die", marks=linux)])
def test_no_update_is_lost_among_processes(tmp_path: Path, mode: str) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    workers = [start(mode, tmp_path / "lock", counter, 15) for _ in range(4)]
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    assert counter.read_text() == "60"
    with Lock(tmp_path / "lock"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["counter"]


@linux
def test_lock_of_a_killed_process_is_taken_over_though_nobody_reaped_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    holder = start_holder(tmp_path / "lock")
    holder.send_signal(signal.SIGKILL)
    with caplog.at_level(logging.INFO), Lock(tmp_path / "lock", silence_seconds=1e9):
        assert f"taken over from process {holder.pid} on" in caplog.text
    holder.communicate()


@linux
def test_lock_of_a_living_process_is_never_taken_however_silent_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    holder = start_holder(tmp_path / "lock")
    thread, taken = taken_in_thread(tmp_path / "lock", silence_seconds=0.0)
    assert not taken.wait(0.5)
    assert len(caplog.records) == 1, "one line, however long it waits"
    assert f"held by process {holder.pid} on" in caplog.text
    assert " since 2" in caplog.text
    holder.kill()
    holder.communicate()
    thread.join()
    assert taken.is_set()


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock", silence_seconds=1e9):
        thread, taken = taken_in_thread(tmp_path / "lock", silence_seconds=1e9)
        assert not taken.wait(0.2)
    thread.join()
    assert taken.is_set()


class Clock:
    """A clock on which waiting takes no time, while another machine's heart beats until second 300."""

    def __init__(self, file: Path) -> None:
        self.now = 1000.0
        self.last_beat = 1300.0
        self.file = file

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now < self.last_beat:
            beat = int(self.now / 5)  # by a clock that is decades behind ours: only the change counts
            os.utime(self.file, ns=(beat, beat))


def test_lock_of_another_machine_is_taken_only_when_its_heart_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = leave_lock(tmp_path / "lock", replace(Owner.this_process(), process_table="another machine"))
    clock = Clock(file)
    monkeypatch.setattr(lock, "time", clock)
    monkeypatch.setattr(lock, "LONGEST_PAUSE", 1.0)
    with Lock(tmp_path / "lock", silence_seconds=120):
        assert clock.last_beat - 5 + 120 <= clock.now <= clock.last_beat + 122
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "[]", '{"host": 1}', "\0"])
def test_a_damaged_lock_is_taken_when_it_is_silent(tmp_path: Path, text: str) -> None:
    leave_lock(tmp_path / "lock", Owner.this_process()).write_text(text)
    with Lock(tmp_path / "lock", silence_seconds=0.01):
        pass


@pytest.mark.parametrize("look", ["listdir", "open"])
def test_a_lock_that_was_removed_on_another_machine_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: str
) -> None:
    """A network file system says so of a file that it still knows and whose server does not."""
    file = leave_lock(tmp_path / "lock", replace(Owner.this_process(), process_table="another machine"))
    at_home, usual = (os, os.listdir) if look == "listdir" else (Path, Path.open)

    def stale(path: Path, *arguments: object, **options: object) -> object:
        if path in (file, file.parent) and file.exists():
            file.unlink()
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return usual(path, *arguments, **options)  # type: ignore[operator]

    monkeypatch.setattr(at_home, look, stale)
    with Lock(tmp_path / "lock", silence_seconds=1e9):
        assert not file.exists()


@linux
def test_a_later_process_with_the_same_number_is_not_the_owner(tmp_path: Path) -> None:
    me = Owner.this_process()
    assert me.is_alive() is True
    assert replace(me, started=(me.started or 0) + 1).is_alive() is False
    assert replace(me, process_table="elsewhere").is_alive() is None
    leave_lock(tmp_path / "lock", replace(me, started=(me.started or 0) + 1))
    with Lock(tmp_path / "lock", silence_seconds=1e9):
        pass


def test_an_earlier_start_of_this_cluster_job_is_dead_wherever_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    before = replace(Owner.this_process(), host="elsewhere", process_table="another machine's")
    assert before.cluster_job == "/7"
    assert before.is_alive() is None  # two processes of one start, on two nodes
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert before.is_alive() is False
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    assert before.is_alive() is None


def test_the_heart_beats(tmp_path: Path) -> None:
    with Lock(tmp_path / "lock", heartbeat_seconds=0.01):
        (file,) = (tmp_path / "lock").iterdir()
        os.utime(file, ns=(1, 1))
        while file.stat().st_mtime_ns == 1:
            time.sleep(0.01)


def test_an_error_releases_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Lock(tmp_path / "lock"):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def hold_and_lose(path: Path, then: Callable[[Lock], object], heartbeat_seconds: float = 5.0) -> None:
    with Lock(path, heartbeat_seconds=heartbeat_seconds) as held:
        held.check()
        next(path.iterdir()).unlink()
        then(held)


def test_who_lost_the_lock_is_stopped_and_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="silent for so long"):
        hold_and_lose(tmp_path / "lock", lambda _: time.sleep(60), heartbeat_seconds=0.01)


def test_check_tells_who_lost_the_lock(tmp_path: Path) -> None:
    reached = []

    def publish(lost: Lock) -> None:
        lost.check()
        reached.append("beyond the check")

    with pytest.raises(UserError, match="silent for so long"):
        hold_and_lose(tmp_path / "lock", publish)
    assert reached == []


def test_who_lost_the_lock_does_not_release_the_next_ones(tmp_path: Path) -> None:
    def next_takes(lost: Lock) -> None:
        lost.path.rmdir()
        leave_lock(lost.path, Owner.this_process())

    with pytest.raises(UserError, match="silent for so long"):
        hold_and_lose(tmp_path / "lock", next_takes)
    assert len(list((tmp_path / "lock").iterdir())) == 1
