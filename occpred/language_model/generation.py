"""Writing text with a local language model.

Shapes: B prompts of one batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from occpred.progress import progress
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase


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
    """Seed of sampling; unused at temperature 0. Each prompt's draws depend on it and on the prompt's place alone."""

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
        import torch

        # Prompts of like length are continued together, so that little padding is computed.
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        batches = [order[first : first + self.batch_size] for first in range(0, len(order), self.batch_size)]
        texts = [""] * len(prompts)
        with torch.inference_mode():
            for batch in progress(batches, stage, unit="batch"):
                completions = self._continue_batch(model, tokenizer, {index: prompts[index] for index in batch}, stop)
                for index, text in zip(batch, completions, strict=True):
                    texts[index] = text
        return texts

    def _continue_batch(
        self, model: nn.Module, tokenizer: PreTrainedTokenizerBase, prompts: Mapping[int, Sequence[int]], stop: str
    ) -> list[str]:
        from transformers import LogitsProcessorList, StoppingCriteriaList

        from occpred.language_model.sampling import SeededDraws
        from occpred.language_model.stopping import StopAtText

        generator: Any = model
        longest = max(map(len, prompts.values()))
        inputs = tokenizer.pad(
            {"input_ids": [list(prompt) for prompt in prompts.values()]}, padding_side="left", return_tensors="pt"
        ).to(generator.device)
        draws = [SeededDraws(self.temperature, self.seed, list(prompts), generator.device)] if self.temperature else []
        output_BT = generator.generate(
            **inputs,
            max_new_tokens=self.max_new_tokens,
            do_sample=False,
            logits_processor=LogitsProcessorList(draws),
            stopping_criteria=StoppingCriteriaList([StopAtText(tokenizer, stop, longest)]),
            pad_token_id=tokenizer.pad_token_id,
        )
        completions = tokenizer.batch_decode(output_BT[:, longest:], skip_special_tokens=True)
        return [_cut_after(text, stop) for text in completions]


def _cut_after(text: str, stop: str) -> str:
    head, found, _ = text.partition(stop)
    return head + found
