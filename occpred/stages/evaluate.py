"""evaluate: measure the answers of the model and of the baselines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.signature import configuration
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.evaluation.calibration import calibration_bins
from occpred.evaluation.comparison import COMPARED
from occpred.evaluation.intervals import GROUPS, Evaluation
from occpred.evaluation.scores import Scores, score
from occpred.rankings import Rankings
from occpred.records import CalibrationBin, SystemMetrics, read_jsonl, write_jsonl
from occpred.report.data import PairedDifference
from occpred.settings import MISSING, setting
from occpred.stages.answer import Answer, AnswerByBaselines, read_baselines
from occpred.stages.identity import run_identity
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.tracking.tracking import Tracking

_METRICS, _DIFFERENCES, _CALIBRATION = "metrics.jsonl", "differences.jsonl", "calibration.jsonl"


@dataclass(frozen=True)
class Evaluate(Stage):
    """Measures all systems on the test examples, with intervals, and compares the model with each baseline."""

    name: ClassVar[str] = "evaluate"

    prepared: Prepare
    answer: Answer
    baselines: AnswerByBaselines
    evaluation: Evaluation
    system: str
    """What the model is called in tables."""
    experiment: str = setting("", incidental=True)
    tracking: Tracking = setting(MISSING, incidental=True)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write metrics, differences and the model's calibration; hand the headline numbers to tracking."""
        data = PreparedData(store.folder(self.prepared))
        examples = data.examples(Part.TEST)
        rankings = Rankings.load(store.folder(self.answer))
        model = score(rankings, examples, data.taxonomy)
        baselines = {
            name: score(answers, examples, data.taxonomy)
            for name, answers in read_baselines(self.baselines, store.folder(self.baselines)).items()
        }
        metrics = [
            row for name, scores in {self.system: model, **baselines}.items() for row in self.evaluation(name, scores)
        ]
        write_jsonl(folder / _METRICS, metrics)
        write_jsonl(folder / _DIFFERENCES, self._differences(model, baselines))
        write_jsonl(folder / _CALIBRATION, calibration_bins(model))
        self._track(folder, metrics, rankings, model)

    def _differences(self, model: Scores, baselines: dict[str, Scores]) -> Iterator[PairedDifference]:
        for group in (name for name, mask in GROUPS.items() if mask(model).any()):
            for name, scores in baselines.items():
                for measure in COMPARED:
                    estimate = self.evaluation.paired_difference(model, scores, measure, group)
                    yield PairedDifference(self.system, name, group, measure, estimate)

    def _track(self, folder: Path, metrics: list[SystemMetrics], rankings: Rankings, model: Scores) -> None:
        run = run_identity(self, self.experiment)
        summary = {
            f"{row.group}/{measure}": estimate.value
            for row in metrics
            if row.system == self.system
            for measure, estimate in row.metrics.items()
        }
        best_P = rankings.order()[:, 0]
        answers = [
            [example_id, reason, rankings.codes[best], int(rank)]
            for example_id, reason, best, rank in zip(
                rankings.example_ids, rankings.reasons, best_P, model.rank_P, strict=True
            )
        ]
        with self.tracking.open(run, configuration(self), folder / "tracking") as tracker:
            tracker.log_summary(summary)
            tracker.log_table("answers", ["example", "reason", "first choice", "rank of the true occupation"], answers)


@dataclass(frozen=True)
class Evaluated:
    """What `Evaluate` wrote."""

    folder: Path

    def metrics(self) -> list[SystemMetrics]:
        """All systems' measures, the model's first."""
        return read_jsonl(self.folder / _METRICS, SystemMetrics)

    def differences(self) -> list[PairedDifference]:
        """The model minus each baseline."""
        return read_jsonl(self.folder / _DIFFERENCES, PairedDifference)

    def calibration(self) -> list[CalibrationBin]:
        """The model's calibration."""
        return read_jsonl(self.folder / _CALIBRATION, CalibrationBin)
