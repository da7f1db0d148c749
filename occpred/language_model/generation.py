"""Writing text with a local language model.

Shapes: B prompts of one batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from occpred.progress import divided
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Written:
    """How a prompt was continued.

    `num_tokens` counts what the model wrote, without the token that ends a text. What `is_finished` was ended by the
    model or by the stop; another text was cut.
    """

    text: str
    num_tokens: int
    is_finished: bool


@dataclass
class Generation(Settings):
    """How completions are drawn."""

    max_new_tokens: int = setting(128, minimum=1)
    """A completion that has not come to its end by then is cut."""
    temperature: float = setting(0.0, minimum=0)
    """0 takes the most probable token each time; 1 samples from the model as it is."""
    batch_size: int = setting(64, minimum=1, incidental=True)
    """Prompts that are continued together."""
    seed: int = setting(0, minimum=0)
    """Seed of sampling; unused at temperature 0. Each prompt's draws depend on it and on the prompt's number alone, in
    a call its place."""

    def __call__(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Sequence[int]],
        *,
        stop: str,
        stage: str,
    ) -> list[str]:
        """Continue each prompt until `stop` appears, the model ends its text, or `max_new_tokens` are written.

        Args:
            model: a Hugging Face causal language model in evaluation mode, with or without adapters.
            tokenizer: the model's own.
            prompts: token ids; each non-empty.
            stop: the text at which a completion ends; it is kept in the completion.
            stage: name in front of the progress bar.

        Returns:
            The completions in the order of `prompts`, cut right after `stop`.
        """
        # Prompts of like length are continued together, so that little padding is computed.
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        batches = [order[first : first + self.batch_size] for first in range(0, len(order), self.batch_size)]
        texts = [""] * len(prompts)

        def continued(batch: list[int]) -> list[Written]:
            together = [prompts[index] for index in batch]
            return self.continue_batch(model, tokenizer, together, draws=batch, stop=stop)

        for batch, written in zip(batches, divided(batches, continued, stage, unit="batch"), strict=True):
            for index, continuation in zip(batch, written, strict=True):
                texts[index] = continuation.text
        return texts

    def continue_batch(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Sequence[int]],
        *,
        draws: Sequence[int],
        stop: str | None = None,
    ) -> list[Written]:
        """Continue all `prompts` at once, whatever `batch_size` is.

        Args:
            model: as in a call.
            tokenizer: the model's own.
            prompts: token ids; each non-empty.
            draws: a number for each prompt, not negative. A sample depends on the prompt, on its number and on `seed`.
            stop: the text at which a completion ends, where there is one; it is kept in the completion.
        """
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        from occpred.language_model.sampling import SeededDraws
        from occpred.language_model.stopping import StopAtText

        generator: Any = model
        longest = max(map(len, prompts))
        inputs = tokenizer.pad(
            {"input_ids": [list(prompt) for prompt in prompts]}, padding_side="left", return_tensors="pt"
        ).to(generator.device)
        sampling = [SeededDraws(self.temperature, self.seed, draws, generator.device)] if self.temperature else []
        stopping = [StopAtText(tokenizer, stop, longest)] if stop else []
        with torch.inference_mode():
            output_BT = generator.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                logits_processor=LogitsProcessorList(sampling),
                stopping_criteria=StoppingCriteriaList(stopping),
                pad_token_id=tokenizer.pad_token_id,
            )
        written_BT = output_BT[:, longest:]
        texts = tokenizer.batch_decode(written_BT, skip_special_tokens=True)
        ends = _end_tokens(generator, tokenizer)
        return [_written(ids, text, ends, stop) for ids, text in zip(written_BT.tolist(), texts, strict=True)]


def _end_tokens(generator: Any, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """What stands behind a finished text: the token that ended it, then padding up to the longest of its batch."""
    ends = generator.generation_config.eos_token_id
    return {tokenizer.pad_token_id, *(ends if isinstance(ends, list) else [ends])}


def _written(ids: Sequence[int], text: str, ends: set[int], stop: str | None) -> Written:
    num_tokens = len(ids)
    while num_tokens and ids[num_tokens - 1] in ends:
        num_tokens -= 1
    head, found, _ = text.partition(stop) if stop else (text, "", "")
    return Written(head + found, num_tokens, bool(found) or num_tokens < len(ids))
