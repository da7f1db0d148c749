"""A chat model on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from occpred.artifacts.signature import canonical_json
from occpred.chat.journal import Journal
from occpred.chat.journaled import JournaledChat
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.errors import UserError
from occpred.language_model.backbone import Backbone
from occpred.language_model.device import Accelerator
from occpred.language_model.generation import Generation, Written
from occpred.progress import progress
from occpred.settings import setting

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass
class LocalChat(JournaledChat):
    """A language model that is loaded and asked here, with its tokenizer's chat template.

    It cannot be held to a JSON schema: the form of a request is not looked at. What it says is checked all the same by
    who asks, and asked again where it does not fit.
    """

    backbone: Backbone = setting(Backbone())
    """The model."""
    template_options: dict[str, Any] = setting({})
    """Further variables of the chat template, such as `enable_thinking: false`."""
    accelerator: Accelerator = setting(Accelerator.auto, incidental=True)
    """`cpu`, `gpu`, or `auto` for a GPU where there is one."""
    batch_size: int = setting(16, minimum=1, incidental=True)
    """Requests that are answered together, and what a crash can cost."""

    @property
    def label(self) -> str:
        """The backbone's name."""
        return self.backbone.name

    @property
    def destination(self) -> str:
        """Nowhere else."""
        return "this machine"

    @property
    def journal_name(self) -> str:
        """The backbone's name, told apart from that of a model elsewhere."""
        return f"{self.destination}/{self.backbone.name}"

    def charged(self, prompt_tokens: int, completion_tokens: int) -> dict[str, float]:
        """Nothing."""
        return {}

    def key(self, request: ChatRequest) -> str:
        """A hash of the model, of how it is asked, and of the request."""
        backbone = self.backbone
        weights = [type(backbone).__name__, backbone.name, backbone.revision, backbone.precision.name]
        drawn = [backbone.architecture, backbone.seed] if backbone.random_init else []
        sampling = [self.temperature, self.max_tokens, self.template_options]
        messages = [[message.speaker.value, message.content] for message in request.messages]
        asked = [weights, drawn, sampling, messages, request.seed, request.stop]
        return hashlib.sha256(canonical_json(asked).encode("utf-8", "backslashreplace")).hexdigest()

    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        """Load the model, and answer batch by batch; each is in the journal before the next is begun.

        As batches are made in a fixed order, a run that is resumed makes the same ones as one that was never stopped.

        Raises:
            UserError: the model cannot be loaded, there is no such device, or the model's chat template does not take
                the messages.
        """
        tokenizer = self.backbone.load_tokenizer()
        prompts = {key: self._encode(request, tokenizer) for key, request in requests.items()}
        model = self.backbone.load_model().to(self.accelerator.device())
        # Some kinds of models have no longest text.
        window = getattr(model.config, "max_position_embeddings", None)
        outcomes: dict[str, ChatAnswer | Refusal] = {
            key: Refusal(
                f"{len(prompt)} tokens and {self.max_tokens} for the answer; {self.label} reads {window} at most"
            )
            for key, prompt in prompts.items()
            if window and len(prompt) + self.max_tokens > window
        }
        generation = Generation(max_new_tokens=self.max_tokens, temperature=self.temperature)
        fitting = {key: request.stop for key, request in requests.items() if key not in outcomes}
        for stop, keys in progress(self._batches(fitting, prompts), stage, unit="batch"):
            draws = [int(key, 16) for key in keys]  # independent also where requests with equal seeds differ otherwise
            together = [prompts[key] for key in keys]
            written = generation.continue_batch(model, tokenizer, together, draws=draws, stop=stop)
            answers = {key: _answer(prompts[key], text, stop) for key, text in zip(keys, written, strict=True)}
            journal.record(answers)
            outcomes |= answers
        return outcomes

    def _encode(self, request: ChatRequest, tokenizer: PreTrainedTokenizerBase) -> list[int]:
        from jinja2 import TemplateError

        if not tokenizer.chat_template:
            ids: list[int] = tokenizer.encode("\n\n".join(message.content for message in request.messages))
            return ids
        turns = [{"role": message.speaker.value, "content": message.content} for message in request.messages]
        try:
            ids = tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, tokenize=True, return_dict=False, **self.template_options
            )
        except TemplateError as error:
            raise UserError(
                f"backbone.name={self.backbone.name}: its chat template does not take such messages; give another "
                f"model: {error}"
            ) from error
        return ids

    def _batches(
        self, stops: Mapping[str, str | None], prompts: Mapping[str, Sequence[int]]
    ) -> list[tuple[str | None, list[str]]]:
        """What is answered together, by the text that ends it: prompts of like length, so that little is padded."""
        in_order = sorted(stops, key=lambda key: (stops[key] or "", len(prompts[key])))
        batches = []
        for stop, group in groupby(in_order, key=lambda key: stops[key] or None):
            keys = list(group)
            starts = range(0, len(keys), self.batch_size)
            batches += [(stop, keys[start : start + self.batch_size]) for start in starts]
        return batches


def _answer(prompt: Sequence[int], written: Written, stop: str | None) -> ChatAnswer:
    text = written.text.removesuffix(stop) if stop else written.text
    return ChatAnswer(text, len(prompt), written.num_tokens, "stop" if written.is_finished else "length")
