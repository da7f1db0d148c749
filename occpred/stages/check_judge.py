"""check: does the judge tell true reasons from false ones? Simulated people's true reasons are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.reasons.exchange import exchange
from occpred.reasons.judge import Judge
from occpred.records import JudgedReason, Reason, read_jsonl, write_jsonl
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import JUDGED

_TRUE, _FALSE = 0, 1


@dataclass(frozen=True)
class CheckJudge(Stage):
    """Lets the judge mark the test people's true reasons and, in their place, those of other people."""

    name: ClassVar[str] = "check"

    prepared: Prepare
    judge: Judge

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `judged.jsonl`: candidate 0 is the true reason, candidate 1 another's; nothing where none is known."""
        data = PreparedData(store.folder(self.prepared))
        texts = {reason.example_id: reason.text for reason in data.true_reasons()}
        examples = [example for example in data.examples(Part.TEST) if example.example_id in texts]
        people = [example.person_id for example in examples]
        others = exchange(people, [""] * len(people), seed=0) if len(set(people)) > 1 else []
        reasons = [
            Reason(example.example_id, candidate, texts[examples[place].example_id], source="true reasons")
            for index, (example, other) in enumerate(zip(examples, others, strict=False))
            for candidate, place in ((_TRUE, index), (_FALSE, other))
        ]
        judged = self.judge.judge(reasons, {example.example_id: example for example in examples}, data.taxonomy)
        write_jsonl(folder / JUDGED, judged)


def read_check(folder: Path) -> tuple[list[str], list[int], list[int]]:
    """Example ids with the utility marks of each one's true reason and of another's in its place."""
    judged = read_jsonl(folder / JUDGED, JudgedReason)
    true, false = ([entry for entry in judged if entry.reason.candidate == kind] for kind in (_TRUE, _FALSE))
    return (
        [entry.reason.example_id for entry in true],
        [entry.scores.utility for entry in true],
        [entry.scores.utility for entry in false],
    )
