from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.errors import UserError
from occpred.reasons.shuffled_reason import ShuffledReason, Within
from occpred.reasons.source import Material, OracleReason
from occpred.records import CareerHistory, JudgedReason, JudgeScores, NextOccupationExample, Reason
from occpred.taxonomy.sample import SampleTaxonomy

TAXONOMY = SampleTaxonomy().load()
MANAGER, NURSE, COOK = "11-9111.00", "29-1141.00", "35-2014.00"


def material(people: Sequence[tuple[str, str, int]]) -> Material:
    """The material of examples given by person, target and number of reasons, each of which begins with its person."""
    examples = [
        NextOccupationExample(f"{person}/{place}", person, CareerHistory(person, (), ()), target)
        for place, (person, target, _) in enumerate(people)
    ]
    oracle = {
        example.example_id: [
            JudgedReason(
                Reason(
                    example.example_id, n, f"{example.person_id}'s for {target}: {example.example_id}, {n}", "teacher"
                ),
                JudgeScores(5, 5, 5),
            )
            for n in range(number)
        ]
        for example, (_, target, number) in zip(examples, people, strict=True)
        if number
    }
    return Material(examples, TAXONOMY, oracle)


crowds = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from([MANAGER, NURSE, COOK]), st.integers(0, 3)), max_size=12
).map(lambda people: [("y", NURSE, 1), ("z", NURSE, 1), *people])
shuffles = st.builds(ShuffledReason, st.sampled_from(Within), st.integers(0, 3))


@given(crowds, shuffles, st.integers(1, 3))
def test_shuffling_is_a_derangement_of_persons(
    people: list[tuple[str, str, int]], shuffle: ShuffledReason, num_reasons: int
) -> None:
    drawn_from = material(people)
    own = list(OracleReason()(drawn_from, num_reasons))
    given = list(shuffle(drawn_from, num_reasons))
    persons = {example.example_id: example.person_id for example in drawn_from.examples}
    # Who has reasons gets as many, who has none gets none.
    assert [(r.example_id, r.candidate, bool(r.text)) for r in given] == [
        (r.example_id, r.candidate, bool(r.text)) for r in own
    ]
    assert all(reason.text[:1] != persons[reason.example_id] for reason in given)
    numbers = Counter(persons[reason.example_id] for reason in own if reason.text)
    if 2 * max(numbers.values()) <= numbers.total():
        assert sorted(reason.text for reason in given) == sorted(reason.text for reason in own)


def test_within_the_major_group_the_field_stays(caplog: pytest.LogCaptureFixture) -> None:
    people = [(person, target, 2) for target, persons in ((MANAGER, "abc"), (NURSE, "defg")) for person in persons]
    targets = {f"{person}/{place}": target for place, (person, target, _) in enumerate(people)}
    with caplog.at_level(logging.INFO):
        given = list(ShuffledReason()(material(people), 2))
    assert all(f"for {targets[reason.example_id]}:" in reason.text for reason in given)
    assert caplog.messages == ["another person's reason: of 14, 0 come from another major group and 0 are used again"]
    over_all = list(ShuffledReason(within=Within.ALL)(material(people), 2))
    assert not all(f"for {targets[reason.example_id]}:" in reason.text for reason in over_all)


def test_one_person_alone_in_a_group_exchanges_with_another(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        given = list(ShuffledReason()(material([("a", COOK, 1), *((name, NURSE, 1) for name in "bcde")]), 1))
    assert given[0].text[0] in "bcde"
    assert len({reason.text for reason in given}) == 5
    assert caplog.messages == ["another person's reason: of 5, 2 come from another major group and 0 are used again"]


def test_the_seed_decides_and_the_order_of_examples_does_not() -> None:
    forward = material([(name, NURSE, 1) for name in "abcdefgh"])
    backward = replace(forward, examples=forward.examples[::-1])
    given = {reason.example_id: reason.text for reason in ShuffledReason(seed=1)(forward, 1)}
    assert given == {reason.example_id: reason.text for reason in ShuffledReason(seed=1)(backward, 1)}
    assert given != {reason.example_id: reason.text for reason in ShuffledReason(seed=2)(forward, 1)}


def test_one_person_alone_is_refused() -> None:
    with pytest.raises(UserError, match="all 3 oracle reasons are those of one person"):
        list(ShuffledReason()(material([("a", NURSE, 1), ("a", NURSE, 2), ("b", NURSE, 0)]), 2))


def test_without_any_reason_nobody_gets_one() -> None:
    assert [reason.text for reason in ShuffledReason()(material([("a", NURSE, 0), ("b", NURSE, 0)]), 2)] == ["", ""]
