"""What the processes of a job do together. In a process that is alone, all of this costs nothing and imports nothing.

All processes of a job call these functions in the same order, except inside `alone()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from occpred.distributed.place import Place

if TYPE_CHECKING:
    from occpred.distributed.world import World

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Membership:
    """The world that this process has joined, and whether it takes no notice of it for a while."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.is_alone = 0

    @property
    def active(self) -> World | None:
        return None if self.is_alone else self.world


membership = _Membership()


def world_size() -> int:
    """How many processes share the work at hand."""
    return place().world_size


def place() -> Place:
    """Where this process stands among those that share the work at hand."""
    return membership.active.place if membership.active else Place.alone()


def rank() -> int:
    """Which of them this is."""
    return place().rank


def is_first() -> bool:
    """Whether this process writes files and shows progress for all."""
    place = membership.world.place if membership.world else Place.given()
    return place is None or place.rank == 0


@contextmanager
def alone() -> Iterator[None]:
    """Work without the others: what is called inside the block is done by this process alone and by nobody with it."""
    membership.is_alone += 1
    try:
        yield
    finally:
        membership.is_alone -= 1


def by_first(work: Callable[[], Result]) -> Result:
    """Let the first process do `work`, alone, while the others wait, however long; all return its result.

    Raises:
        UserError: on all processes, where the work raised it.
    """
    world = membership.active
    if world is None:
        return work()
    return world.by_first(work)


def divided(
    items: Sequence[Item], work: Callable[[Item], Result], shown: Callable[[Sequence[Item]], Iterable[Item]] = iter
) -> Iterator[Result]:
    """Do `work` on each item, every item on one process; all processes get all results, in the order of the items.

    An item is worked on exactly as one process alone would, so the results do not depend on how many there are.

    Args:
        items: the same on all processes.
        work: what to do with one.
        shown: goes through a process's own items, such as under a progress bar.
    """
    own = list(map(work, shown(items[rank() :: world_size()])))
    everybody = gathered(own)
    for index in range(len(items)):
        yield everybody[index % len(everybody)][index // len(everybody)]


def largest(number: int) -> int:
    """The largest of the numbers that the processes give."""
    numbers: list[int] = gathered(number)
    return max(numbers)


def barrier() -> None:
    """Wait until all processes have come so far."""
    gathered(None)


def gathered(value: Any) -> list[Any]:
    """What each process gives, by rank."""
    world = membership.active
    return [value] if world is None else world.gather(value)
