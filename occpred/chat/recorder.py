"""Answers on their way to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from occpred.chat.journal import Journal
from occpred.chat.request import ChatAnswer


class Recorder:
    """Commits answers in groups: all that came while the disk was busy go into one transaction.

    So nobody waits for the disk to send the next request, and an answer waits for two commits at most.

    Args:
        journal: where to.
        committed: is called with answers, by key, once they are on disk.
        failed: is called where they cannot be written, for whatever reason.
    """

    def __init__(
        self,
        journal: Journal,
        committed: Callable[[Mapping[str, ChatAnswer]], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._journal = journal
        self._committed = committed
        self._failed = failed
        self._waiting: dict[str, ChatAnswer] = {}
        self._stirred = asyncio.Event()
        self._is_closed = False

    def put(self, key: str, answer: ChatAnswer) -> None:
        """Have `answer` committed soon."""
        self._waiting[key] = answer
        self._stirred.set()

    def close(self) -> None:
        """Let `run` end when nothing waits any more."""
        self._is_closed = True
        self._stirred.set()

    async def run(self) -> None:
        """Commit what comes, until closed."""
        while self._waiting or not self._is_closed:
            await self._stirred.wait()
            self._stirred.clear()
            group, self._waiting = self._waiting, {}
            if group:
                await self._commit(group)

    async def _commit(self, group: Mapping[str, ChatAnswer]) -> None:
        try:
            await asyncio.to_thread(self._journal.record, group)
        except Exception as error:  # whatever it is, nothing more may be asked
            self._failed(error)
        else:
            self._committed(group)
