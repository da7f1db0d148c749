"""The joint model as an answering system, with the embedded backbone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from occpred.encoding import JointEncoder
from occpred.language_model.backbone import Backbone
from occpred.language_model.generation import Generation
from occpred.prompts import Prompts
from occpred.ranking.exact import ExactRanking
from occpred.ranking.free_text import FreeText
from occpred.ranking.joint_system import JointSystem
from occpred.ranking.reason_source import GeneratedReason, NoReason, OracleReason, ReasonSource
from occpred.records import CareerHistory, NextOccupationExample, Position
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def encoder(taxonomy: Taxonomy, tiny_backbone: Backbone) -> JointEncoder:
    prompts = Prompts(joint_instruction="Reason, then answer.", history_opens="[h]", history_closes="[/h]")
    return JointEncoder(prompts, tiny_backbone.load_tokenizer(), taxonomy)


@pytest.fixture(scope="module")
def model(tiny_backbone: Backbone) -> torch.nn.Module:
    return tiny_backbone.load_model()


@pytest.fixture(scope="module")
def examples(taxonomy: Taxonomy) -> list[NextOccupationExample]:
    codes = taxonomy.codes
    histories = [CareerHistory(f"p{i}", (), (Position(codes[i], taxonomy[codes[i]].title),)) for i in range(3)]
    return [NextOccupationExample(f"p{i}/1", f"p{i}", history, codes[5]) for i, history in enumerate(histories)]


def system(encoder: JointEncoder, source: ReasonSource, *, free_text: bool = False) -> JointSystem:
    generation = Generation(max_new_tokens=6)
    return JointSystem(encoder, source, ExactRanking(free_text=FreeText(free_text, generation)))


def test_a_ranking_depends_on_its_reason_and_nothing_else(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample], taxonomy: Taxonomy
) -> None:
    oracle = {"p0/1": "Wants to help people.", "p2/1": "Wants to build things."}
    with_oracle = system(encoder, OracleReason())(model, examples, oracle)
    without = system(encoder, NoReason())(model, examples, oracle)
    assert with_oracle.reasons == ("Wants to help people.", "", "Wants to build things.")
    assert without.reasons == ("", "", "")
    assert with_oracle.codes == taxonomy.codes
    differs_P = np.abs(with_oracle.log_probs_PC - without.log_probs_PC).max(axis=1) > 1e-3
    assert differs_P.tolist() == [True, False, True]


def test_a_generated_reason_is_what_the_model_writes_next(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample]
) -> None:
    found = system(encoder, GeneratedReason(Generation(max_new_tokens=6, batch_size=2)))(model, examples, {})
    for example, reason in zip(examples, found.reasons, strict=True):
        ids = torch.tensor([[*encoder.prompt(example.history), *encoder.reason_opening()]])
        with torch.no_grad():
            for _ in range(6):
                best = model(input_ids=ids).logits[0, -1].argmax()
                ids = torch.cat([ids, best.view(1, 1)], dim=1)
        assert reason == encoder.decode(ids[0, -6:].tolist()).strip()


def test_free_text_that_is_never_closed_is_no_answer(
    encoder: JointEncoder, model: torch.nn.Module, examples: list[NextOccupationExample]
) -> None:
    assert system(encoder, NoReason(), free_text=False)(model, examples, {}).free_text == ()
    # The backbone has not learned the answer format, so within six tokens it closes nothing.
    assert system(encoder, NoReason(), free_text=True)(model, examples, {}).free_text == ("", "", "")
