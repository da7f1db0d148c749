"""How long a stage takes that is interrupted and gone on with: the sum of its legs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import TracebackType

from occpred.artifacts.disk import write_whole
from occpred.artifacts.lock import Lock
from occpred.errors import UserError


class Legs:
    """Context manager around one leg: notes in a file how long it took, for the next one, should it be broken off.

    A leg that was killed could not say how long it took, and stays `None`.

    Args:
        file: where to; whoever finishes the stage removes it.
        lock: that of the stage; who has lost it leaves the file alone.
        resumed: whether there were legs before this one, which begins now.
    """

    def __init__(self, file: Path, lock: Lock, *, resumed: bool) -> None:
        self._file, self._lock, self._resumed = file, lock, resumed
        self._clock = time.monotonic()
        self._before: list[float | None] = []

    def seconds(self) -> list[float | None]:
        """How long each leg took, the last one so far."""
        return [*self._before, round(time.monotonic() - self._clock, 3)]

    def __enter__(self) -> None:
        if self._resumed:
            self._before = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else [None]
        self._write([*self._before, None])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._file.unlink(missing_ok=True)
            return
        try:
            self._lock.check()
        except UserError:
            return
        self._write(self.seconds())

    def _write(self, seconds: list[float | None]) -> None:
        write_whole(self._file, json.dumps(seconds))
