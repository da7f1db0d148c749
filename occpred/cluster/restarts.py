"""Seeing that a job which is queued again and again comes any further."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path


def headway(store: Path, stages: Sequence[str]) -> list[str]:
    """How far the making of `stages` (references) has come: the same list at another time means that nothing was won.

    It names finished artifacts, the last checkpoint of a training that is under way, and how much chat models answered.
    """
    folders = [store / stage for stage in stages]
    finished = [str(folder) for folder in folders if folder.exists()]
    checkpoints = sorted(path for each in folders for path in each.parent.glob(f".{each.name}.partial/resume.*"))
    answers = sorted((store / "journals").rglob("*"))
    return [
        *finished,
        *(f"{path} of {path.stat().st_mtime_ns}" for path in checkpoints),
        *(f"{path}, {path.stat().st_size} bytes" for path in answers if path.is_file()),
    ]


def is_stuck(note: Path, now: list[str]) -> bool:
    """Whether the job that keeps `note` has won nothing since it was last asked this; `now` is its headway."""
    before = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
    note.write_text(json.dumps(now), encoding="utf-8")
    return now == before
