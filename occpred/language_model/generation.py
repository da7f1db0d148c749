"""Writing text with a local language model.

Shapes: B prompts of one batch, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    batch_size: int = setting(32, minimum=1, incidental=True)
    """Prompts that are continued together."""
    seed: int = setting(0, minimum=0)
    """Seed of sampling; unused at temperature 0."""

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
        device = next(model.parameters()).device
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(self.seed)
            for batch in progress(batches, stage, unit="batch"):
                completions = self._continue_batch(model, tokenizer, [prompts[index] for index in batch], stop, device)
                for index, text in zip(batch, completions, strict=True):
                    texts[index] = text
        return texts

    def _continue_batch(
        self,
        model: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        prompts: Sequence[Sequence[int]],
        stop: str,
        device: Any,
    ) -> list[str]:
        from transformers import StoppingCriteriaList

        from occpred.language_model.stopping import StopAtText

        longest = max(map(len, prompts))
        inputs = tokenizer.pad(
            {"input_ids": [list(prompt) for prompt in prompts]}, padding_side="left", return_tensors="pt"
        )
        sampling = {"do_sample": True, "temperature": self.temperature, "top_k": 0, "top_p": 1.0}
        generator: Any = model
        output_BT = generator.generate(
            **inputs.to(device),
            max_new_tokens=self.max_new_tokens,
            stopping_criteria=StoppingCriteriaList([StopAtText(tokenizer, stop, longest)]),
            pad_token_id=tokenizer.pad_token_id,
            **(sampling if self.temperature > 0 else {"do_sample": False}),
        )
        completions = tokenizer.batch_decode(output_BT[:, longest:], skip_special_tokens=True)
        return [_cut_after(text, stop) for text in completions]


def _cut_after(text: str, stop: str) -> str:
    head, found, _ = text.partition(stop)
    return head + found
