from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.careers.jobhop import JobHopCareers
from occpred.careers.source import CanonicalCut, CareerData
from occpred.careers.split import CanonicalSplit, SplitByPerson, SplitByTime, VisibleUntil
from occpred.errors import UserError
from occpred.records import CareerHistory, Position
from occpred.settings import SettingError
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy


def career(person_id, *starts, education=()):
    """A career whose occupation codes tell the index of the position: c0, c1, ..."""
    positions = tuple(Position(f"c{index}", f"job {index}", start=start) for index, start in enumerate(starts))
    return CareerHistory(person_id, tuple(education), positions)


def data_of(*people, cuts=None):
    return CareerData(people, (), len(people), cuts=cuts)


def crowd(num_people, num_positions=4):
    return data_of(*(career(f"p{index}", *[None] * num_positions) for index in range(num_people)))


def ids(examples):
    return [example.example_id for example in examples]


def people_of(examples):
    return {example.person_id for example in examples}


def test_an_example_asks_for_what_follows_its_history():
    examples = SplitByPerson(examples_per_person=0)(crowd(10))
    for example in (*examples.train, *examples.validation, *examples.test):
        target = int(example.example_id.removeprefix(f"{example.person_id}/"))
        assert example.target_code == f"c{target}"
        assert [position.occupation_code for position in example.history.positions] == [f"c{i}" for i in range(target)]
        assert example.history.person_id == example.person_id


@pytest.mark.parametrize(("limit", "targets"), [(0, [1, 2, 3]), (1, [3]), (2, [2, 3]), (9, [1, 2, 3])])
def test_the_most_recent_examples_of_a_person_are_taken(limit, targets):
    examples = SplitByPerson(examples_per_person=limit)(crowd(5))
    for part in (examples.train, examples.validation, examples.test):
        for person_id in people_of(part):
            assert [id for id in ids(part) if id.startswith(f"{person_id}/")] == [f"{person_id}/{t}" for t in targets]


@given(
    lengths=st.lists(st.integers(2, 5), min_size=4, max_size=30),
    test_share=st.floats(0.01, 0.45),
    validation_share=st.floats(0, 0.3),
    seed=st.integers(0, 3),
)
def test_no_person_is_in_two_parts(lengths, test_share, validation_share, seed):
    people = [career(f"p{index}", *[None] * length) for index, length in enumerate(lengths)]
    split = SplitByPerson(examples_per_person=0, seed=seed, test_share=test_share, validation_share=validation_share)
    examples = split(data_of(*people))
    train, validation, test = (people_of(part) for part in (examples.train, examples.validation, examples.test))
    assert len(train) + len(validation) + len(test) == len(people)
    assert train | validation | test == {person.person_id for person in people}
    assert len(test) == max(1, round(test_share * len(people)))
    assert len(validation) == (max(1, round(validation_share * len(people))) if validation_share else 0)
    assert {person.person_id for person in examples.training_careers} == train
    assert all(person in people for person in examples.training_careers)
    backwards = split(data_of(*reversed(people)))
    assert people_of(backwards.test) == test, "who is asked must not depend on the order of the rows"


def test_another_seed_asks_other_people():
    asked = {frozenset(people_of(SplitByPerson(seed=seed)(crowd(50)).test)) for seed in range(5)}
    assert len(asked) == 5


def test_fewer_people_may_be_asked():
    everybody = SplitByPerson(test_share=0.5, examples_per_person=0)(crowd(40))
    some = SplitByPerson(test_share=0.5, examples_per_person=0, max_test_people=6)(crowd(40))
    assert len(people_of(some.test)) == 6
    assert len(some.test) == 18
    assert people_of(some.test) < people_of(everybody.test)
    assert (some.train, some.validation, some.training_careers) == (
        everybody.train,
        everybody.validation,
        everybody.training_careers,
    )


def test_fewer_people_to_learn_from_are_some_of_the_more_and_the_questions_stay() -> None:
    whole = SplitByPerson(test_share=0.5)(crowd(40))
    learnt_from = []
    for most in (4, 9, 0):
        some = SplitByPerson(test_share=0.5, max_train_people=most)(crowd(40))
        assert (some.validation, some.test) == (whole.validation, whole.test)
        people = [career.person_id for career in some.training_careers]
        assert {example.person_id for example in some.train} <= set(people)
        learnt_from.append(people)
    assert [len(people) for people in learnt_from] == [4, 9, 16]
    assert set(learnt_from[0]) < set(learnt_from[1]) < set(learnt_from[2])


def test_time_decides_by_the_start_of_the_target():
    split = SplitByTime(examples_per_person=0, validation_from="2010", test_from="2012-07")
    examples = split(
        data_of(
            career("a", "2005", "2009-12", "2010-01", "2012-06", "2012-07", "2020"),
            career("b", "2011", "2012", None, "2012-08"),
            career("c", "2001", "2002", None, "2003"),
            career("d", "2009", "2013"),
        )
    )
    assert ids(examples.train) == ["a/1", "c/1", "c/3"]
    assert ids(examples.validation) == ["a/2", "a/3"]
    assert ids(examples.test) == ["a/4", "a/5", "b/3", "d/1"]
    assert examples.facts == {"targets_undated": 3}  # b/1 is in either half of 2012, b/2 and c/2 have no date
    assert [(person.person_id, len(person.positions)) for person in examples.training_careers] == [
        ("a", 2),
        ("c", 4),
        ("d", 1),
    ]


def test_time_takes_the_most_recent_examples_of_each_part():
    split = SplitByTime(validation_from="2010", test_from="2012")
    examples = split(data_of(career("a", "2001", "2002", "2003", "2010", "2011", "2012", "2013")))
    assert (ids(examples.train), ids(examples.validation), ids(examples.test)) == (["a/2"], ["a/4"], ["a/6"])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"validation_from": "2010", "test_from": "2009"}, "validation must not begin after test"),
        ({"validation_from": "2010", "test_from": "soon"}, "'soon' is not a date"),
        ({}, "is not a date"),
    ],
)
def test_times_that_make_no_sense_are_refused(given, complaint):
    with pytest.raises(SettingError, match=complaint):
        SplitByTime(**given)


def test_shares_that_leave_nobody_to_learn_from_are_refused():
    with pytest.raises(SettingError, match="below 1"):
        SplitByPerson(test_share=0.5, validation_share=0.5)
    with pytest.raises(SettingError, match=r"test_share=0\.0: must be above 0"):
        SplitByPerson(test_share=0.0)


CUT_DATA = data_of(
    career("a", *[None] * 5), career("b", *[None] * 3), cuts={"a": CanonicalCut(3, 4), "b": CanonicalCut(1, 2)}
)


@pytest.mark.parametrize(("visible_until", "lengths"), [(VisibleUntil.TEST, [4, 2]), (VisibleUntil.VALIDATION, [3, 1])])
def test_the_canonical_split_in_both_protocols(visible_until, lengths):
    examples = CanonicalSplit(examples_per_person=0, visible_until=visible_until)(CUT_DATA)
    assert ids(examples.train) == ["a/1", "a/2"]
    assert ids(examples.validation) == ["a/3", "b/1"]
    assert ids(examples.test) == ["a/4", "b/2"]
    assert [example.target_code for example in examples.test] == ["c4", "c2"]
    assert [len(example.history.positions) for example in examples.test] == lengths
    assert [len(example.history.positions) for example in examples.validation] == [3, 1]
    assert [len(person.positions) for person in examples.training_careers] == [3, 1]


def test_the_canonical_split_needs_cuts():
    with pytest.raises(UserError, match="come without a split; take SplitByPerson or SplitByTime"):
        CanonicalSplit()(crowd(10))


@pytest.mark.parametrize(
    ("split", "data", "part"),
    [
        (SplitByPerson(), crowd(1), "train"),
        (SplitByTime(validation_from="2010", test_from="2012"), crowd(3), "train"),
        (SplitByTime(validation_from="2010", test_from="2012"), data_of(career("a", "2001", "2002")), "test"),
        (CanonicalSplit(), data_of(career("b", *[None] * 3), cuts={"b": CanonicalCut(1, 2)}), "train"),
    ],
)
def test_a_split_without_train_or_test_examples_is_a_clear_error(split, data, part):
    with pytest.raises(UserError, match=f"{type(split).__name__}: . people give no {part} example"):
        split(data)


def test_the_real_benchmark(shared_data):
    folder = str(shared_data / "jobhop_ict")
    data = JobHopCareers(folder).read(JobHopItemsTaxonomy(folder).load())
    natural, published = (
        CanonicalSplit(examples_per_person=0, visible_until=visible_until)(data) for visible_until in VisibleUntil
    )
    assert [len(part) for part in (natural.train, natural.validation, natural.test)] == [2492, 2778, 2778]
    assert (natural.train, natural.training_careers) == (published.train, published.training_careers)
    assert len(natural.training_careers) == 2778

    popularity = Counter(
        position.occupation_code for person in published.training_careers for position in person.positions
    )
    assert popularity.total() == 10_826 - 2 * 2778
    best = [code for code, _ in popularity.most_common(5)]
    places = [best.index(example.target_code) for example in published.test if example.target_code in best]
    assert round(len(places) / 2778, 4) == 0.2775
    assert round(sum(1 / (1 + place) for place in places) / 2778, 4) == 0.1728
