"""What the artifacts say of the reasons that were made to learn from.

Shapes: P reasons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from occpred.artifacts.store import ArtifactStore
from occpred.chat.chat import Chat
from occpred.evaluation.agreement import agreements
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.mark_bias import candidate_trends, length_trends
from occpred.findings import CRITERIA
from occpred.records import Call, JudgedReason, NextOccupationExample, Reason, Unanswered, read_jsonl
from occpred.report.reason_data import JudgingSummary, ReasonSummary, Spending
from occpred.settings import Settings
from occpred.stages.prepare import PreparedData
from occpred.stages.reason import (
    JUDGED,
    JudgeReasons,
    ProposeReasons,
    SelectReasons,
    read_calls,
    read_selected,
    read_unanswered,
)


@dataclass(frozen=True)
class ReasonFindings:
    """Reads the artifacts of all rounds of candidates.

    Attributes:
        store: where they are.
        selected: the last round's.
        evaluation: how intervals are made.
    """

    store: ArtifactStore
    selected: SelectReasons
    evaluation: Evaluation

    def summary(self) -> ReasonSummary:
        """What became of the reasons, and what they cost."""
        taxonomy = self._prepared.taxonomy
        return ReasonSummary.count(
            teacher=_described(self._proposals[0].teacher),
            judge=_described(self.selected.judged.judge),
            proposed=self._proposed(),
            judged=self._judged,
            selected=read_selected(self.store.folder(self.selected)),
            group_of={
                example_id: taxonomy.major_group_title(example.target_code)
                for example_id, example in self._examples.items()
            },
            spending=self._spending(),
            unanswered=self._unanswered(),
        )

    def judging(self) -> JudgingSummary | None:
        """How far the marks can be trusted; `None` where there are none."""
        if not self._judged:
            return None
        marks = {
            criterion: np.array([getattr(entry.scores, criterion) for entry in self._judged], dtype=np.float64)
            for criterion in CRITERIA
        }
        words_P = np.array([len(entry.reason.text.split()) for entry in self._judged], dtype=np.float64)
        candidate_P = np.array([entry.reason.candidate for entry in self._judged], dtype=np.float64)
        person_ids = [self._examples[entry.reason.example_id].person_id for entry in self._judged]
        return JudgingSummary(
            agreements=tuple(agreements([entry.scores.ratings for entry in self._judged])),
            by_length=tuple(length_trends(marks, words_P, person_ids, self.evaluation)),
            by_candidate=tuple(candidate_trends(marks, candidate_P, person_ids, self.evaluation)),
            one_by_one=len(self.selected.rounds) > 1,
        )

    @property
    def _prepared(self) -> PreparedData:
        return PreparedData(self.store.folder(self.selected.judged.prepared))

    @cached_property
    def _examples(self) -> dict[str, NextOccupationExample]:
        examples = self._prepared.examples(self.selected.judged.part)
        return {example.example_id: example for example in examples}

    @property
    def _proposals(self) -> list[ProposeReasons]:
        stages = [judged.reasons for judged in self.selected.rounds]
        return [stage for stage in stages if isinstance(stage, ProposeReasons)]

    @cached_property
    def _judged(self) -> list[JudgedReason]:
        stages = self.selected.rounds
        return [entry for stage in stages for entry in read_jsonl(self.store.folder(stage) / JUDGED, JudgedReason)]

    def _proposed(self) -> list[Reason]:
        return [reason for stage in self._proposals for reason in stage.reasons(self.store)]

    def _asking(self) -> list[tuple[ProposeReasons | JudgeReasons, Settings]]:
        """The stages that may have asked chat models, and who did it there."""
        return [
            *((stage, stage.teacher) for stage in self._proposals),
            *((stage, stage.judge) for stage in self.selected.rounds),
        ]

    def _unanswered(self) -> list[Unanswered]:
        return [entry for stage, _ in self._asking() for entry in read_unanswered(self.store.folder(stage))]

    def _spending(self) -> dict[str, Spending]:
        """By example."""
        spent: dict[str, list[Spending]] = {}
        for stage, asker in self._asking():
            chats = {chat.label: chat for chat in chats_of(asker)}
            for call in read_calls(self.store.folder(stage)):
                spent.setdefault(call.example_id, []).append(_spending(call, chats))
        return {example_id: Spending.total(parts) for example_id, parts in spent.items()}


def _spending(call: Call, chats: Mapping[str, Chat]) -> Spending:
    chat = chats.get(call.model)
    charged = chat.charged(call.prompt_tokens, call.completion_tokens) if chat else {}
    return Spending(1, call.prompt_tokens + call.completion_tokens, charged)


def chats_of(asker: Settings) -> Iterator[Chat]:
    """The chat models among the settings of a teacher or judge, in the order of its fields."""
    for value in _values(asker).values():
        for entry in value.values() if isinstance(value, dict) else (value,):
            if isinstance(entry, Chat):
                yield entry


def _described(component: Settings) -> str:
    """A component with those of its settings that take a word, and the names of its chat models."""
    words = [
        f"{name}={value.name.lower() if isinstance(value, Enum) else value}"
        for name, value in _values(component).items()
        if isinstance(value, bool | int | float | str | Enum)
    ]
    models = [chat.label for chat in chats_of(component)]
    return f"{type(component).__name__}({', '.join(models + words)})"


def _values(component: Settings) -> dict[str, Any]:
    return {field.name: getattr(component, field.name) for field in fields(component)}  # type: ignore[arg-type]
