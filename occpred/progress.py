"""Progress bars: stage, step, speed and time left, the same everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

from occpred.distributed import ranks

Item = TypeVar("Item")
Result = TypeVar("Result")


def progress(items: Iterable[Item], stage: str, *, total: int | None = None, unit: str = "it") -> Iterator[Item]:
    """Yield `items` while a bar on standard error tells how far `stage` is.

    Args:
        items: what to go through.
        stage: the name in front of the bar.
        total: how many items there will be, where `items` has no length.
        unit: the name of one item, singular (`person`, `reason`).
    """
    yield from _bar(stage, items=items, total=total, unit=unit)


def divided(items: Sequence[Item], work: Callable[[Item], Result], stage: str, *, unit: str = "it") -> Iterator[Result]:
    """Do `work` on all items under a bar, divided among the processes of the job (see `ranks.divided`)."""

    def shown(own: Sequence[Item]) -> Iterator[Item]:
        return progress(own, stage, unit=unit)

    return ranks.divided(items, work, shown)


@contextmanager
def tally(stage: str, *, total: int, unit: str = "it") -> Iterator[Callable[[int, str], None]]:
    """Show a bar for work that ends in any order; what is logged meanwhile stands above it.

    Args:
        stage: the name in front of the bar.
        total: how many items there are.
        unit: the name of one item, singular.

    Yields:
        What to call with the number of items that ended, and a note to stand behind the bar.
    """
    from tqdm.contrib.logging import logging_redirect_tqdm  # brings asyncio along, which takes a while

    with logging_redirect_tqdm(), _bar(stage, total=total, unit=unit) as bar:

        def count(ended: int, note: str) -> None:
            bar.set_postfix_str(note, refresh=False)
            bar.update(ended)

        yield count


def _bar(stage: str, *, items: Iterable[Any] | None = None, total: int | None, unit: str) -> tqdm[Any]:
    return tqdm(
        items,
        desc=f"{stage:<10}",
        total=total,
        unit=unit,
        dynamic_ncols=True,
        mininterval=0.5,
        disable=not ranks.is_first(),
    )
