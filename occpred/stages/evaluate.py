"""evaluate: measure the answers of the model and of the baselines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.distributed.ranks import is_first
from occpred.evaluation.calibration import calibration_bins
from occpred.evaluation.certainty import certainty
from occpred.evaluation.comparison import COMPARED
from occpred.evaluation.intervals import GROUPS, Evaluation
from occpred.evaluation.measures import is_known
from occpred.evaluation.scores import Scores, score
from occpred.findings import Certainty
from occpred.rankings import Rankings
from occpred.records import CalibrationBin, JudgedReason, SystemMetrics, read_jsonl, write_jsonl
from occpred.report.data import PairedDifference
from occpred.settings import setting
from occpred.stages.answer import Answer, AnswerByBaselines, read_baselines
from occpred.stages.language_model import Training, TrainingStage
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import JUDGED, JudgeReasons
from occpred.stages.tracked_stage import TrackedStage
from occpred.stages.tracked_tables import drawn, log_answers, log_marks
from occpred.tracking.tracking import Ending

_METRICS, _DIFFERENCES, _CALIBRATION = "metrics.jsonl", "differences.jsonl", "calibration.jsonl"
_CERTAINTY = "certainty.jsonl"
"""Only there where the answers were certified."""


@dataclass(frozen=True)
class Evaluate(TrackedStage):
    """Measures all systems on the test examples, with intervals, and compares the model with each baseline."""

    name: ClassVar[str] = "evaluate"
    version: ClassVar[int] = 2
    is_outcome: ClassVar[bool] = True

    prepared: Prepare
    answer: Answer
    baselines: AnswerByBaselines
    evaluation: Evaluation
    system: str
    """What the model is called in tables."""
    own_reasons: JudgeReasons | None = setting(None, incidental=True)
    """The marks of the reasons that the answers rest on, which tracking shows beside them."""

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
        if found := certainty(rankings, model):
            write_jsonl(folder / _CERTAINTY, [found])
        self._track(store, Evaluated(folder), folder)

    def _differences(self, model: Scores, baselines: dict[str, Scores]) -> Iterator[PairedDifference]:
        for group in (name for name, mask in GROUPS.items() if mask(model).any()):
            for name, scores in baselines.items():
                for measure in (each for each in COMPARED if is_known(each, model, scores)):
                    estimate = self.evaluation.paired_difference(model, scores, measure, group)
                    yield PairedDifference(self.system, name, group, measure, estimate)

    @contextmanager
    def awaited(self, store: ArtifactStore) -> Iterator[None]:
        """Make the evaluation inside this block, where somebody outside may wait for the outcome (see `is_awaited`).

        They hear of it even if there is nothing left to make; if the work is interrupted, they hear that.
        """
        if not (self.tracking.is_awaited() and is_first()):
            yield
            return
        was_done = store.is_done(self)
        with TemporaryDirectory() as folder:
            try:
                yield
            except (KeyboardInterrupt, SystemExit):
                self.open_tracker(Path(folder)).close(Ending.INTERRUPTED)
                raise
            if was_done:
                self._track(store, Evaluated(store.folder(self)), Path(folder))

    def _track(self, store: ArtifactStore, evaluated: Evaluated, folder: Path) -> None:
        data = PreparedData(store.folder(self.prepared))
        examples, taxonomy = data.examples(Part.TEST), data.taxonomy
        rankings = Rankings.load(store.folder(self.answer))
        marks = self._marks(store)
        places = drawn(examples, self.tracking.examples)
        with self.open_tracker(folder) as tracker:
            tracker.log_summary({"examples": len(examples), "examples_shown": len(places)})
            tracker.log_summary({**self._training(store), **self._summary(evaluated)})
            if places:
                log_answers(tracker, places, examples, rankings, taxonomy, marks)
                log_marks(tracker, {examples[place].example_id for place in places}, marks)

    def _marks(self, store: ArtifactStore) -> list[JudgedReason]:
        if self.own_reasons is None or not store.is_done(self.own_reasons):
            return []
        return read_jsonl(store.folder(self.own_reasons) / JUDGED, JudgedReason)

    def _training(self, store: ArtifactStore) -> dict[str, float]:
        """What the model's training came to, such as `validation/acc_em`: a search must not choose by test people."""
        predictor = self.answer.predictor
        if not isinstance(predictor, TrainingStage) or not store.is_done(predictor):  # kept no longer
            return {}
        last = {name: value for row in Training(store.folder(predictor)).trajectory for name, value in row.items()}
        return {name: value for name, value in last.items() if "/" in name}

    def _summary(self, evaluated: Evaluated) -> dict[str, float]:
        """The model's measures by group, such as `movers/acc_em`, with `movers/acc_em/low`, `/high` and `/n`."""
        summary: dict[str, float] = {}
        for row in (row for row in evaluated.metrics() if row.system == self.system):
            for measure, estimate in row.metrics.items():
                name = f"{row.group}/{measure}"
                ends = {f"{name}/low": estimate.low, f"{name}/high": estimate.high, f"{name}/n": estimate.n}
                summary |= {name: estimate.value, **ends}
        return summary


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

    def certainty(self) -> Certainty | None:
        """By how much the model's measures may be off; `None` where all of them are exact."""
        path = self.folder / _CERTAINTY
        return read_jsonl(path, Certainty)[0] if path.is_file() else None
