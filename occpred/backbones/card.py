"""The model card of a pretrained tiny backbone."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from occpred.backbones.corpus import FIRST_SEED, VALIDATION_SEED
from occpred.backbones.token_stream import chunks, taxonomy

if TYPE_CHECKING:
    from transformers import Qwen3ForCausalLM

    from occpred.backbones.pretrain import Recipe


def model_card(recipe: Recipe, model: Qwen3ForCausalLM, stream_tokens: int, loss: float, seconds: float) -> str:
    """Write what the model is, what it has seen and how to make it again, as Markdown.

    Args:
        recipe: how it was trained.
        model: the trained model.
        stream_tokens: tokens of the training text.
        loss: on held-out people, in nats a token.
        seconds: what the training took, without the making of text.
    """
    import torch
    import transformers

    plan = chunks(recipe.people, FIRST_SEED, recipe.onet)
    names = sorted({taxonomy(chunk.onet).name for chunk in plan})
    seen = recipe.steps * recipe.rows * recipe.row_length
    options = " ".join(
        f"--{field.name.replace('_', '-')} {getattr(recipe, field.name)}"
        for field in dataclasses.fields(recipe)
        if getattr(recipe, field.name) != field.default and field.name not in ("output", "onet", "compile")
    )
    onet = " --onet ONET_FOLDER" if recipe.onet else ""
    perplexity = math.exp(loss)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return f"""\
# The tiny backbone of occpred

A Qwen3 model of {parameters:,} parameters ({model.config.num_hidden_layers} layers, width {model.config.hidden_size}, \
vocabulary {model.config.vocab_size}), stored in bfloat16, with its own byte-level BPE tokenizer. Pretrained by us from
scratch, so that the framework runs end to end on a laptop; it is no model of real careers.

## What it has seen
{recipe.people:,} simulated people (seeds {FIRST_SEED} to {plan[-1].seed}; experiments use seeds below {FIRST_SEED}) in
{" and ".join(names)}: their timelines as prompts write them, their lives as prose, and statements about occupations.
It has never seen a prompt's instructions, the form of an answer or a person of any shipped experiment.

It does know the simulated world itself: how people of that world move, learnt from far more people than an experiment
holds. On simulated careers its lead over baselines is therefore partly a lead in data; claims about methods should
compare language models with each other.

## How it was made
`python -m occpred.backbones.pretrain --output DIR{onet}{" " + options if options else ""}`

| | |
|---|---|
| date | {recipe.date} |
| tokens of text | {stream_tokens:,} |
| tokens trained on | {seen:,} ({seen / stream_tokens:.1f} passes) |
| held-out people | seeds from {VALIDATION_SEED} |
| their loss | {loss:.4f} nats a token (perplexity {perplexity:.3f}) |
| training time | {seconds:.0f} s on {_device_name(recipe.device)} |
| versions | torch {torch.__version__}, transformers {transformers.__version__} |

## Sources
The occupations' titles, job zones, relations and descriptions are from the O*NET Database by the U.S. Department of
Labor, Employment and Training Administration (USDOL/ETA), used under the CC BY 4.0 licence and put into sentences of
our own; USDOL/ETA has not approved, endorsed or tested this.
"""


def _device_name(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
