"""report: everything a run found out, on one page and in tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from occpred.artifacts import provenance
from occpred.artifacts.signature import reference, signature
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.measures import MEASURES
from occpred.language_model.backbone import Backbone
from occpred.rankings import Rankings
from occpred.records import JudgedReason, read_jsonl
from occpred.report.data import (
    CurvePoint,
    DataSummary,
    MetricColumn,
    ReportData,
    Results,
    RunSummary,
    SplitSummary,
    StageRun,
    TrainingCurves,
    WorkedExample,
)
from occpred.report.examples import worked_examples
from occpred.report.files import write_report
from occpred.report.reason_data import JudgingSummary
from occpred.settings import Settings, setting
from occpred.stages.evaluate import Evaluate, Evaluated
from occpred.stages.judge_labels import CheckJudgeAgainstLabels, read_label_check
from occpred.stages.language_model import Training, TrainingStage
from occpred.stages.prefer import Pairs
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.reason import JUDGED, JudgeReasons, SelectReasons
from occpred.stages.reason_findings import ReasonFindings
from occpred.stages.train_preference import TrainOnPreferences

COLUMNS = {
    name: MetricColumn(name, measure.label, measure.percent, measure.higher_is_better, measure.explanation)
    for name, measure in MEASURES.items()
}
SHOWN = tuple(column for name, column in COLUMNS.items() if name != "recall@1")
"""What the page, the CSV file and the LaTeX table show: recall@1 would repeat AccEM."""
HEADLINE = tuple(COLUMNS[name] for name in ("acc_em", "acc_rm", "recall@5", "recall@10", "mrr", "perplexity"))
"""What the terminal shows."""


@dataclass(frozen=True)
class Report(Stage):
    """Gathers what the other stages found and writes the page, the CSV files and the LaTeX table."""

    name: ClassVar[str] = "report"

    evaluated: Evaluate
    own_reasons: JudgeReasons
    """The reasons that the answers rest on, judged after the fact."""
    experiment: str
    question: str
    labels: CheckJudgeAgainstLabels | None = None
    """The judge held against people's marks, where there are any."""
    command: str = setting("", incidental=True)
    config: str = setting("", incidental=True)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `report.html`, `metrics.csv`, `differences.csv` and `metrics.tex`."""
        write_report(self.data(store), folder)

    def data(self, store: ArtifactStore) -> ReportData:
        """Gather all that the report says."""
        prepared = PreparedData(store.folder(self.evaluated.prepared))
        evaluated = Evaluated(store.folder(self.evaluated))
        reasons = self._reasons(store)
        return ReportData(
            run=self._run_summary(store),
            data=_data_summary(prepared, self._pair_counts(store)),
            results=self.results(store),
            titles={occupation.code: occupation.title for occupation in prepared.taxonomy.occupations},
            reasons=reasons.summary() if reasons else None,
            judging=self._judging(store, reasons),
            training=tuple(_curves(store, stage) for stage in self._trainings()),
            calibration=tuple(evaluated.calibration()),
            examples=self._worked_examples(store, prepared),
            certainty=evaluated.certainty(),
        )

    def results(self, store: ArtifactStore) -> Results:
        """The tables."""
        evaluated = Evaluated(store.folder(self.evaluated))
        note = interval_note(self.evaluated.evaluation)
        return Results(SHOWN, tuple(evaluated.metrics()), tuple(evaluated.differences()), interval_note=note)

    @property
    def seed(self) -> int:
        """The seed of training; 0 where nothing is trained."""
        trainings = self._trainings()
        return trainings[-1].seed if trainings else 0

    def _trainings(self) -> list[TrainingStage]:
        """All trainings that the answers rest on, the first first."""
        return [stage for stage in inputs_first(self.evaluated).values() if isinstance(stage, TrainingStage)]

    def _pair_counts(self, store: ArtifactStore) -> dict[str, int]:
        """What became of the examples that replies were sampled for, round by round."""
        rounds = [stage for stage in self._trainings() if isinstance(stage, TrainOnPreferences)]
        return {
            f"preference pairs, round {number}: {name.replace('_', ' ')}": count
            for number, stage in enumerate(rounds, start=1)
            for name, count in Pairs(store.folder(stage.pairs)).counts().items()
        }

    def _run_summary(self, store: ArtifactStore) -> RunSummary:
        predictor, trainings = self.evaluated.answer.predictor, self._trainings()
        records = [provenance_of(store, stage) for stage in inputs_first(self.evaluated).values()]
        last = provenance_of(store, self.evaluated.answer)
        return RunSummary(
            experiment=self.experiment,
            question=self.question,
            command=self.command,
            signature=signature(self),
            started=min(record["started"] for record in records),
            git_commit=git_commit(last),
            backbone=backbone_in_words(predictor.backbone),
            lora=in_words(trainings[-1].adaptation) if trainings else "not trained",
            config=self.config,
            seeds={"training": self.seed, "bootstrap": self.evaluated.evaluation.seed},
            versions=last["versions"],
            stages=tuple(_stage_run(record) for record in records),
        )

    def _reasons(self, store: ArtifactStore) -> ReasonFindings | None:
        """The reasons that were made to learn from, all rounds of them, where there are any."""
        used = (stage for stage in inputs_first(self.evaluated).values() if isinstance(stage, SelectReasons))
        to_learn_from = [stage for stage in used if stage.judged.part is Part.TRAIN]
        return ReasonFindings(store, to_learn_from[-1], self.evaluated.evaluation) if to_learn_from else None

    def _judging(self, store: ArtifactStore, reasons: ReasonFindings | None) -> JudgingSummary | None:
        """How far the judge's marks can be trusted, where anything tells."""
        judging = reasons.judging() if reasons else None
        if self.labels is None:
            return judging
        check = read_label_check(store.folder(self.labels), self.evaluated.evaluation)
        return replace(judging or JudgingSummary(), labels=check)

    def _worked_examples(self, store: ArtifactStore, prepared: PreparedData) -> tuple[WorkedExample, ...]:
        rankings = Rankings.load(store.folder(self.evaluated.answer))
        judged = read_jsonl(store.folder(self.own_reasons) / JUDGED, JudgedReason)
        scores = {entry.reason.example_id: entry.scores for entry in judged if entry.reason.candidate == 0}
        return worked_examples(prepared.examples(Part.TEST), rankings, scores)


def backbone_in_words(backbone: Backbone) -> str:
    """Its name and revision, and that its weights are random where they are."""
    return f"{backbone.name} ({backbone.revision}){', random weights' if backbone.random_init else ''}"


def in_words(component: Settings) -> str:
    """A component's name and its settings, for people to read."""
    settings = {field.name: getattr(component, field.name) for field in fields(component)}  # type: ignore[arg-type]
    told = ", ".join(f"{name.replace('_', ' ')} {_word(value)}" for name, value in settings.items())
    return f"{type(component).__name__}: {told}" if told else type(component).__name__


def _word(value: Any) -> str:
    match value:
        case Enum():
            return value.name
        case float():
            return f"{value:g}"
        case list():
            return " ".join(map(_word, value))
        case _:
            return str(value)


def _data_summary(prepared: PreparedData, pair_counts: Mapping[str, int]) -> DataSummary:
    facts = prepared.facts()
    return DataSummary(
        taxonomy=prepared.taxonomy.name,
        occupations=len(prepared.taxonomy),
        people=facts["people"],
        rows_read=facts["rows_read"],
        splits=tuple(SplitSummary.count(part.value, prepared.examples(part)) for part in Part),
        facts={**facts["facts"], **pair_counts},
        rejected=tuple(prepared.rejected()),
        read_unit=facts["unit"],
    )


def _curves(store: ArtifactStore, stage: TrainingStage) -> TrainingCurves:
    trajectory = Training(store.folder(stage)).trajectory
    metric = COLUMNS["acc_em"]
    return TrainingCurves(
        title=f"{stage.name} of {stage.role.name.lower().replace('_', ' ')}",
        train_loss=_curve(trajectory, "train/loss"),
        validation_loss=_curve(trajectory, "validation/loss"),
        validation_metric=_curve(trajectory, "validation/acc_em"),
        validation_column=metric,
    )


def _curve(trajectory: Sequence[dict[str, float]], name: str) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(int(row["step"]), row[name]) for row in trajectory if name in row)


def interval_note(settings: Evaluation) -> str:
    """What the intervals are, as a noun phrase."""
    return f"{settings.confidence:.0%} intervals by bootstrap over persons ({settings.bootstrap_samples:,} samples)"


def inputs_first(stage: Stage) -> dict[str, Stage]:
    """All stages that `stage` rests on, and itself last, by reference; each once."""
    ordered: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        name = reference(stage)
        if name not in ordered:
            for needed in stage.inputs():
                visit(needed)
            ordered[name] = stage

    visit(stage)
    return ordered


def provenance_of(store: ArtifactStore, stage: Stage) -> dict[str, Any]:
    """How a stage was run."""
    record: dict[str, Any] = json.loads((store.folder(stage) / provenance.FILE_NAME).read_text(encoding="utf-8"))
    return record


def git_commit(record: Mapping[str, Any]) -> str:
    """The commit that a stage was run at, from its provenance."""
    code = record.get("code") or {"commit": "unknown", "dirty": False}
    commit: str = code["commit"]
    return f"{commit} with uncommitted changes" if code["dirty"] else commit


def _stage_run(record: dict[str, Any]) -> StageRun:
    peak_bytes = int(record["process_peak_memory_mib"] * 2**20)
    return StageRun(record["stage"], record["signature"], record["wall_seconds"], peak_bytes)
