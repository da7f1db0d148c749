"""What was logged, a line each, on disk at once: a process that is killed loses nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """Lines of JSON in the order in which they were added, by this process and by those it resumes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _drop_torn_line(path)
        self._file = path.open("a", encoding="utf-8")

    def add(self, **entry: Any) -> None:
        """Write one entry."""
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries, the first first."""
        with self.path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)

    def close(self) -> None:
        """Add nothing more."""
        self._file.close()


def _drop_torn_line(path: Path) -> None:
    """Cut off a last line that a killed process did not finish."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
