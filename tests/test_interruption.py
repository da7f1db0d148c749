"""Signals, sent for real: to this process, to its children, and to one that asks an asyncio loop to wait."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import pytest
from hydra.core.hydra_config import HydraConfig

from occpred import interruption
from occpred.__main__ import main
from occpred.artifacts.lock import Lock
from occpred.errors import UserError
from occpred.interruption import Interrupted, end_at_once, heeded, honour, left_to_parent, postponed, requested
from occpred.stages.prepare import Prepare

Block = Callable[[], AbstractContextManager[None]]
Ended = TypeVar("Ended", bound=BaseException)
INT, TERM, USR2 = signal.SIGINT, signal.SIGTERM, signal.SIGUSR2


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = {each: signal.getsignal(each) for each in (INT, TERM, USR2)}
    yield
    assert {each: signal.getsignal(each) for each in before} == before
    assert requested() == 0


@contextmanager
def ended_by(*kinds: type[Ended]) -> Iterator[pytest.ExceptionInfo[Ended]]:
    with pytest.raises(kinds) as ended:
        yield ended


@pytest.mark.parametrize(("number", "code"), [(TERM, 143), (USR2, 140)])
def test_what_is_not_postponed_is_ended_at_once(number: signal.Signals, code: int) -> None:
    reached = []
    with ended_by(Interrupted) as ended, heeded(USR2, TERM):
        signal.raise_signal(number)
        reached.append("beyond the signal")
    assert (ended.value.number, ended.value.code) == (number, code)
    assert not reached


def test_ctrl_c_is_what_it_always_is() -> None:
    with ended_by(KeyboardInterrupt), heeded(TERM):
        signal.raise_signal(INT)


@pytest.mark.parametrize("numbers", [(TERM,), (USR2,), (USR2, TERM), (TERM, USR2), (TERM, TERM, TERM)])
def test_what_is_postponed_takes_effect_at_the_end(numbers: tuple[signal.Signals, ...]) -> None:
    done = []
    with ended_by(Interrupted) as ended, heeded(USR2, TERM), postponed():
        for number in numbers:
            signal.raise_signal(number)
        done.append(requested())
    assert done == [max(numbers)]
    assert ended.value.number == max(numbers)


@pytest.mark.parametrize("others", [nullcontext, lambda: heeded(TERM)], ids=["alone", "heeded"])
def test_ctrl_c_is_postponed_too(others: Block) -> None:
    done = []
    with ended_by(KeyboardInterrupt), others(), postponed():
        signal.raise_signal(INT)
        done.append(requested())
    assert done == [INT]


def test_the_second_ctrl_c_is_heard_at_once() -> None:
    seen: list[BaseException] = []
    with ended_by(KeyboardInterrupt), postponed():
        signal.raise_signal(INT)
        try:
            signal.raise_signal(INT)
        except BaseException as error:  # as libraries do, of which some would keep a KeyboardInterrupt
            seen.append(error)
            raise
    assert [type(error) for error in seen] == [Interrupted]


def test_who_can_save_does_and_ends_itself() -> None:
    with ended_by(Interrupted) as ended, heeded(TERM), postponed():
        honour(requested())
        signal.raise_signal(TERM)
        honour(requested())
        pytest.fail("it was told to stop")
    assert ended.value.number == TERM


def test_inner_blocks_do_not_end_what_the_outer_one_postpones() -> None:
    done = []
    with ended_by(Interrupted), heeded(TERM), postponed():
        with postponed():
            signal.raise_signal(TERM)
        done.append("the outer block")
    assert done == ["the outer block"]


@pytest.mark.parametrize("block", [nullcontext, postponed], ids=["at once", "postponed"])
def test_clearing_up_is_not_disturbed_by_the_signals_that_clusters_send_again(block: Block) -> None:
    cleared = []
    with ended_by(Interrupted), heeded(USR2, TERM), block():
        try:
            signal.raise_signal(TERM)
            honour(requested())
        finally:
            signal.raise_signal(TERM)
            signal.raise_signal(USR2)
            cleared.append("up")
    assert cleared == ["up"]


def test_clearing_up_can_postpone_what_else_comes() -> None:
    cleared = []
    with ended_by(KeyboardInterrupt), heeded(TERM):
        try:
            with postponed():
                signal.raise_signal(INT)
        finally:
            with postponed():
                signal.raise_signal(TERM)
            cleared.append("up")
    assert cleared == ["up"]


class Removed:
    """Is sent signals where Python lets no exception out."""

    def __init__(self, *numbers: signal.Signals) -> None:
        self.numbers = numbers

    def __del__(self) -> None:
        for number in self.numbers:
            signal.raise_signal(number)


@pytest.mark.parametrize(
    ("numbers", "block", "error"),
    [
        ((INT,), nullcontext, KeyboardInterrupt),
        ((TERM,), nullcontext, Interrupted),
        ((INT, INT), postponed, KeyboardInterrupt),
        ((TERM, INT), postponed, Interrupted),
    ],
)
def test_a_signal_is_not_lost_where_an_object_is_removed(
    numbers: tuple[signal.Signals, ...], block: Block, error: type[BaseException]
) -> None:
    with ended_by(error) as ended, heeded(TERM), block():
        Removed(*numbers)
        time.sleep(60)
        pytest.fail("it goes on")
    assert getattr(ended.value, "number", INT) == numbers[0]


def test_who_is_told_again_later_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared = []
    with ended_by(Interrupted), heeded(TERM):
        try:
            signal.raise_signal(TERM)
        finally:
            monkeypatch.setattr(interruption, "_SECONDS_OF_ONE_SIGNAL", 0.0)
            signal.raise_signal(TERM)
            cleared.append("up")
    assert not cleared


def test_an_error_after_the_signal_is_a_consequence_of_it(caplog: pytest.LogCaptureFixture) -> None:
    with ended_by(Interrupted) as ended, heeded(TERM), postponed():
        signal.raise_signal(TERM)
        raise RuntimeError("a worker was killed")
    assert isinstance(ended.value.__cause__, RuntimeError)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message == "RuntimeError, after being told to stop: a worker was killed"
    assert record.exc_info


def test_an_error_without_a_signal_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError), heeded(TERM), postponed():
        raise ZeroDivisionError


def test_one_signal_ends_one_block() -> None:
    for _ in range(2):
        with ended_by(Interrupted), heeded(TERM), postponed():
            signal.raise_signal(TERM)
    with heeded(TERM), postponed():
        assert requested() == 0


@pytest.mark.parametrize("signals", [(), (TERM,), (USR2, TERM)], ids=str)
@pytest.mark.parametrize("told_before", [False, True])
def test_a_thread_ends_what_is_postponed(signals: tuple[signal.Signals, ...], told_before: bool) -> None:
    thread = threading.Thread(target=end_at_once)
    with ended_by(Interrupted, KeyboardInterrupt), heeded(*signals), postponed():
        if told_before:
            signal.raise_signal(signals[0] if signals else INT)
        thread.start()
        time.sleep(60)
        pytest.fail("it goes on")
    thread.join()


def test_a_lost_lock_ends_even_what_is_postponed(tmp_path: Path) -> None:
    def lose() -> None:
        with Lock(tmp_path / "lock", heartbeat_seconds=0.01), postponed():
            next((tmp_path / "lock").iterdir()).unlink()
            time.sleep(60)
            pytest.fail("it goes on where another process is at work")

    with pytest.raises(UserError, match="silent for so long"), heeded(TERM):
        lose()


@pytest.mark.parametrize(("number", "error"), [(INT, KeyboardInterrupt), (TERM, Interrupted)])
def test_asyncio_ends_its_tasks_in_order(number: signal.Signals, error: type[BaseException]) -> None:
    """Tasks are cancelled where they wait, so they can still wait for others to write down what came."""
    kept = []

    async def ask() -> None:
        asyncio.get_running_loop().call_later(0.05, signal.raise_signal, number)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            kept.append("the answer")

    with pytest.raises(error), heeded(TERM):
        asyncio.run(ask())
    assert kept == ["the answer"]


class Child:
    """A forked process that tells, whenever it is asked, whether its time is running out."""

    def __init__(self, prepare: Callable[[], object] = lambda: None) -> None:
        fork = multiprocessing.get_context("fork")
        self._pipe, others_end = fork.Pipe()
        self._process = fork.Process(target=self._serve, args=(others_end, prepare), daemon=True)
        self._process.start()
        assert not self.time_is_running_out()

    def _serve(self, pipe: Connection, prepare: Callable[[], object]) -> None:
        prepare()
        while True:
            pipe.recv()
            pipe.send(signal.getitimer(signal.ITIMER_REAL)[0] > 0)

    def time_is_running_out(self) -> bool:
        self._pipe.send(None)
        answer: bool = self._pipe.recv()
        return answer

    def gets(self, *numbers: signal.Signals) -> None:
        assert self._process.pid
        for number in numbers:
            os.kill(self._process.pid, number)

    def ends(self) -> int | None:
        self._process.join()
        return self._process.exitcode


@pytest.mark.parametrize("prepare", [lambda: None, left_to_parent], ids=["inherited", "of its own"])
def test_children_leave_signals_to_their_parent(prepare: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    with heeded(USR2, TERM), postponed():
        child = Child(prepare)
        child.gets(INT, USR2)
        assert not child.time_is_running_out()
        child.gets(TERM)
        while not child.time_is_running_out():
            pass
        monkeypatch.setattr(interruption, "SECONDS_TO_OUTLIVE_PARENT", 0.01)
        short = Child(prepare)
        short.gets(TERM, TERM)
        assert short.ends() == 0
        child.gets(signal.SIGKILL)
        assert child.ends() == -signal.SIGKILL


def test_a_forked_child_can_be_told_to_stop_itself() -> None:
    def be_told() -> None:
        with heeded(TERM):
            signal.raise_signal(TERM)

    with heeded(USR2, TERM), postponed():
        child = multiprocessing.get_context("fork").Process(target=be_told)
        child.start()
        child.join()
        assert child.exitcode == 143


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root, of_hydra = logging.getLogger(), logging.getLogger("hydra")
    before = root.handlers.copy(), root.level, of_hydra.level
    yield
    root.handlers, root.level, of_hydra.level = before
    HydraConfig.instance().cfg = None


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (INT, 130, "occpred: interrupted; the same command goes on from here\n"),
        (TERM, 143, "occpred: told to stop; the same command goes on from here\n"),
    ],
)
@pytest.mark.parametrize("arguments", [(), ("-m", "seed=0,1")], ids=["run", "sweep"])
def test_the_command_says_in_one_line_that_it_was_stopped(
    arguments: tuple[str, ...],
    number: signal.Signals,
    code: int,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*_: object) -> None:
        with postponed():
            signal.raise_signal(number)

    monkeypatch.setattr(Prepare, "run", run)
    monkeypatch.setattr(sys, "argv", ["occpred", *arguments])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main()
    stdout, stderr = capsys.readouterr()
    assert ended.value.code == code
    assert stderr.endswith(line)
    assert stderr.count("occpred: ") == 1
    assert "fail" not in stdout + stderr
    assert not list(tmp_path.glob("artifacts/*/[!.]*/")), "neither an artifact nor a report of the sweep"
