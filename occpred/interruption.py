"""Being told to stop: by a user, by a cluster that wants its machine back, by a time limit.

Work that is done anew anyway is ended at once, by an exception. Work that can be gone on with is only told; it saves
itself where that is safe, and ends itself.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)

SECONDS_TO_OUTLIVE_PARENT = 30.0
"""How long a child process that was told to end stays at its parent's service: what SLURM gives a job by default."""

_SECONDS_OF_ONE_SIGNAL = 3.0
_SECONDS_UNTIL_SENT_AGAIN = 0.05
_SHELL_OFFSET = 128
"""What shells add to a signal's number to make an exit code of it."""


class Interrupted(SystemExit):
    """This process was told to stop by the signal `number`, and what could be saved is saved.

    It is no `Exception`: nothing may take it for a failure of the work.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.exit_code = _SHELL_OFFSET + number
        super().__init__(self.exit_code)


class _Told:
    """What this process was told, and how it is to take it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.blocks = 0  # `with` blocks of this module that it is in
        self.postponed = 0  # those of them that postpone
        self.number = 0
        self.took_effect = 0.0  # when, by `time.monotonic`; 0 where it has not
        self.at_once = False


_told = _Told()


@contextmanager
def heeded(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals end the `with` block by `Interrupted`, at once unless they are `postponed`.

    SIGINT need not be among them: it ends Python by `KeyboardInterrupt` anyway, and is postponed like the others. What
    comes in the first seconds after a signal counts as the same one, as clusters and parents send it to each process as
    well as to all. Child processes that are forked inside leave signals to their parent (see `left_to_parent`).
    """
    with _handled(*signals), _not_lost():
        try:
            yield
        except KeyboardInterrupt as interrupt:  # from asyncio, which was asked to end in its own way
            if requested() not in (0, signal.SIGINT):
                raise Interrupted(requested()) from interrupt
            raise


@contextmanager
def postponed() -> Iterator[None]:
    """Let signals that are heeded, and SIGINT, only be noted; at the end of the block the one that came takes effect.

    Inside the block SIGINT is an `Interrupted` like the others, as libraries take `KeyboardInterrupt` into their own
    hands. The second one ends the block at once, so that an impatient user is heard.

    An error that comes up after a signal came counts as interrupted, too, and is logged. More often than not it is
    a consequence: the signal went to all processes of a job. If it is not, it will come up again.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    with _handled(
        *[signal.SIGINT] * (in_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    ):
        _told.postponed += 1
        try:
            yield
        except Interrupted as interrupted:
            if interrupted.number == signal.SIGINT:
                raise KeyboardInterrupt from interrupted
            raise
        except Exception as error:
            if not requested():
                raise
            logger.warning("%s, after being told to stop: %s", type(error).__name__, error, exc_info=error)
            raise _exception(requested(), postponed=False) from error
        finally:
            _told.postponed -= 1
        if not _told.postponed and not _told.took_effect:
            honour(requested())


def requested() -> int:
    """The number of the signal that came, or 0; of several, the largest: SIGTERM before SIGUSR2 before SIGINT."""
    return _told.number


def honour(number: int) -> None:
    """End the work because of signal `number`; nothing where it is 0."""
    if number:
        raise _exception(number, postponed=_told.postponed > 0)


def end_at_once() -> None:
    """End the work of the main thread even where that is postponed, and before it saves anything.

    Called in another thread, which knows that the work must not go on.
    """
    heeded_here = next((each for each in signal.valid_signals() if signal.getsignal(each) is _handle), None)
    _told.at_once = heeded_here is not None
    signal.pthread_kill(threading.main_thread().ident or 0, heeded_here or signal.SIGINT)


def left_to_parent() -> None:
    """Let this child process leave to its parent what to do about signals that are sent to all processes of a job.

    The parent may need it to finish what it is at. It ends some time after SIGTERM, though, for whoever started
    a process can end it so.
    """
    for each in (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT):
        signal.signal(each, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _outlive)


@contextmanager
def _handled(*signals: int) -> Iterator[None]:
    global _told
    if _told.process != os.getpid():  # forked, so what its parent was told is none of its business
        _told = _Told()
    _told.blocks += 1
    before = {each: signal.signal(each, _handle) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        _told.blocks -= 1
        if not _told.blocks:
            _told = _Told()


def _handle(number: int, frame: FrameType | None) -> None:
    if os.getpid() != _told.process:
        if number == signal.SIGTERM:
            _outlive(number, frame)
        return
    is_impatient = number == signal.SIGINT and _told.number
    is_new = time.monotonic() - _told.took_effect > _SECONDS_OF_ONE_SIGNAL or not _told.took_effect
    if not _told.took_effect:
        _told.number = max(_told.number, number)
    if _told.at_once or is_impatient or (is_new and not _told.postponed):
        _end(frame)


def _end(frame: FrameType | None) -> None:
    _told.at_once = False
    _told.took_effect = time.monotonic()
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt) and interrupt not in (signal.default_int_handler, _handle):
        # asyncio is at work. It knows how to end its tasks when SIGINT comes, so that no answer that came is lost.
        interrupt(signal.SIGINT, frame)
    else:
        raise _exception(_told.number, postponed=_told.postponed > 0)


def _exception(number: int, *, postponed: bool) -> BaseException:
    _told.took_effect = time.monotonic()
    return KeyboardInterrupt() if number == signal.SIGINT and not postponed else Interrupted(number)


@contextmanager
def _not_lost() -> Iterator[None]:
    """Send a signal again whose exception came up where Python lets none through: when an object is removed."""
    before = sys.unraisablehook

    def end_later() -> None:
        if _told.blocks:  # else it has ended by itself meanwhile
            end_at_once()

    def catch(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, Interrupted | KeyboardInterrupt):
            _told.number, _told.took_effect = _told.number or signal.SIGINT, time.monotonic()
            threading.Timer(_SECONDS_UNTIL_SENT_AGAIN, end_later).start()
        else:
            before(unraisable)

    sys.unraisablehook = catch
    try:
        yield
    finally:
        sys.unraisablehook = before


def _outlive(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGALRM, lambda number, frame: os._exit(0))
    if not any(signal.getitimer(signal.ITIMER_REAL)):
        signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_OUTLIVE_PARENT)
