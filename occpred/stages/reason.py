"""reason, judge, select: the teacher proposes reasons, the judge marks them, the best are kept.

A teacher may propose all its candidates at once, or one at a time until enough are kept. Then these three stages follow
each other in rounds, and each round is made for those examples only that need another candidate.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.chat.correspondence import Correspondence
from occpred.progress import progress
from occpred.reasons.judge import Judge
from occpred.reasons.selection import Selection
from occpred.reasons.teacher import Teacher
from occpred.records import Call, JudgedReason, NextOccupationExample, Reason, Unanswered, read_jsonl, write_jsonl
from occpred.stages.prepare import Part, Prepare, PreparedData

if TYPE_CHECKING:
    from occpred.chat.plan import PlannedCalls

REASONS, JUDGED, SELECTED = "reasons.jsonl", "judged.jsonl", "selected.jsonl"
_CALLS, _REJECTED = "calls.jsonl", "rejected.jsonl"


def journals(store: ArtifactStore) -> Path:
    """Where answers of chat models are kept: beside the artifacts, for all runs that share the store."""
    return store.root / "journals"


def correspondence(store: ArtifactStore) -> Correspondence:
    """A new correspondence, with nothing asked in it yet."""
    return Correspondence(journals(store))


def write_correspondence(folder: Path, asked: Correspondence) -> None:
    """Write what chat models were asked, and what they did not answer, where they were asked anything."""
    if asked.calls or asked.unanswered:
        write_jsonl(folder / _CALLS, asked.calls)
        write_jsonl(folder / _REJECTED, asked.unanswered)


def read_calls(folder: Path) -> list[Call]:
    """The answers that a stage's result rests on; none where it asked no chat model."""
    return read_jsonl(folder / _CALLS, Call) if (folder / _CALLS).exists() else []


def read_unanswered(folder: Path) -> list[Unanswered]:
    """What a stage set aside."""
    return read_jsonl(folder / _REJECTED, Unanswered) if (folder / _REJECTED).exists() else []


class AsksChatModels(Stage):
    """May ask chat models, which costs money, takes hours, and sends text to others."""

    @abstractmethod
    def plan(self, store: ArtifactStore) -> list[PlannedCalls]:
        """What this stage would ask, at most. The examples must be there already."""


@dataclass(frozen=True)
class ReasonStage(Stage):
    """Leaves `reasons.jsonl`, be they a teacher's or a model's own."""

    @abstractmethod
    def places(self, store: ArtifactStore) -> list[tuple[str, int]]:
        """Example id and candidate number of every reason that there can be. The examples must be there already."""

    def reasons(self, store: ArtifactStore) -> list[Reason]:
        """What was written; an empty text is no reason and left out."""
        return [reason for reason in read_jsonl(store.folder(self) / REASONS, Reason) if reason.text]


@dataclass(frozen=True)
class ProposeReasons(ReasonStage, AsksChatModels):
    """Lets the teacher propose reasons for one part's examples."""

    name: ClassVar[str] = "reason"

    prepared: Prepare
    teacher: Teacher
    part: Part
    candidates: tuple[int, ...]
    """The numbers of the candidates proposed for each example."""
    kept: SelectReasons | None = None
    """What was kept of earlier candidates: an example with enough of them gets no more."""

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `reasons.jsonl`, all candidates of all examples that need them."""
        taxonomy = PreparedData(store.folder(self.prepared)).taxonomy
        examples, asked = self.examples(store), correspondence(store)
        proposed = self.teacher.propose(examples, taxonomy, self.candidates, asked)
        total = len(examples) * len(self.candidates)
        write_jsonl(folder / REASONS, progress(proposed, self.name, total=total, unit="reason"))
        write_correspondence(folder, asked)

    def examples(self, store: ArtifactStore) -> list[NextOccupationExample]:
        """Those that candidates are proposed for; as long as it is not known what was kept, all that may need them."""
        examples = PreparedData(store.folder(self.prepared)).examples(self.part)
        if self.kept is None or not store.is_done(self.kept):
            return examples
        enough = self.kept.selection.best_of
        kept = Counter(judged.reason.example_id for judged in read_selected(store.folder(self.kept)))
        return [example for example in examples if kept[example.example_id] < enough]

    def places(self, store: ArtifactStore) -> list[tuple[str, int]]:
        return [(example.example_id, number) for example in self.examples(store) for number in self.candidates]

    def plan(self, store: ArtifactStore) -> list[PlannedCalls]:
        taxonomy = PreparedData(store.folder(self.prepared)).taxonomy
        return self.teacher.plan(self.examples(store), taxonomy, self.candidates, journals(store))


@dataclass(frozen=True)
class JudgeReasons(AsksChatModels):
    """Lets the judge mark the reasons that another stage wrote, be it a teacher's or a model's own."""

    name: ClassVar[str] = "judge"

    prepared: Prepare
    reasons: ReasonStage
    judge: Judge
    part: Part

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `judged.jsonl`, in the order of the reasons; an empty text is no reason and gets no mark."""
        data, asked = PreparedData(store.folder(self.prepared)), correspondence(store)
        reasons = self.reasons.reasons(store)
        judged = self.judge.judge(reasons, self._examples(data), data.taxonomy, asked)
        write_jsonl(folder / JUDGED, progress(judged, self.name, total=len(reasons), unit="reason"))
        write_correspondence(folder, asked)

    def plan(self, store: ArtifactStore) -> list[PlannedCalls]:
        """Reasons that are not yet written are all of one length."""
        data = PreparedData(store.folder(self.prepared))
        if store.is_done(self.reasons):
            reasons = self.reasons.reasons(store)
        else:
            reasons = [_unwritten(*place) for place in self.reasons.places(store)]
        return self.judge.plan(reasons, self._examples(data), data.taxonomy, journals(store))

    def _examples(self, data: PreparedData) -> dict[str, NextOccupationExample]:
        return {example.example_id: example for example in data.examples(self.part)}


@dataclass(frozen=True)
class SelectReasons(Stage):
    """Keeps the reasons that meet the thresholds, of this round's candidates and of all earlier ones'."""

    name: ClassVar[str] = "select"

    judged: JudgeReasons
    selection: Selection

    def inputs(self) -> tuple[Stage, ...]:
        """Also what was kept before, which the proposing stage declares for both of them."""
        return tuple(stage for stage in (self._earlier, self.judged) if stage)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `selected.jsonl`."""
        earlier = read_selected(store.folder(self._earlier)) if self._earlier else []
        judged = read_jsonl(store.folder(self.judged) / JUDGED, JudgedReason)
        # Only what was kept can be kept again: a reason that failed a threshold fails it in every round.
        write_jsonl(folder / SELECTED, self.selection([*earlier, *judged]))

    @property
    def rounds(self) -> tuple[JudgeReasons, ...]:
        """The judged candidates of all rounds, the first first."""
        return (*(self._earlier.rounds if self._earlier else ()), self.judged)

    @property
    def _earlier(self) -> SelectReasons | None:
        proposed = self.judged.reasons
        return proposed.kept if isinstance(proposed, ProposeReasons) else None


def rounds_of_reasons(
    prepared: Prepare, teacher: Teacher, judge: Judge, selection: Selection, part: Part
) -> SelectReasons:
    """The oracle reasons of a part: all candidates in one round, or one a round until enough are kept."""
    numbers = range(teacher.num_candidates)
    each_round: Sequence[tuple[int, ...]] = (
        [(number,) for number in numbers] if teacher.until_kept else [tuple(numbers)]
    )
    kept: SelectReasons | None = None
    for candidates in each_round:
        proposed = ProposeReasons(prepared, teacher, part, candidates, kept)
        kept = SelectReasons(JudgeReasons(prepared, proposed, judge, part), selection)
    assert kept is not None  # there is at least one candidate
    return kept


def _unwritten(example_id: str, candidate: int) -> Reason:
    """Stands for a reason of usual length, different from all others, where calls are planned."""
    text = f"(Here stands reason {candidate} of {example_id}, which is not yet written.)"
    return Reason(example_id, candidate, " ".join([text] * 8), source="")


def read_selected(folder: Path) -> list[JudgedReason]:
    """The reasons that `SelectReasons` kept."""
    return read_jsonl(folder / SELECTED, JudgedReason)
