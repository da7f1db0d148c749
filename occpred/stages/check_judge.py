"""check: does the judge tell true reasons from false ones? Simulated people's true reasons are known."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.reasons.exchange import exchange
from occpred.reasons.judge import Judge
from occpred.records import JudgedReason, NextOccupationExample, Reason, read_jsonl, write_jsonl
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import JUDGED, AsksChatModels, correspondence, journals, write_correspondence

if TYPE_CHECKING:
    from occpred.chat.plan import PlannedCalls

_TRUE, _FALSE = 0, 1


@dataclass(frozen=True)
class CheckJudge(AsksChatModels):
    """Lets the judge mark the test people's true reasons and, in their place, those of other people."""

    name: ClassVar[str] = "check"

    prepared: Prepare
    judge: Judge

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `judged.jsonl`: candidate 0 is the true reason, candidate 1 another's; nothing where none is known."""
        data, asked = PreparedData(store.folder(self.prepared)), correspondence(store)
        examples, reasons = _true_and_false(data)
        write_jsonl(folder / JUDGED, self.judge.judge(reasons, examples, data.taxonomy, asked))
        write_correspondence(folder, asked)

    def plan(self, store: ArtifactStore) -> list[PlannedCalls]:
        data = PreparedData(store.folder(self.prepared))
        examples, reasons = _true_and_false(data)
        return self.judge.plan(reasons, examples, data.taxonomy, journals(store))


def _true_and_false(data: PreparedData) -> tuple[dict[str, NextOccupationExample], list[Reason]]:
    """The test people whose true reasons are known, and for each that reason and another person's."""
    texts = {reason.example_id: reason.text for reason in data.true_reasons()}
    examples = [example for example in data.examples(Part.TEST) if example.example_id in texts]
    people = [example.person_id for example in examples]
    others = exchange(people, [""] * len(people), seed=0) if len(set(people)) > 1 else []
    reasons = [
        Reason(example.example_id, candidate, texts[examples[place].example_id], source="true reasons")
        for index, (example, other) in enumerate(zip(examples, others, strict=False))
        for candidate, place in ((_TRUE, index), (_FALSE, other))
    ]
    return {example.example_id: example for example in examples}, reasons


def read_check(folder: Path) -> tuple[list[str], list[int], list[int]]:
    """Ids of the examples of which both are marked, with the utility of the true reason and of the one in its place."""
    marks: dict[str, dict[int, int]] = defaultdict(dict)
    for entry in read_jsonl(folder / JUDGED, JudgedReason):
        marks[entry.reason.example_id][entry.reason.candidate] = entry.scores.utility
    both = {example_id: given for example_id, given in marks.items() if len(given) == len((_TRUE, _FALSE))}
    return list(both), [given[_TRUE] for given in both.values()], [given[_FALSE] for given in both.values()]
