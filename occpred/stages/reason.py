"""reason, judge, select: the teacher proposes reasons, the judge marks them, the best are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.progress import progress
from occpred.reasons.judge import Judge
from occpred.reasons.selection import Selection
from occpred.reasons.teacher import Teacher
from occpred.records import JudgedReason, Reason, read_jsonl, write_jsonl
from occpred.stages.prepare import Part, Prepare, PreparedData

REASONS, JUDGED, SELECTED = "reasons.jsonl", "judged.jsonl", "selected.jsonl"


@dataclass(frozen=True)
class ProposeReasons(Stage):
    """Lets the teacher propose reasons for one part's examples."""

    name: ClassVar[str] = "reason"

    prepared: Prepare
    teacher: Teacher
    part: Part

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `reasons.jsonl`, all candidates of all examples."""
        data = PreparedData(store.folder(self.prepared))
        examples = data.examples(self.part)
        proposed = self.teacher.propose(examples, data.taxonomy)
        total = len(examples) * self.teacher.num_candidates
        write_jsonl(folder / REASONS, progress(proposed, self.name, total=total, unit="reason"))


@dataclass(frozen=True)
class JudgeReasons(Stage):
    """Lets the judge mark the reasons that another stage wrote, be it a teacher's or a model's own."""

    name: ClassVar[str] = "judge"

    prepared: Prepare
    reasons: Stage
    judge: Judge
    part: Part

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `judged.jsonl`, in the order of the reasons; an empty text is no reason and gets no mark."""
        data = PreparedData(store.folder(self.prepared))
        reasons = [reason for reason in read_jsonl(store.folder(self.reasons) / REASONS, Reason) if reason.text]
        examples = {example.example_id: example for example in data.examples(self.part)}
        judged = self.judge.judge(reasons, examples, data.taxonomy)
        write_jsonl(folder / JUDGED, progress(judged, self.name, total=len(reasons), unit="reason"))


@dataclass(frozen=True)
class SelectReasons(Stage):
    """Keeps the reasons that meet the thresholds."""

    name: ClassVar[str] = "select"

    judged: JudgeReasons
    selection: Selection

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `selected.jsonl`."""
        judged = read_jsonl(store.folder(self.judged) / JUDGED, JudgedReason)
        write_jsonl(folder / SELECTED, self.selection(judged))


def read_selected(folder: Path) -> list[JudgedReason]:
    """The reasons that `SelectReasons` kept."""
    return read_jsonl(folder / SELECTED, JudgedReason)
