"""Making sure that what was written outlives the machine's going down."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4


def force_to_disk(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(file: Path, text: str) -> None:
    """Put a file in place of an earlier one, so that whoever reads it finds one of them, and never a part."""
    unfinished = file.with_name(f".{file.name}.{uuid4().hex}")
    unfinished.write_text(text, encoding="utf-8")
    force_to_disk(unfinished)
    unfinished.replace(file)
