"""Progress bars: stage, step, speed and time left, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], stage: str, *, total: int | None = None, unit: str = "it") -> Iterator[Item]:
    """Yield `items` while a bar on standard error tells how far `stage` is.

    Args:
        items: what to go through.
        stage: the name in front of the bar.
        total: how many items there will be, where `items` has no length.
        unit: the name of one item, singular (`person`, `reason`).
    """
    yield from tqdm(items, desc=f"{stage:<10}", total=total, unit=unit, dynamic_ncols=True, mininterval=0.5)
