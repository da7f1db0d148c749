"""answer: the model, and the baselines beside it, rank every occupation for every test example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.baselines.baseline import rank
from occpred.baselines.suite import Baselines
from occpred.distributed.ranks import is_first
from occpred.encoding import NamesOccupation
from occpred.progress import progress
from occpred.ranking.ranking import Ranking
from occpred.ranking.system import AnsweringSystem
from occpred.rankings import Rankings
from occpred.stages.gather import GatherReasons, read_gathered
from occpred.stages.language_model import LanguageModelStage
from occpred.stages.prepare import Part, Prepare, PreparedData


@dataclass(frozen=True)
class Answer(Stage):
    """Lets a model answer the test examples, on the ground of the reasons that were gathered for it."""

    name: ClassVar[str] = "answer"
    parallel = True

    prepared: Prepare
    reasons: GatherReasons
    predictor: LanguageModelStage
    ranking: Ranking

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the rankings."""
        examples = PreparedData(store.folder(self.prepared)).examples(Part.TEST)
        reasons = read_gathered(store.folder(self.reasons))
        encoder = self.predictor.encoder(store)
        assert isinstance(encoder, NamesOccupation)
        system = AnsweringSystem(encoder, self.ranking)
        rankings = system(self.predictor.load(store), examples, [reasons[example.example_id] for example in examples])
        if is_first():
            rankings.save(folder)


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
