"""What the processes of a job do together. In a process that is alone, all of this costs nothing and imports nothing.

All processes of a job call these functions in the same order, except inside `alone()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

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
    return membership.active.place.world_size if membership.active else 1


def rank() -> int:
    """Which of them this is."""
    return membership.active.place.rank if membership.active else 0


def is_first() -> bool:
    """Whether this process writes files and shows progress for all."""
    return membership.world is None or membership.world.place.rank == 0


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


def divided(items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """Do `work` on each item, every item on one process; all processes get all results, in the order of the items.

    An item is worked on exactly as one process alone would, so the results do not depend on how many there are.
    """
    world = membership.active
    if world is None:
        yield from map(work, items)
        return
    own = [work(item) for item in items[world.place.rank :: world.place.world_size]]
    everybody = world.gather(own)
    for index in range(len(items)):
        yield everybody[index % world.place.world_size][index // world.place.world_size]


def largest(number: int) -> int:
    """The largest of the numbers that the processes give."""
    world = membership.active
    return number if world is None else max(world.gather(number))


def barrier() -> None:
    """Wait until all processes have come so far."""
    world = membership.active
    if world is not None:
        world.gather(None)


def gathered(value: Any) -> list[Any]:
    """What each process gives, by rank."""
    world = membership.active
    return [value] if world is None else world.gather(value)
