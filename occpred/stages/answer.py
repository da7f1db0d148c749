"""answer: the model, and the baselines beside it, rank every occupation for every test example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.baselines.baseline import rank
from occpred.baselines.suite import Baselines
from occpred.progress import progress
from occpred.ranking.exact import ExactRanking
from occpred.ranking.joint_system import JointSystem
from occpred.ranking.reason_source import ReasonSource
from occpred.rankings import Rankings
from occpred.records import Reason, write_jsonl
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import REASONS, SelectReasons, read_selected
from occpred.stages.train import Train, TrainedModel


@dataclass(frozen=True)
class Answer(Stage):
    """Lets the trained model answer the test examples."""

    name: ClassVar[str] = "answer"

    prepared: Prepare
    trained: Train
    reason: ReasonSource
    ranking: ExactRanking
    oracle: SelectReasons | None
    """Selected reasons of the test examples, where the reason source needs them."""

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the rankings, and the reasons they rest on."""
        data = PreparedData(store.folder(self.prepared))
        examples = data.examples(Part.TEST)
        model = TrainedModel(self.trained, store.folder(self.trained)).load().to(self.trained.trainer.device())
        system = JointSystem(self.trained.encoder(data.taxonomy), self.reason, self.ranking)
        rankings = system(model, examples, self._oracle_reasons(store))
        rankings.save(folder)
        write_jsonl(
            folder / REASONS,
            (
                Reason(example_id, candidate=0, text=text, source=type(self.reason).__name__)
                for example_id, text in zip(rankings.example_ids, rankings.reasons, strict=True)
                if text
            ),
        )

    def _oracle_reasons(self, store: ArtifactStore) -> dict[str, str]:
        if self.oracle is None:
            return {}
        best_first = read_selected(store.folder(self.oracle))
        # Of several reasons for one example the first, which is the best, wins.
        return {judged.reason.example_id: judged.reason.text for judged in reversed(best_first)}


@dataclass(frozen=True)
class AnswerByBaselines(Stage):
    """Fits the baselines on the training careers and lets them answer the test examples."""

    name: ClassVar[str] = "baselines"

    prepared: Prepare
    baselines: Baselines

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write one folder of rankings for each baseline."""
        data = PreparedData(store.folder(self.prepared))
        careers, examples = data.training_careers(), data.examples(Part.TEST)
        for baseline in progress(self.baselines.chosen(), self.name, unit="baseline"):
            own = folder / baseline.name
            own.mkdir()
            rank(baseline, careers, examples, data.taxonomy).save(own)


def read_baselines(stage: AnswerByBaselines, folder: Path) -> dict[str, Rankings]:
    """The rankings of each baseline by its name."""
    return {baseline.name: Rankings.load(folder / baseline.name) for baseline in stage.baselines.chosen()}
