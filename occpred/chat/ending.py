"""How work that many share is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Ending:
    """The error that stops all, once there is one.

    Who waits for something leaves at once. Who has sent a request awaits its answer first, as it may be paid for.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._waiting: set[asyncio.Task[Any]] = set()

    def stop(self, error: Exception) -> None:
        """Stop all for this reason; the first one counts."""
        self.error = self.error or error
        for task in self._waiting:
            task.cancel()

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Around whatever a task waits for other than an answer: all is stopped there by `CancelledError`."""
        task = asyncio.current_task()
        assert task
        if self.error:
            raise asyncio.CancelledError
        self._waiting.add(task)
        try:
            yield
        finally:
            self._waiting.discard(task)
