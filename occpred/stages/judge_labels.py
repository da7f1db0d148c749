"""labels: does the judge mark reasons as people do?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.careers.judge_labels import JudgeLabels, LabelledReason
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.label_check import label_agreement
from occpred.findings import CRITERIA, LabelAgreement
from occpred.progress import progress
from occpred.reasons.judge import Judge
from occpred.records import (
    JudgedReason,
    JudgeScores,
    NextOccupationExample,
    Reason,
    RejectedRow,
    read_jsonl,
    write_jsonl,
)
from occpred.report.reason_data import LabelCheck
from occpred.stages.prepare import Prepare, PreparedData
from occpred.stages.reason import JUDGED, AsksChatModels, correspondence, journals, write_correspondence

if TYPE_CHECKING:
    from occpred.chat.plan import PlannedCalls

_LABELS, _REJECTED_LABELS = "labels.jsonl", "rejected_labels.jsonl"


@dataclass(frozen=True)
class CheckJudgeAgainstLabels(AsksChatModels):
    """Lets the judge mark reasons that people have marked."""

    name: ClassVar[str] = "labels"

    prepared: Prepare
    judge: Judge
    labels: JudgeLabels

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `labels.jsonl`, `judged.jsonl` in its order, and the lines set aside as `rejected_labels.jsonl`."""
        data, asked = PreparedData(store.folder(self.prepared)), correspondence(store)
        labels = self.labels.read(data.taxonomy)
        judged = self.judge.judge(_reasons(labels.reasons), _examples(labels.reasons), data.taxonomy, asked)
        write_jsonl(folder / JUDGED, progress(judged, self.name, total=len(labels.reasons), unit="reason"))
        write_jsonl(folder / _LABELS, labels.reasons)
        write_jsonl(folder / _REJECTED_LABELS, labels.rejected)
        write_correspondence(folder, asked)

    def plan(self, store: ArtifactStore) -> list[PlannedCalls]:
        data = PreparedData(store.folder(self.prepared))
        labels = self.labels.read(data.taxonomy).reasons
        return self.judge.plan(_reasons(labels), _examples(labels), data.taxonomy, journals(store))


def _reasons(labels: tuple[LabelledReason, ...]) -> list[Reason]:
    return [Reason(label.label_id, 0, label.reason, source="labels") for label in labels]


def _examples(labels: tuple[LabelledReason, ...]) -> dict[str, NextOccupationExample]:
    return {
        label.label_id: NextOccupationExample(label.label_id, label.label_id, label.history, label.target_code)
        for label in labels
    }


def read_label_check(folder: Path, evaluation: Evaluation) -> LabelCheck:
    """How far the marks in `folder`, which `CheckJudgeAgainstLabels` wrote, agree with people's."""
    labels = read_jsonl(folder / _LABELS, LabelledReason)
    judged = {entry.reason.example_id: entry.scores for entry in read_jsonl(folder / JUDGED, JudgedReason)}
    marked = [(label, judged[label.label_id]) for label in labels if label.label_id in judged]
    return LabelCheck(
        labels=len(labels),
        unanswered=len(labels) - len(marked),
        agreements=tuple(_agreement(criterion, marked, evaluation) for criterion in CRITERIA),
        rejected=tuple(read_jsonl(folder / _REJECTED_LABELS, RejectedRow)),
    )


def _agreement(
    criterion: str, marked: list[tuple[LabelledReason, JudgeScores]], evaluation: Evaluation
) -> LabelAgreement:
    both = [
        (label, label.marks[criterion], getattr(scores, criterion))
        for label, scores in marked
        if criterion in label.marks
    ]
    return label_agreement(
        criterion,
        [people for _, people, _ in both],
        [judge for _, _, judge in both],
        # Equal histories are one person's.
        [repr((label.history.education, label.history.positions)) for label, _, _ in both],
        evaluation,
    )
