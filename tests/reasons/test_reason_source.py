from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.language_model.generation import Generation
from occpred.reasons.masked_reason import MaskedReason
from occpred.reasons.shuffled_reason import ShuffledReason, Within
from occpred.reasons.source import GeneratedReason, Material, NoReason, OracleReason, ReasonSource
from occpred.reasons.template_reason import TemplateReason
from occpred.records import CareerHistory, JudgedReason, JudgeScores, NextOccupationExample, Position, Reason
from occpred.settings import SettingError
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

TAXONOMY = SampleTaxonomy().load()
SAMPLED = Generation(temperature=1.0)


def example(person: str, number: int, target: str) -> NextOccupationExample:
    history = CareerHistory(person, (), (Position("29-1141.00", "Nurse", start="2010", end="2014"),))
    return NextOccupationExample(f"{person}/{number}", person, history, target)


def judged(example: NextOccupationExample, *texts: str) -> list[JudgedReason]:
    scores = JudgeScores(5, 5, 5)
    return [JudgedReason(Reason(example.example_id, n, text, "teacher"), scores) for n, text in enumerate(texts)]


class Parrot:
    """A writer that says who it writes for."""

    def __init__(self, examples: Sequence[NextOccupationExample]) -> None:
        self.examples = examples

    def __call__(self, generation: Generation, num_reasons: int) -> Iterator[Reason]:
        for example in self.examples:
            for candidate in range(num_reasons):
                text = f"{example.example_id} at {generation.temperature}, {candidate}"
                yield Reason(example.example_id, candidate, text, "parrot")


@pytest.fixture
def material(taxonomy: Taxonomy) -> Material:
    """Two persons with an oracle reason or two, and one whose candidates were all refused."""
    examples = [example("p1", 1, "29-1141.00"), example("p2", 1, "11-9111.00"), example("p3", 1, "11-9111.00")]
    oracle = {"p1/1": judged(examples[0], "best", "second"), "p3/1": judged(examples[2], "third's")}
    return Material(examples, taxonomy, oracle, Parrot(examples))


def given_texts(source: ReasonSource, material: Material, num_reasons: int) -> list[tuple[str, int, str]]:
    reasons = list(source(material, num_reasons))
    assert {reason.source for reason in reasons} == {type(source).__name__}
    return [(reason.example_id, reason.candidate, reason.text) for reason in reasons]


def test_no_reason_is_the_empty_text(material: Material) -> None:
    assert given_texts(NoReason(), material, 3) == [("p1/1", 0, ""), ("p2/1", 0, ""), ("p3/1", 0, "")]


def test_oracle_reasons_come_best_first_and_may_be_missing(material: Material) -> None:
    missing, third = ("p2/1", 0, ""), ("p3/1", 0, "third's")
    assert given_texts(OracleReason(), material, 1) == [("p1/1", 0, "best"), missing, third]
    assert given_texts(OracleReason(), material, 2) == [("p1/1", 0, "best"), ("p1/1", 1, "second"), missing, third]


def test_the_model_writes_as_it_is_told(material: Material) -> None:
    assert given_texts(GeneratedReason(), material, 1) == [
        (id, 0, f"{id} at 0.0, 0") for id in ("p1/1", "p2/1", "p3/1")
    ]
    assert given_texts(GeneratedReason(SAMPLED), material, 2)[1] == ("p1/1", 1, "p1/1 at 1.0, 1")


def test_several_reasons_that_would_be_the_same_are_refused(material: Material) -> None:
    with pytest.raises(SettingError, match=r"num_reasons=2: .*generation\.temperature=0; set it above 0"):
        next(GeneratedReason()(material, 2))
    with pytest.raises(SettingError):
        GeneratedReason().check(2)
    GeneratedReason(SAMPLED).check(2)
    for source in (NoReason(), OracleReason(), ShuffledReason(), MaskedReason(), TemplateReason()):
        source.check(2)


def test_a_writer_must_write_for_everybody(material: Material) -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(GeneratedReason()(replace(material, write=Parrot(material.examples[:1])), 1))
    with pytest.raises(ValueError, match="need a model"):
        list(GeneratedReason()(replace(material, write=None), 1))


def test_sources_say_what_they_need() -> None:
    sources: list[type[ReasonSource]] = [
        NoReason,
        GeneratedReason,
        OracleReason,
        ShuffledReason,
        MaskedReason,
        TemplateReason,
    ]
    assert [source for source in sources if source.needs_oracle] == [OracleReason, ShuffledReason, MaskedReason]
    assert [source for source in sources if source.needs_writer] == [GeneratedReason]
    assert len({source.label for source in sources}) == len(sources)


codes = st.sampled_from(TAXONOMY.codes)
sources = st.sampled_from(
    [
        NoReason(),
        GeneratedReason(SAMPLED),
        OracleReason(),
        ShuffledReason(),
        ShuffledReason(within=Within.ALL),
        MaskedReason(),
        TemplateReason(),
    ]
)


@st.composite
def materials(draw: st.DrawFn) -> Material:
    """Up to six examples of up to four persons, each with up to three reasons; at least two persons have one."""
    persons = draw(st.lists(st.sampled_from(["p1", "p2", "p3", "p4"]), max_size=4))
    examples = [example(person, n, draw(codes)) for n, person in enumerate(["p1", "p2", *persons])]
    numbers = [draw(st.integers(1 if place < 2 else 0, 3)) for place in range(len(examples))]
    oracle = {
        one.example_id: judged(one, *(f"{one.example_id}: {n}" for n in range(number)))
        for one, number in zip(examples, numbers, strict=True)
        if number
    }
    return Material(examples, TAXONOMY, oracle, Parrot(examples))


@given(sources, materials(), st.integers(1, 3))
def test_each_example_gets_one_reason_at_least_in_order(
    source: ReasonSource, material: Material, num_reasons: int
) -> None:
    reasons = list(source(material, num_reasons))
    places = {one.example_id: place for place, one in enumerate(material.examples)}
    keys = [(places[reason.example_id], reason.candidate) for reason in reasons]
    assert keys == sorted(keys)
    counts = [[place for place, _ in keys].count(place) for place in range(len(places))]
    assert all(1 <= count <= num_reasons for count in counts)
    assert keys == [(place, number) for place, count in enumerate(counts) for number in range(count)]
    assert reasons == list(source(material, num_reasons))
