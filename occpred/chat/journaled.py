"""What all chat models have in common whose answers a journal keeps."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from occpred.chat.chat import Chat
from occpred.chat.journal import Journal
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal

_LONGEST_NAME = 60


@dataclass
class JournaledChat(Chat):
    """A model that is asked only what its journal does not answer."""

    @property
    @abstractmethod
    def journal_name(self) -> str:
        """What tells the model's journal from those of other models."""

    @abstractmethod
    def key(self, request: ChatRequest) -> str:
        """What names `request` in the journal: a hash, 64 hex digits, of all that can change its answer."""

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

    def journal(self, journals: Path) -> Journal:
        """The journal of this model in the folder `journals`."""
        readable = re.sub(r"[^A-Za-z0-9.]+", "-", self.journal_name).strip("-.")[:_LONGEST_NAME]
        distinct = hashlib.sha256(self.journal_name.encode()).hexdigest()[:8]
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
