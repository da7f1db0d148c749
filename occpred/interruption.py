"""Being told to stop: by a user, by a cluster that wants its machine back, by a time limit.

Work that is done anew anyway is ended at once, by an exception. Work that can be gone on with is only told; it saves
itself where that is safe, and ends itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SHELL_OFFSET = 128
"""What shells add to a signal's number to make an exit code of it."""


class Interrupted(SystemExit):
    """This process was told to stop by the signal `number`, and what could be saved is saved.

    It is no `Exception`: nothing may take it for a failure of the work.
    """

    def __init__(self, number: int) -> None:
        super().__init__(_SHELL_OFFSET + number)
        self.number = number


class _Request:
    """What this process was told, if anything, and whether it may be ended at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.postponed = 0


_request = _Request()


@contextmanager
def heeded(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals end the `with` block by `Interrupted` (SIGINT: `KeyboardInterrupt`), unless it is `postponed`.

    A signal that was postponed once ends the block when it comes again, so that an impatient user is heard. Children
    that were forked inside the block ignore the signals: the parent saves, and ends them.
    """
    _request.number = None
    process = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            return
        again = _request.number == signal.SIGINT == number
        _request.number = number
        if again or not _request.postponed:
            raise _exception(number)

    before = {each: signal.signal(each, handle) for each in signals}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def postponed() -> Iterator[None]:
    """Let signals that are heeded only be noted; at the end of the block the one that came, if any, takes effect."""
    _request.postponed += 1
    try:
        yield
    finally:
        _request.postponed -= 1
    honour()


def requested() -> int:
    """The number of the signal that came while they were postponed, or 0."""
    return _request.number or 0


def honour(number: int = 0) -> None:
    """End the work where a signal came (or, if given, by signal `number`, which another process of the job got)."""
    if told := requested() or number:
        raise _exception(told)


def _exception(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else Interrupted(number)
