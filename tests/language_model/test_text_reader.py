from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.language_model.text_reader import TextReader

PROMPTS = [[7, 3, 12], [5], [9, 9, 9, 9, 30, 31], [60, 2]]
WRITTEN = [[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34], [41, 42, 43, 44]]


def next_logits(model: PreTrainedModel, text: Sequence[int]) -> Tensor:
    """What plain Hugging Face says of the token behind a text, (V,)."""
    with torch.no_grad():
        logits_V: Tensor = model(torch.tensor([text])).logits[0, -1]
    return logits_V


def test_each_step_gives_what_the_whole_text_gives(micro_model: PreTrainedModel) -> None:
    with torch.inference_mode():
        reader = TextReader(micro_model, PROMPTS, most=4)
        steps = [reader.read_prompts()]
        steps += [reader.read(torch.tensor([ids[step] for ids in WRITTEN])) for step in range(4)]
    for step, logits_BV in enumerate(steps):
        for prompt, written, logits_V in zip(PROMPTS, WRITTEN, logits_BV, strict=True):
            expected_V = next_logits(micro_model, [*prompt, *written[:step]])
            torch.testing.assert_close(logits_V, expected_V, rtol=1e-4, atol=1e-4)


def test_texts_that_are_kept_go_on_in_the_order_that_is_said(micro_model: PreTrainedModel) -> None:
    with torch.inference_mode():
        reader = TextReader(micro_model, PROMPTS, most=4)
        reader.read_prompts()
        reader.read(torch.tensor([ids[0] for ids in WRITTEN]))
        reader.keep([2, 0])
        for step in (1, 2):
            logits_BV = reader.read(torch.tensor([WRITTEN[2][step], WRITTEN[0][step]]))
            for text, logits_V in zip((2, 0), logits_BV, strict=True):
                expected_V = next_logits(micro_model, [*PROMPTS[text], *WRITTEN[text][: step + 1]])
                torch.testing.assert_close(logits_V, expected_V, rtol=1e-4, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("base_dtype", list(BaseDtype))
def test_steps_that_are_replayed_are_those_of_a_model_that_computes_them(
    wider_model: PreTrainedModel, base_dtype: BaseDtype
) -> None:
    backbone: Any = wider_model
    dtype = torch.float32 if base_dtype is BaseDtype.backbone else torch.bfloat16
    model = LoRA(rank=2, base_dtype=base_dtype)(backbone.to("cuda", dtype), seed=0).eval()

    def read(is_recorded: bool) -> list[Tensor]:
        with torch.inference_mode():
            reader = TextReader(model, PROMPTS, most=4)
            reader._records = is_recorded
            reader.read_prompts()
            return [reader.read(torch.tensor([ids[step] for ids in WRITTEN]).cuda()).clone() for step in range(4)]

    for replayed_BV, computed_BV in zip(read(True), read(False), strict=True):
        torch.testing.assert_close(replayed_BV, computed_BV)
