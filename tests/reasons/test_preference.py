"""What all rules have in common."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.prompts import plain
from occpred.reasons.judge_preference import JudgePreference
from occpred.reasons.oracle_preference import OraclePreference
from occpred.reasons.outcome_preference import OutcomePreference, ZeroPoint
from occpred.reasons.pairs import PairCounts, Unpaired
from occpred.reasons.preference import NoPreference, PairMaterial, PairRule
from occpred.reasons.sampling import Sampling
from occpred.records import CareerHistory, Completion, JudgedReason, JudgeScores, NextOccupationExample, Reason
from occpred.settings import SettingError

TITLES = {"a": "Actors", "b": "Bakers"}
texts = st.sampled_from(["", " ", "x", "x ", "y", "z"])
answers = st.sampled_from(["", "Actors", "Bakers", "Nonsense"])
scores = st.builds(JudgeScores, *[st.integers(1, 5)] * 3)
log_probs = st.floats(-9, 0)
gaps = st.floats(0.01, 3)
rules = st.one_of(
    st.builds(JudgePreference, minimum_gap=gaps),
    st.builds(OutcomePreference, minimum_gap=gaps, zero_point=st.sampled_from(ZeroPoint)),
    st.builds(OraclePreference, minimum_gap=gaps),
)


@st.composite
def materials(draw: st.DrawFn) -> PairMaterial:
    """Up to four examples with up to four completions each, in any order, of all kinds."""
    ids = [f"p{number}/1" for number in range(draw(st.integers(0, 4)))]
    examples = [NextOccupationExample(id, id, CareerHistory(id, (), ()), draw(st.sampled_from("ab"))) for id in ids]
    completions = {
        id: draw(
            st.permutations([Completion(id, n, draw(texts), draw(answers)) for n in range(draw(st.integers(0, 4)))])
        )
        for id in ids
    }
    keys = [(id, completion.candidate) for id in ids for completion in completions[id]]
    kept = [id for id in ids if draw(st.booleans())]
    return PairMaterial(
        examples=examples,
        titles=TITLES,
        names_occupation=draw(st.booleans()),
        completions=completions,
        judged={key: draw(scores) for key in keys},
        oracle={id: [JudgedReason(Reason(id, 0, draw(st.sampled_from("xo")), "teacher"), draw(scores))] for id in kept},
        log_probs={key: draw(log_probs) for key in keys},
        log_probs_without_reason={id: draw(log_probs) for id in ids},
    )


@given(rules, materials())
def test_every_example_is_counted_once(rule: PairRule, material: PairMaterial) -> None:
    found = rule.pairs(material)
    counts = asdict(found.counts)
    assert counts.pop("examples") == len(material.examples) == sum(counts.values())
    assert found.counts.paired == len(found.pairs)
    paired = [pair.example_id for pair in found.pairs]
    assert paired == [example.example_id for example in material.examples if example.example_id in paired]


@given(rules, materials())
def test_every_pair_has_a_better_and_a_worse_text(rule: PairRule, material: PairMaterial) -> None:
    for pair in rule.pairs(material).pairs:
        assert pair.chosen_worth > pair.rejected_worth
        assert (plain(pair.chosen.reason), plain(pair.chosen.answer)) != (
            plain(pair.rejected.reason),
            plain(pair.rejected.answer),
        )
        for completion in (pair.chosen, pair.rejected):
            assert completion.example_id == pair.example_id
            assert plain(completion.reason)
            assert plain(completion.answer) or not material.names_occupation
        assert pair.rejected in material.completions[pair.example_id]


@given(rules, materials())
def test_a_wider_gap_never_gives_more_pairs(rule: PairRule, material: PairMaterial) -> None:
    wider = type(rule)(**{**vars(rule), "minimum_gap": vars(rule)["minimum_gap"] + 1})
    narrow, wide = rule.pairs(material), wider.pairs(material)
    assert set(wide.pairs) <= set(narrow.pairs)
    assert wide.counts.paired + wide.counts.too_small_gap == narrow.counts.paired + narrow.counts.too_small_gap


@given(rules, materials())
def test_the_order_of_completions_does_not_matter(rule: PairRule, material: PairMaterial) -> None:
    ordered = {
        id: sorted(completions, key=lambda completion: completion.candidate)
        for id, completions in material.completions.items()
    }
    assert rule.pairs(material) == rule.pairs(PairMaterial(**{**vars(material), "completions": ordered}))


def test_counts_name_every_reason_for_no_pair() -> None:
    assert {field.name for field in fields(PairCounts)} == {"examples", "paired"} | {why.value for why in Unpaired}


def test_without_preference_there_is_no_round() -> None:
    assert not NoPreference().each_round()
    with pytest.raises(TypeError, match="rounds"):
        NoPreference(rounds=3)  # type: ignore[call-arg]


def test_each_round_is_sampled_with_a_seed_of_its_own() -> None:
    rule = JudgePreference(rounds=3, minimum_gap=1, sampling=Sampling(num_samples=8))
    rounds = rule.each_round()
    assert len({one.sampling.seed for one in rounds} | {rule.sampling.seed}) == 4
    assert all(one.sampling.num_samples == 8 for one in rounds)
    assert all(isinstance(one, JudgePreference) and one.minimum_gap == 1 for one in rounds)
    # Those of fewer rounds are the first of those of more, so their results are found again.
    assert JudgePreference(rounds=2, minimum_gap=1, sampling=Sampling(num_samples=8)).each_round() == rounds[:2]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(SettingError, match=r"JudgePreference\.rounds=0: must be at least 1"):
        JudgePreference(rounds=0)
