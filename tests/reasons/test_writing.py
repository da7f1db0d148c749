"""What a model writes, with the embedded backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from transformers import PreTrainedModel

from occpred.encoding import JointEncoder, ReasonEncoder
from occpred.language_model.backbone import Backbone
from occpred.language_model.generation import Generation
from occpred.language_model.writer import LocalWriter
from occpred.prompts import Prompts
from occpred.reasons.writing import write_completions, write_reasons
from occpred.records import CareerHistory, Completion, NextOccupationExample, Position
from occpred.taxonomy.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def encoder(taxonomy: Taxonomy, tiny_backbone: Backbone) -> JointEncoder:
    return JointEncoder(Prompts(joint_instruction="Reason."), tiny_backbone.load_tokenizer(), taxonomy)


@pytest.fixture(scope="module")
def model(tiny_backbone: Backbone) -> PreTrainedModel:
    return tiny_backbone.load_model()


@pytest.fixture(scope="module")
def examples(taxonomy: Taxonomy) -> list[NextOccupationExample]:
    codes = taxonomy.codes
    histories = [CareerHistory(f"p{i}", (), (Position(codes[i], taxonomy[codes[i]].title),)) for i in range(3)]
    return [NextOccupationExample(f"p{i}/1", f"p{i}", history, codes[5]) for i, history in enumerate(histories)]


def test_a_reason_is_what_the_model_writes_next(
    encoder: JointEncoder, model: PreTrainedModel, examples: list[NextOccupationExample]
) -> None:
    """Against a plain loop that takes the most probable token again and again."""
    writer = LocalWriter(model, encoder.tokenizer)
    found = write_reasons(writer, encoder, examples, Generation(max_new_tokens=6, batch_size=2), 1)
    for example, [reason] in zip(examples, found, strict=True):
        ids = torch.tensor([encoder.reason_prompt(example.history)])
        with torch.no_grad():
            for _ in range(6):
                best = model(input_ids=ids).logits[0, -1].argmax()
                ids = torch.cat([ids, best.view(1, 1)], dim=1)
        assert reason == encoder.tokenizer.decode(ids[0, -6:], skip_special_tokens=True).strip()


def test_several_reasons_are_drawn_for_each_example(
    encoder: JointEncoder, model: PreTrainedModel, examples: list[NextOccupationExample]
) -> None:
    writer = LocalWriter(model, encoder.tokenizer)
    drawn = write_reasons(writer, encoder, examples, Generation(max_new_tokens=8, temperature=1.0), 3)
    assert [len(own) for own in drawn] == [3, 3, 3]
    assert len({text for own in drawn for text in own}) > 3


@dataclass(frozen=True)
class Recited:
    """Says given texts, cut as a real one does."""

    texts: tuple[str, ...]

    def __call__(
        self, generation: Generation, prompts: Sequence[Sequence[int]], /, *, stop: str, stage: str
    ) -> list[str]:
        return [head + found for head, found, _ in (text.partition(stop) for text in self.texts)]


def test_a_reply_is_read_as_reason_and_answer(encoder: JointEncoder, examples: list[NextOccupationExample]) -> None:
    recited = Recited(
        (
            "They rise.</think><answer>Cooks</answer> and more",
            "They rise.</think><answer>Cooks",
            "They never end",
        )
    )
    replies = list(write_completions(recited, encoder, examples, Generation(), 1))
    assert replies == [
        Completion("p0/1", 0, "They rise.", "Cooks"),
        Completion("p1/1", 0, "They rise.", ""),
        Completion("p2/1", 0, "", ""),
    ]


def test_a_reason_generator_ends_with_its_reason(encoder: JointEncoder, examples: list[NextOccupationExample]) -> None:
    recited = Recited(("One.</think><answer>Cooks</answer>", "Two.</think>", "never closed", "Three.</think>"))
    generator = ReasonEncoder(encoder.prompts, encoder.tokenizer, encoder.taxonomy)
    replies = list(write_completions(recited, generator, examples[:2], Generation(), 2))
    assert replies == [
        Completion("p0/1", 0, "One."),
        Completion("p0/1", 1, "Two."),
        Completion("p1/1", 0, ""),
        Completion("p1/1", 1, "Three."),
    ]
