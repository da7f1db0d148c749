"""The answering system, with the embedded backbone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from occpred.encoding import DirectEncoder, JointEncoder, NamesOccupation, PredictorEncoder
from occpred.language_model.backbone import Backbone
from occpred.language_model.generation import Generation
from occpred.prompts import Prompts
from occpred.ranking.exact import ExactRanking
from occpred.ranking.free_text import FreeText
from occpred.ranking.system import AnsweringSystem
from occpred.records import CareerHistory, NextOccupationExample, Position
from occpred.taxonomy.taxonomy import Taxonomy

PROMPTS = Prompts(
    joint_instruction="Reason, then answer.",
    predictor_instruction="Answer.",
    direct_instruction="Answer.",
    history_opens="[h]",
    history_closes="[/h]",
)


@pytest.fixture(scope="module")
def encoder(taxonomy: Taxonomy, tiny_backbone: Backbone) -> JointEncoder:
    return JointEncoder(PROMPTS, tiny_backbone.load_tokenizer(), taxonomy)


@pytest.fixture(scope="module")
def model(tiny_backbone: Backbone) -> torch.nn.Module:
    return tiny_backbone.load_model()


@pytest.fixture(scope="module")
def examples(taxonomy: Taxonomy) -> list[NextOccupationExample]:
    codes = taxonomy.codes
    histories = [CareerHistory(f"p{i}", (), (Position(codes[i], taxonomy[codes[i]].title),)) for i in range(3)]
    return [NextOccupationExample(f"p{i}/1", f"p{i}", history, codes[5]) for i, history in enumerate(histories)]


def system(encoder: NamesOccupation, *, free_text: bool = False) -> AnsweringSystem:
    return AnsweringSystem(encoder, ExactRanking(free_text=FreeText(free_text, Generation(max_new_tokens=6))))


def test_a_ranking_depends_on_its_reason_and_nothing_else(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample], taxonomy: Taxonomy
) -> None:
    with_reason = system(encoder)(model, examples, [["Wants to help people."], [""], ["Wants to build things."]])
    without = system(encoder)(model, examples, [[""], [""], [""]])
    assert with_reason.reasons == ("Wants to help people.", "", "Wants to build things.")
    assert without.reasons == ("", "", "")
    assert with_reason.codes == taxonomy.codes
    differs_P = np.abs(with_reason.log_probs_PC - without.log_probs_PC).max(axis=1) > 1e-3
    assert differs_P.tolist() == [True, False, True]


def test_several_reasons_are_averaged_in_probability(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample]
) -> None:
    """Against each reason asked for alone; an example with fewer reasons repeats its own."""
    one, other = "Wants to help people.", "Wants to build things."
    both = system(encoder)(model, examples, [[one, other], [one], [other, one]])
    apart = [system(encoder)(model, examples, [[text]] * 3).log_probs_PC for text in (one, other)]
    mean_PC = np.log((np.exp(apart[0]) + np.exp(apart[1])) / 2)
    np.testing.assert_allclose(both.log_probs_PC, np.stack([mean_PC[0], apart[0][1], mean_PC[2]]), rtol=1e-4)
    assert both.log_probs_PRC is not None
    np.testing.assert_allclose(both.log_probs_PRC[2], np.stack([apart[1][2], apart[0][2]]), rtol=1e-4)
    assert both.reasons == (one, one, other)


def test_the_predictor_reads_its_reason_and_the_direct_model_none(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample], taxonomy: Taxonomy
) -> None:
    predictor = PredictorEncoder(PROMPTS, encoder.tokenizer, taxonomy)
    with_reason = system(predictor)(model, examples, [["Wants to help people."]] * 3)
    without = system(predictor)(model, examples, [[""]] * 3)
    assert (np.abs(with_reason.log_probs_PC - without.log_probs_PC).max(axis=1) > 1e-3).all()
    with pytest.raises(ValueError, match="was given a reason"):
        system(DirectEncoder(PROMPTS, encoder.tokenizer, taxonomy))(model, examples, [["Wants to help people."]] * 3)


def test_free_text_that_is_never_closed_is_no_answer(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample]
) -> None:
    assert system(encoder)(model, examples, [[""]] * 3).free_text == ()
    # The backbone has not learned the answer format, so within six tokens it closes nothing.
    assert system(encoder, free_text=True)(model, examples, [[""]] * 3).free_text == ("", "", "")
