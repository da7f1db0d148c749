"""The teacher of the paper: a strong language model, here or behind an endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from occpred.chat.chat import Chat
from occpred.chat.correspondence import Correspondence
from occpred.chat.dialogue import Question, ask, draw_seed
from occpred.chat.json_reply import MalformedReplyError
from occpred.chat.plan import PlannedCalls, plan_calls
from occpred.chat.privacy import Privacy
from occpred.chat.request import ChatRequest, Message, Speaker
from occpred.prompts import THINK_CLOSE, THINK_OPEN, Prompts, parse_reply, plain
from occpred.reasons.teacher import Teacher
from occpred.records import NextOccupationExample, Reason
from occpred.settings import MISSING, SettingError, setting
from occpred.taxonomy.taxonomy import Taxonomy

_QUESTION = "reason"


@dataclass
class LanguageModelTeacher(Teacher):
    """Has a language model write the reasons.

    A blind teacher is given the joint prompt, as in the paper: it explains, and then names an occupation of its own
    choice, which is not kept. An answer-aware one is told the true next occupation.
    """

    chat: Chat = MISSING
    """Who writes."""
    privacy: Privacy = field(default_factory=Privacy)
    """What of a history the model may see."""
    prompts: Prompts = field(default_factory=Prompts)
    """The wording of what it is asked. It need not be that of the model which learns from the reasons."""
    max_words: int = setting(400, minimum=1)
    """A longer reason is refused as malformed."""
    repeats: int = setting(2, minimum=0)
    """Times that a malformed reply is asked again, with the error shown, before the reason is given up."""

    def __post_init__(self) -> None:
        """Refuse to draw several candidates that could not differ."""
        super().__post_init__()
        # Where only a part of a config is put together, the chat is not there yet.
        if isinstance(self.chat, Chat) and self.num_candidates > 1 and not self.chat.temperature:
            raise SettingError(
                f"{type(self).__name__}.num_candidates={self.num_candidates}: at chat.temperature=0 all candidates "
                "would be the same; give a higher temperature, or num_candidates=1"
            )

    def propose(
        self,
        examples: Sequence[NextOccupationExample],
        taxonomy: Taxonomy,
        candidates: Sequence[int],
        correspondence: Correspondence,
    ) -> Iterator[Reason]:
        """Ask for all reasons; one that cannot be had is noted as unanswered, and left out."""
        questions = self._questions(examples, taxonomy, candidates)
        texts = ask(self.chat, questions, correspondence, repeats=self.repeats, stage=_QUESTION)
        source = f"{self.chat.label}, {'answer-aware' if self.sees_target else 'blind'}"
        for question, text in zip(questions, texts, strict=True):
            if text is not None:
                yield Reason(question.example_id, question.candidate, text, source)

    def plan(
        self,
        examples: Sequence[NextOccupationExample],
        taxonomy: Taxonomy,
        candidates: Sequence[int],
        journals: Path,
    ) -> list[PlannedCalls]:
        """One entry: the calls for these reasons."""
        requests = [question.request for question in self._questions(examples, taxonomy, candidates)]
        return [plan_calls(self.chat, requests, question=_QUESTION, privacy=self.privacy, journals=journals)]

    def _questions(
        self, examples: Sequence[NextOccupationExample], taxonomy: Taxonomy, candidates: Sequence[int]
    ) -> list[Question[str]]:
        prompts = [(Message(Speaker.USER, self._prompt(example, taxonomy)),) for example in examples]
        seeds = {candidate: draw_seed(self.seed, candidate) for candidate in candidates}
        return [
            Question(example.example_id, candidate, _QUESTION, ChatRequest(prompt, seed), self._read)
            for example, prompt in zip(examples, prompts, strict=True)
            for candidate, seed in seeds.items()
        ]

    def _prompt(self, example: NextOccupationExample, taxonomy: Taxonomy) -> str:
        history = self.privacy.limit(example.history)
        if self.sees_target:
            return self.prompts.aware(history, taxonomy[example.target_code].title, taxonomy)
        return self.prompts.joint(history, taxonomy)

    def _read(self, reply: str) -> str:
        """The reason as one plain line."""
        reason = plain(parse_reply(reply).reason or "")
        if not reason:
            raise MalformedReplyError(f"there is no explanation between {THINK_OPEN} and {THINK_CLOSE}")
        words = len(reason.split())
        if words > self.max_words:
            raise MalformedReplyError(f"the explanation has {words} words; at most {self.max_words} are allowed")
        return reason
