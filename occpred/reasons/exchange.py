"""Giving everybody what belongs to another: a random permutation that leaves nobody with their own."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import cycle


def exchange(owners: Sequence[str], groups: Sequence[str], seed: int) -> list[int]:
    """Say for each of n things which one takes its place: never one of the same owner.

    Things stay in their group as far as possible: those with which an owner of more than half of a group is left over
    are exchanged across groups. Each thing is used once; only where one owner has more than half of all, the others'
    are used again for the rest.

    Args:
        owners: whose each thing is; two owners at least, where there is anything.
        groups: the group of each thing.
        seed: of who gives to whom, which does not depend on the order of the owners.

    Returns:
        For each thing the index of the one that takes its place. It takes time in proportion to n log n.
    """
    chance = random.Random(seed)
    given = list(range(len(owners)))
    members: defaultdict[str, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    for group in sorted(members):
        _rotate(given, members[group], owners, chance)
    _rotate(given, _kept(given, owners), owners, chance)
    _swap(given, owners, chance)
    _reuse(given, owners, chance)
    return given


def _kept(given: Sequence[int], owners: Sequence[str]) -> list[int]:
    """The places that still hold a thing of their own owner."""
    return [place for place, thing in enumerate(given) if owners[thing] == owners[place]]


def _rotate(given: list[int], places: Sequence[int], owners: Sequence[str], chance: random.Random) -> None:
    """Move what `places` hold, each of which holds its owner's, as far on as the owner of most of them reaches.

    With the places put owner by owner, in random order, nobody then holds their own, unless somebody owns more than
    half: as many of their places as need be keep theirs.
    """
    if not places:
        return
    names = sorted({owners[place] for place in places})
    chance.shuffle(names)
    rank = {name: number for number, name in enumerate(names)}
    ordered = sorted(places, key=lambda place: rank[owners[place]])
    far = max(Counter(owners[place] for place in places).values()) % len(ordered)
    things = [given[place] for place in ordered]
    for place, thing in zip(ordered, things[far:] + things[:far], strict=True):
        given[place] = thing


def _swap(given: list[int], owners: Sequence[str], chance: random.Random) -> None:
    """Exchange what is kept, after the rotations all of one owner, with places that have no part in that owner."""
    if not (kept := _kept(given, owners)):
        return
    owner = owners[kept[0]]
    strangers = [place for place, thing in enumerate(given) if owner not in (owners[place], owners[thing])]
    strangers.sort(key=lambda place: owners[place])
    chance.shuffle(strangers)
    for place, stranger in zip(kept, strangers, strict=False):
        given[place], given[stranger] = given[stranger], given[place]


def _reuse(given: list[int], owners: Sequence[str], chance: random.Random) -> None:
    """Give other owners' things a second time for what is kept even so."""
    if not (kept := _kept(given, owners)):
        return
    strangers = [place for place, owner in enumerate(owners) if owner != owners[kept[0]]]
    strangers.sort(key=lambda place: owners[place])
    chance.shuffle(strangers)
    for place, stranger in zip(kept, cycle(strangers), strict=False):
        given[place] = stranger
