from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.exchange import exchange


@st.composite
def crowds(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Owners and groups of up to 20 things; now and then somebody owns most of a group, or of all."""
    owners = draw(
        st.lists(st.sampled_from("aaaaabcdef"), min_size=2, max_size=20).filter(lambda all: len(set(all)) > 1)
    )
    groups = draw(st.lists(st.sampled_from("xyz"), min_size=len(owners), max_size=len(owners)))
    return owners, groups


@given(crowds(), st.integers(0, 3))
def test_nobody_gets_their_own(crowd: tuple[list[str], list[str]], seed: int) -> None:
    owners, groups = crowd
    given = exchange(owners, groups, seed)
    assert all(owners[place] != owners[thing] for place, thing in enumerate(given))


@given(crowds(), st.integers(0, 3))
def test_each_thing_is_used_once_as_far_as_can_be(crowd: tuple[list[str], list[str]], seed: int) -> None:
    owners, groups = crowd
    most, number = Counter(owners).most_common(1)[0]
    given = exchange(owners, groups, seed)
    if 2 * number <= len(owners):
        assert sorted(given) == list(range(len(owners)))
    else:
        # Only the others' can go to the one who has more than half; all of theirs are used, as evenly as can be.
        uses = Counter(thing for thing in given if owners[thing] != most)
        assert len(uses) == len(owners) - number
        assert max(uses.values()) - min(uses.values()) <= 1


@given(crowds(), st.integers(0, 3))
def test_groups_that_can_exchange_among_themselves_do(crowd: tuple[list[str], list[str]], seed: int) -> None:
    owners, groups = crowd
    given = exchange(owners, groups, seed)
    counts = {group: Counter(o for o, g in zip(owners, groups, strict=True) if g == group) for group in set(groups)}
    if all(2 * max(count.values()) <= count.total() for count in counts.values()):
        assert all(groups[place] == groups[thing] for place, thing in enumerate(given))


def test_one_alone_in_a_group_changes_places_with_somebody_outside() -> None:
    owners, groups = list("abcdefg"), list("xyyyyyy")
    given = exchange(owners, groups, seed=0)
    assert sorted(given) == list(range(7))
    # One of the others gives up a place inside the group, all else stays there.
    assert sum(groups[place] != groups[thing] for place, thing in enumerate(given)) == 2


def test_two_alone_in_their_groups_exchange_with_each_other() -> None:
    owners, groups = list("abcdef"), list("xyzzzz")
    given = exchange(owners, groups, seed=0)
    assert given[:2] == [1, 0]


def test_what_cannot_be_exchanged_is_used_again() -> None:
    given = exchange(list("aaab"), list("xxxx"), seed=0)
    assert given[:3] == [3, 3, 3]
    assert given[3] in range(3)


def test_all_ways_to_give_are_drawn_alike() -> None:
    ways = Counter(tuple(exchange(list("abc"), list("xxx"), seed)) for seed in range(400))
    assert set(ways) == {(1, 2, 0), (2, 0, 1)}
    assert min(ways.values()) > 150


def test_the_order_of_owners_does_not_matter() -> None:
    owners, groups = list("aabbcdef"), list("xyxyxyyx")
    order = [7, 3, 0, 5, 1, 4, 2, 6]
    order.sort(key=lambda place: -ord(owners[place]))
    given, turned = exchange(owners, groups, 5), exchange([owners[p] for p in order], [groups[p] for p in order], 5)
    assert {order[place]: order[thing] for place, thing in enumerate(turned)} == dict(enumerate(given))


def test_nothing_is_exchanged_where_there_is_nothing() -> None:
    assert exchange([], [], seed=0) == []


def test_many_are_exchanged_at_once() -> None:
    owners = [f"p{number // 3}" for number in range(10_000)]
    groups = [str(number % 23) for number in range(10_000)]
    given = exchange(owners, groups, seed=0)
    assert sorted(given) == list(range(10_000))
    assert all(owners[place] != owners[thing] for place, thing in enumerate(given))
    assert all(groups[place] == groups[thing] for place, thing in enumerate(given))
