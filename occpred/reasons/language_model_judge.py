"""The judge of the paper: a strong language model, or several, here or behind an endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING

from occpred.chat.chat import Chat
from occpred.chat.correspondence import Correspondence
from occpred.chat.dialogue import Question, ask, draw_seed
from occpred.chat.json_reply import read_json, reply_form
from occpred.chat.plan import PlannedCalls, plan_calls
from occpred.chat.privacy import Privacy
from occpred.chat.request import ChatRequest, Message
from occpred.reasons.judge import (
    CoherenceQuestion,
    FactualityQuestion,
    Judge,
    Mark,
    Questions,
    Subject,
    UtilityQuestion,
)
from occpred.reasons.judge_prompts import JudgePrompts
from occpred.records import NextOccupationExample, Reason
from occpred.settings import MISSING, SettingError, setting
from occpred.taxonomy.taxonomy import Taxonomy

if TYPE_CHECKING:
    from occpred.reasons.judge_forms import JudgeForm


@dataclass(frozen=True)
class _Inquiry:
    """One question about many reasons, as it is put to every judge."""

    what: str
    form: type[JudgeForm]
    asked: list[tuple[Subject, tuple[Message, ...]]]

    def read(self, reply: str) -> Mark:
        """The mark that a filled-in form holds."""
        return read_json(reply, self.form).mark()


@dataclass
class LanguageModelJudge(Judge):
    """Has language models fill in a form for each of the three questions.

    The mark is the lower median of what all judges and samples give: one of the given marks, unlike a mean of two, and
    the lower of the two in the middle, so that a reason does not pass a threshold by the word of half its judges.
    """

    chat: Chat = MISSING
    """Who judges."""
    others: dict[str, Chat] = setting({})
    """Who judges as well, by the names that results give them."""
    samples: int = setting(1, minimum=1)
    """How often each judge is asked each question."""
    privacy: Privacy = field(default_factory=Privacy)
    """What of a history, and of what a reason repeats of it, the judges may see."""
    prompts: JudgePrompts = field(default_factory=JudgePrompts)
    """The wording of the questions."""
    repeats: int = setting(2, minimum=0)
    """Times that a malformed reply is asked again, with the error shown, before it is given up."""
    seed: int = setting(0, minimum=0)
    """Seed of the samples, for servers that draw by one."""

    def __post_init__(self) -> None:
        """Refuse samples that could not differ, and judges that could not be told apart."""
        super().__post_init__()
        # Where only a part of a config is put together, the chats are not there yet.
        named = {"chat": self.chat, **{f"others.{name}": other for name, other in self.others.items()}}
        chats = {name: chat for name, chat in named.items() if isinstance(chat, Chat)}
        fixed = next((name for name, chat in chats.items() if not chat.temperature), None)
        if fixed and self.samples > 1:
            raise SettingError(
                f"{type(self).__name__}.samples={self.samples}: at {fixed}.temperature=0 all samples would be the same;"
                " give a higher temperature, or samples=1"
            )
        if "chat" in chats and self.chat.label in self.others:
            raise SettingError(
                f"{type(self).__name__}.others.{self.chat.label}: this is what results call the judge of `chat`; give "
                "the other one another name"
            )

    def mark_factuality(
        self, questions: Sequence[FactualityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        yield from self._marks([self._factuality(questions, taxonomy)], correspondence)[0]

    def mark_coherence(
        self, questions: Sequence[CoherenceQuestion], correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        yield from self._marks([self._coherence(questions)], correspondence)[0]

    def mark_utility(
        self, questions: Sequence[UtilityQuestion], taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[Mark | None]:
        yield from self._marks([self._utility(questions)], correspondence)[0]

    def mark(
        self, questions: Questions, taxonomy: Taxonomy, correspondence: Correspondence
    ) -> Iterator[tuple[Mark | None, Mark | None, Mark | None]]:
        """All marks; the three questions stay apart, but go out together, as one batch if the chat works in batches."""
        return zip(*self._marks(self._inquiries(questions, taxonomy), correspondence), strict=True)

    def questions(
        self, reasons: Sequence[Reason], examples: Mapping[str, NextOccupationExample], taxonomy: Taxonomy
    ) -> Questions:
        """The questions, about reasons that repeat nothing which the judges may not see.

        This is done here because it takes the history, which two of the questions do not have.
        """
        limited = [
            replace(reason, text=self.privacy.limit_text(reason.text, examples[reason.example_id].history))
            for reason in reasons
        ]
        return super().questions(limited, examples, taxonomy)

    def plan(
        self,
        reasons: Sequence[Reason],
        examples: Mapping[str, NextOccupationExample],
        taxonomy: Taxonomy,
        journals: Path,
    ) -> list[PlannedCalls]:
        """One entry for each of the three questions and each judge."""
        inquiries = self._inquiries(self.questions(reasons, examples, taxonomy), taxonomy)
        return [
            plan_calls(
                chat,
                [question.request for question in self._samples(inquiry)],
                question=inquiry.what,
                privacy=self.privacy,
                journals=journals,
            )
            for inquiry in inquiries
            for chat in self._judges().values()
        ]

    def _judges(self) -> dict[str, Chat]:
        """By name, in an order that does not depend on how the config was written."""
        return {self.chat.label: self.chat, **dict(sorted(self.others.items()))}

    def _inquiries(self, questions: Questions, taxonomy: Taxonomy) -> tuple[_Inquiry, _Inquiry, _Inquiry]:
        return (
            self._factuality(questions.factuality, taxonomy),
            self._coherence(questions.coherence),
            self._utility(questions.utility),
        )

    def _factuality(self, questions: Sequence[FactualityQuestion], taxonomy: Taxonomy) -> _Inquiry:
        from occpred.reasons.judge_forms import FactualityForm

        asked = [
            (each.subject, self.prompts.factuality(each.reason, self.privacy.limit(each.history), taxonomy))
            for each in questions
        ]
        return _Inquiry("factuality", FactualityForm, asked)

    def _coherence(self, questions: Sequence[CoherenceQuestion]) -> _Inquiry:
        from occpred.reasons.judge_forms import CoherenceForm

        asked = [(each.subject, self.prompts.coherence(each.reason)) for each in questions]
        return _Inquiry("coherence", CoherenceForm, asked)

    def _utility(self, questions: Sequence[UtilityQuestion]) -> _Inquiry:
        from occpred.reasons.judge_forms import UtilityForm

        asked = [(each.subject, self.prompts.utility(each.reason, each.occupation)) for each in questions]
        return _Inquiry("utility", UtilityForm, asked)

    def _samples(self, inquiry: _Inquiry) -> list[Question[Mark]]:
        """What each judge is asked: all samples of the first reason, then of the next."""
        form = reply_form(inquiry.form, inquiry.what)
        seeds = [draw_seed(self.seed, sample) for sample in range(self.samples)]
        return [
            Question(
                subject.example_id, subject.candidate, inquiry.what, ChatRequest(messages, seed, form), inquiry.read
            )
            for subject, messages in inquiry.asked
            for seed in seeds
        ]

    def _marks(self, inquiries: Sequence[_Inquiry], correspondence: Correspondence) -> list[list[Mark | None]]:
        """The marks by inquiry, each in the order of its reasons."""
        questions = [question for inquiry in inquiries for question in self._samples(inquiry)]
        given = {
            name: ask(chat, questions, correspondence, repeats=self.repeats, stage="judge")
            for name, chat in self._judges().items()
        }
        medians = iter(
            self._median({name: marks[first : first + self.samples] for name, marks in given.items()})
            for first in range(0, len(questions), self.samples)
        )
        return [list(islice(medians, len(inquiry.asked))) for inquiry in inquiries]

    def _median(self, given: Mapping[str, Sequence[Mark | None]]) -> Mark | None:
        """The median of marks by judge, in the words of the first judge who gave it; `None` if nobody gave any."""
        marked = {name: [mark for mark in marks if mark is not None] for name, marks in given.items()}
        marks = [mark for each in marked.values() for mark in each]
        if not marks:
            return None
        score = median_low(mark.score for mark in marks)
        spokesman = next(mark for mark in marks if mark.score == score)
        if self.samples * len(given) == 1:
            return spokesman
        ratings = {name: tuple(mark.score for mark in each) for name, each in marked.items() if each}
        return replace(spokesman, ratings=ratings)
