"""Writing text with a local language model.

Shapes: B texts of one batch, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.progress import divided
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedTokenizerBase

    from occpred.language_model.sampling import SeededDraws
    from occpred.language_model.stopping import Ending
    from occpred.language_model.text_reader import TextReader


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

        from occpred.language_model.sampling import SeededDraws
        from occpred.language_model.stopping import Ending
        from occpred.language_model.text_reader import TextReader

        ending = Ending.of(model, tokenizer, stop)
        with torch.inference_mode():
            reader = TextReader(model, prompts, self.max_new_tokens)
            drawn = SeededDraws(self.temperature, self.seed, draws, next(model.parameters()).device)
            written = self._write(reader, drawn, ending, len(prompts))
        texts = tokenizer.batch_decode(written, skip_special_tokens=True)
        return [_written(ids, text, ending) for ids, text in zip(written, texts, strict=True)]

    def _write(self, reader: TextReader, drawn: SeededDraws, ending: Ending, num_texts: int) -> list[list[int]]:
        """Draw tokens until all texts have ended; those that have stay while they are the lesser part."""
        written: list[list[int]] = [[] for _ in range(num_texts)]
        batch, unfinished = list(range(num_texts)), set(range(num_texts))
        logits_BV = reader.read_prompts()
        for left in reversed(range(self.max_new_tokens)):
            tokens_B = drawn(logits_BV)
            for text, token in zip(batch, tokens_B.tolist(), strict=True):
                if text in unfinished:
                    written[text].append(token)
                    if ending.ends(written[text]):
                        unfinished.remove(text)
            if not unfinished or not left:
                break
            if 2 * len(unfinished) <= len(batch):
                places = [place for place, text in enumerate(batch) if text in unfinished]
                batch, tokens_B = [batch[place] for place in places], tokens_B[places]
                reader.keep(places)
                drawn.keep(places)
            logits_BV = reader.read(tokens_B)
        return written


def _written(ids: Sequence[int], text: str, ending: Ending) -> Written:
    num_tokens = len(ids) - (ids[-1] in ending.tokens)
    head, found, _ = text.partition(ending.stop) if ending.stop else (text, "", "")
    return Written(head + found, num_tokens, bool(found) or num_tokens < len(ids))
