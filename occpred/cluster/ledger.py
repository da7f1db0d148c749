"""Which job makes which work, written beside the store, so that nobody who shares it submits the same work twice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from occpred.artifacts.disk import write_whole
from occpred.artifacts.lock import Lock
from occpred.cluster.submission import Submission


class Ledger:
    """Records of submitted jobs, by the keys of their works, below a store. They outlive who wrote them.

    Whoever finds the job of a record alive waits for it. Whoever submits holds the lock from looking to writing.
    """

    def __init__(self, store: Path) -> None:
        self._folder = store / "submitted"

    def lock(self) -> Lock:
        """To be held from looking for a job to writing another's record."""
        return Lock(self._folder / ".lock")

    def find(self, key: str) -> Submission | None:
        """The job that makes, or made, the work; `None` where there is none on record."""
        try:
            record = json.loads(self._file(key).read_text(encoding="utf-8"))
            return Submission(**record | {"stages": tuple(record["stages"])})
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # not there, or of another version
            return None

    def write(self, key: str, submission: Submission) -> None:
        """Put a job on record, in place of an earlier one."""
        write_whole(self._file(key), json.dumps(asdict(submission), indent=2) + "\n")

    def remove(self, key: str, submission: Submission) -> None:
        """Take a job of one's own that was cancelled off the record, unless another's has taken its place by now."""
        if self.find(key) == submission:
            self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.json"
