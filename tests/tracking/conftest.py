"""W&B as it is on a user's machine that was never logged in, and what it leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from wandb.proto.wandb_internal_pb2 import Record


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without W&B credentials, where W&B may keep its logs and caches."""
    for name in [name for name in os.environ if name.startswith(("WANDB", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def living_children() -> Callable[[], list[str]]:
    """Gives the names of this process's children, but for those that were there before the test."""
    older = {child.pid for child in psutil.Process().children(recursive=True)}

    def names() -> list[str]:
        children = (child for child in psutil.Process().children(recursive=True) if child.pid not in older)
        return [child.name() for child in children if child.status() != psutil.STATUS_ZOMBIE]

    return names


def run_folders(folder: Path) -> list[Path]:
    return sorted((folder / "wandb").glob("*run-*"))


def records(run_folder: Path) -> Iterator[Record]:
    """All records of an offline run: a LevelDB log (blocks of 32 KiB, chunks with a header of 7 bytes)."""
    (file,) = run_folder.glob("*.wandb")
    content, place, whole = file.read_bytes(), 7, b""
    while place < len(content):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a full record, or the last part of one
            yield Record.FromString(whole)
            whole = b""


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def history(run_folder: Path, name: str) -> list[tuple[int, float]]:
    """The steps at which a metric was logged, with its values."""
    rows = [values(record.history.item) for record in records(run_folder) if record.HasField("history")]
    return [(row["_step"], row[name]) for row in rows if name in row]


def exit_codes(run_folder: Path) -> list[int]:
    return [record.exit.exit_code for record in records(run_folder) if record.HasField("exit")]
