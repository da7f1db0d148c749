"""Letting a language model write: reasons for an answer to rest on, or whole replies to compare.

Shapes: P examples, R texts each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from occpred.encoding import WritesReasons
from occpred.language_model.generation import Generation
from occpred.language_model.writer import Writer
from occpred.prompts import THINK_CLOSE, THINK_OPEN, parse_reply
from occpred.records import Completion, NextOccupationExample


def write_reasons(
    writer: Writer,
    encoder: WritesReasons,
    examples: Sequence[NextOccupationExample],
    generation: Generation,
    num_reasons: int,
) -> list[list[str]]:
    """Let the model write `num_reasons` reasons for each example, P lists of R; one never closed counts as it stands.

    Args:
        writer: a language model that is ready to write.
        encoder: the role it plays.
        examples: whose histories it is shown.
        generation: how the texts are drawn.
        num_reasons: R.
    """
    texts = _continue(writer, encoder, examples, generation, num_reasons, stop=THINK_CLOSE)
    reasons = [text.partition(THINK_CLOSE)[0].strip() for text in texts]
    return [reasons[first : first + num_reasons] for first in range(0, len(reasons), num_reasons)]


def write_completions(
    writer: Writer,
    encoder: WritesReasons,
    examples: Sequence[NextOccupationExample],
    generation: Generation,
    num_samples: int,
) -> Iterator[Completion]:
    """Let the model write `num_samples` whole replies to each example; what it never closed is left empty."""
    # The role decides what comes last in its reply.
    end = encoder.reply("", "")[-1]
    texts = _continue(writer, encoder, examples, generation, num_samples, stop=end)
    for (example, candidate), text in zip(product(examples, range(num_samples)), texts, strict=True):
        parsed = parse_reply(THINK_OPEN + text)
        yield Completion(example.example_id, candidate, parsed.reason or "", parsed.title or "")


def _continue(
    writer: Writer,
    encoder: WritesReasons,
    examples: Sequence[NextOccupationExample],
    generation: Generation,
    times: int,
    *,
    stop: str,
) -> list[str]:
    prompts = [prompt for example in examples for prompt in [encoder.reason_prompt(example.history)] * times]
    return writer(generation, prompts, stop=stop, stage="generate")
