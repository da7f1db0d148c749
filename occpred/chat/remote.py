"""What chat models behind a server have in common, however requests reach it."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occpred.artifacts.signature import canonical_json
from occpred.chat.budget import Budget
from occpred.chat.chat import Chat
from occpred.chat.journal import Journal
from occpred.chat.prices import Prices
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal, ReplyForm
from occpred.chat.tokens import most_tokens
from occpred.settings import MISSING, SettingError, setting

_OURS = {"messages", "model", "n", "stream"}
"""Fields of a request that decide what is asked or how the answer is read."""


@dataclass
class RemoteChat(Chat):
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
    """Further fields of every request, such as `reasoning_effort`; null leaves one out, such as an unknown `seed`."""
    prices: Prices = setting(Prices(), incidental=True)
    """What the model's tokens cost."""
    budget: Budget = setting(Budget(), incidental=True)
    """Where to stop."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in sorted(_OURS & self.extra_body.keys()):
            raise SettingError(f"{type(self).__name__}.extra_body: {name} cannot be set there; leave it out")
        if self.budget.max_cost and not (self.prices.prompt_per_million or self.prices.completion_per_million):
            raise SettingError(
                f"{type(self).__name__}.budget.max_cost={self.budget.max_cost}: needs prices; give "
                "prices.prompt_per_million and prices.completion_per_million, or limit budget.max_requests"
            )

    @property
    def label(self) -> str:
        """The model's name."""
        return self.model

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """By the price table."""
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

    def journal(self, journals: Path) -> Journal:
        """The journal of this model in the folder `journals`."""
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", self.model).strip("-.")[:60]
        distinct = hashlib.sha256(self.model.encode()).hexdigest()[:8]
        return Journal(journals / f"{readable}-{distinct}.sqlite")

    def answered(self, requests: Sequence[ChatRequest], journals: Path) -> int:
        """How many of the distinct `requests` are in the journal."""
        return len(self.journal(journals).find(map(self.key, requests)))

    def answer(self, requests: Sequence[ChatRequest], journals: Path, stage: str) -> list[ChatAnswer | Refusal]:
        """Have those asked that the journal does not answer; see `Chat.answer`."""
        keys = [self.key(request) for request in requests]
        wanted = dict(zip(keys, requests, strict=True))
        journal = self.journal(journals)
        outcomes: dict[str, ChatAnswer | Refusal] = {**journal.find(wanted)}
        if outcomes.keys() < wanted.keys():
            with journal.lock():
                # Found again, as another process may have asked while this one waited.
                outcomes |= journal.find(wanted)
                missing = {key: request for key, request in wanted.items() if key not in outcomes}
                if missing:
                    outcomes |= self.ask(missing, journal, stage)
        return [outcomes[key] for key in keys]

    @abstractmethod
    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        """Have `requests`, by key, asked and their answers recorded in `journal`, whose lock is held.

        Returns:
            What came of each.

        Raises:
            UserError: as `answer` does.
        """

    def _response_format(self, form: ReplyForm | None) -> dict[str, Any] | None:
        if form is None or not self.structured_output:
            return None
        return {
            "type": "json_schema",
            "json_schema": {"name": form.name, "schema": dict(form.schema), "strict": True},
        }
