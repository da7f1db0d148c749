"""What chat models behind a server have in common, however requests reach it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from occpred.artifacts.signature import canonical_json
from occpred.chat.budget import Budget
from occpred.chat.journaled import JournaledChat
from occpred.chat.prices import Prices
from occpred.chat.request import ChatRequest, ReplyForm
from occpred.chat.tokens import most_tokens
from occpred.settings import MISSING, SettingError, setting

_OURS = {"messages", "model", "n", "stream"}
"""Fields of a request that decide what is asked or how the answer is read."""


@dataclass
class RemoteChat(JournaledChat):
    """A model of a server that speaks the chat completions format of OpenAI.

    What a request is, and so which journal answers it, depends on neither address nor limits nor the way it goes: a
    live endpoint and batch files share their answers.
    """

    model: str = MISSING
    """The model's name, as its server calls it."""
    revision: str = ""
    """Tells apart models that their server calls by the same name, such as a new version behind an old name."""
    top_p: float | None = setting(None, above=0, maximum=1)
    """Draw only from the most probable tokens with this much probability together; none leaves it to the server."""
    structured_output: bool = True
    """Whether the server is asked to hold replies to a JSON schema. Set to false for one that cannot."""
    extra_body: dict[str, Any] = setting({})
    """Further fields of every request (`+judge.chat.extra_body.reasoning_effort=low`); null leaves one of ours out."""
    prices: Prices = setting(Prices(), incidental=True)
    """What the model's tokens cost."""
    budget: Budget = setting(Budget(), incidental=True)
    """Where to stop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in sorted(_OURS & self.extra_body.keys()):
            raise SettingError(f"{type(self).__name__}.extra_body: {name} cannot be set there; leave it out")
        if self.budget.max_cost and not self.prices.are_known:
            raise SettingError(
                f"{type(self).__name__}.budget.max_cost={self.budget.max_cost}: needs prices; give "
                "prices.prompt_per_million and prices.completion_per_million, or limit budget.max_requests"
            )

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model

    @property
    def journal_name(self) -> str:
        """The model's name: all its requests, live or by files, share a journal."""
        return self.model

    def charged(self, prompt_tokens: int, completion_tokens: int) -> dict[str, float]:
        """By the price table, where there is one."""
        known = self.prices.are_known
        return {self.prices.currency: self.cost(prompt_tokens, completion_tokens)} if known else {}

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """In the currency of the price table."""
        return self.prices.cost(prompt_tokens, completion_tokens)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """What is sent for `request`: the fields of the chat completions format, as plain values."""
        fields = {
            "model": self.model,
            "messages": [
                # A broken character, which no request can hold, becomes a question mark.
                {"role": message.speaker.value, "content": message.content.encode("utf-8", "replace").decode()}
                for message in request.messages
            ],
            "temperature": float(self.temperature),
            "top_p": None if self.top_p is None else float(self.top_p),
            "max_completion_tokens": self.max_tokens,
            "seed": request.seed,
            "stop": None if request.stop is None else [request.stop],
            "response_format": self._response_format(request.form),
        }
        return {name: value for name, value in (fields | self.extra_body).items() if value is not None}

    def key(self, request: ChatRequest) -> str:
        """What names `request` in journals and batch files: a hash of its body and the revision, 64 hex digits."""
        return hashlib.sha256(canonical_json([self.body(request), self.revision]).encode()).hexdigest()

    def most_cost(self, body: Mapping[str, Any]) -> float:
        """What a request with this body cannot exceed: no token is shorter than a byte, and no answer passes its limit.

        The punctuation of the body outweighs the marks that a chat template puts around messages.
        """
        limits = [int(body[name]) for name in ("max_completion_tokens", "max_tokens") if name in body]
        return self.cost(most_tokens(canonical_json(body)), max(limits, default=self.max_tokens))

    def _response_format(self, form: ReplyForm | None) -> dict[str, Any] | None:
        if form is None or not self.structured_output:
            return None
        return {
            "type": "json_schema",
            "json_schema": {"name": form.name, "schema": dict(form.schema), "strict": True},
        }
