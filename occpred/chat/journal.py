"""The answers of one model, on disk before they count.

A journal is one SQLite file. `kill -9` at any moment, or a power cut, leaves it with exactly the answers that were
committed. Any number of processes read it while one writes; on network file systems too, so it keeps a rollback
journal rather than a write-ahead log, which needs shared memory.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from occpred.artifacts.lock import Lock
from occpred.chat.request import ChatAnswer
from occpred.errors import UserError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    finish_reason TEXT NOT NULL
)
"""
_COLUMNS = "text, prompt_tokens, completion_tokens, finish_reason"
_PATIENCE_SECONDS = 60.0
"""How long to wait for another process to finish a transaction, which takes milliseconds."""


@dataclass(frozen=True)
class Totals:
    """All that was answered, and what was read and written for it."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class Journal:
    """The answers in the file at `path`, by the keys of their requests. There need not be a file yet.

    Raises:
        UserError: from every method, where the file is no journal, is damaged, or cannot be read or written.
    """

    path: Path

    def find(self, keys: Iterable[str]) -> dict[str, ChatAnswer]:
        """The answers there are to requests with these keys."""
        if not self.path.exists():
            return {}
        asked = "SELECT value FROM json_each(?)"  # one parameter, however many keys
        with self._opened() as database:
            rows = database.execute(
                f"SELECT key, {_COLUMNS} FROM answers WHERE key IN ({asked})", [json.dumps(list(keys))]
            )
            return {key: ChatAnswer(*columns) for key, *columns in rows}

    def totals(self) -> Totals:
        """What the journal holds in all."""
        if not self.path.exists():
            return Totals()
        with self._opened() as database:
            sums = "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0)"
            return Totals(*database.execute(f"SELECT {sums} FROM answers").fetchone())

    def record(self, answers: Mapping[str, ChatAnswer]) -> None:
        """Write `answers`, by key, in one transaction: all are on disk when this returns, or none.

        An answer that is there already stays as it is, so a request has one answer for ever.
        """
        rows = ((key, *astuple(answer)) for key, answer in answers.items())
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany(f"INSERT OR IGNORE INTO answers (key, {_COLUMNS}) VALUES (?, ?, ?, ?, ?)", rows)
            database.execute("COMMIT")

    def lock(self) -> Lock:
        """To be held while requests to this model are under way, so that no two processes ask the same."""
        return Lock(self.path.with_suffix(".lock"))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        # Opened anew each time, which costs less than a commit: nothing is left open, and any thread may come.
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_SECONDS, isolation_level=None)) as database:
                # EXTRA also has the folder synced that forgets the rollback journal, and with that the commit.
                database.execute("PRAGMA synchronous = EXTRA")
                database.execute(_SCHEMA)
                yield database
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                f"{self.path}: the journal of answers cannot be read or written ({error}); free its disk, or, if it is "
                "damaged, move it away: what it holds is asked again then"
            ) from error
