"""What the artifacts of a sweep's jobs say together.

Shapes: P answers of one run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from occpred.artifacts.signature import reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.careers.source import rejections
from occpred.evaluation.auc import auc
from occpred.evaluation.calibration import calibration_bins
from occpred.evaluation.claims import Evidence, verdicts
from occpred.evaluation.comparison import Comparison
from occpred.evaluation.dose import dose_responses, judged_persons
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.pooling import pair_up, pool
from occpred.evaluation.scores import Floats, Scores, score
from occpred.findings import CRITERIA, Cost, DoseResponse, Fact, Verdict
from occpred.rankings import Rankings
from occpred.reasons.masked_reason import MaskedReason
from occpred.reasons.source import GeneratedReason, NoReason, OracleReason, ReasonSource
from occpred.records import CalibrationBin, JudgedReason, NextOccupationExample, read_jsonl
from occpred.stages.answer import AnswerByBaselines, read_baselines
from occpred.stages.check_judge import CheckJudge, read_check
from occpred.stages.language_model import Training, TrainingStage
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.reason import JUDGED
from occpred.stages.report import Report, inputs_first, provenance_of
from occpred.stages.untuned import UntunedModel
from occpred.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True)
class SweepFindings:
    """Reads the artifacts of all jobs.

    Attributes:
        store: where they are.
        runs: the jobs of each row.
        judge_check: the judge's marks of true and false reasons.
        comparison: how systems are compared.
        evaluation: how intervals are made.
    """

    store: ArtifactStore
    runs: Mapping[str, Sequence[Report]]
    judge_check: CheckJudge | None
    comparison: Comparison
    evaluation: Evaluation

    @cached_property
    def systems(self) -> dict[str, Scores]:
        """The scores of each row, seeds pooled, then those of the baselines."""
        models = {label: pool([self._scores(report) for report in reports]) for label, reports in self.runs.items()}
        return models | self._baselines

    @cached_property
    def _baselines(self) -> dict[str, Scores]:
        """The baselines; where rows have different data, those of each row."""
        stages: dict[str, tuple[str, AnswerByBaselines, Report]] = {}
        for label, reports in self.runs.items():
            for report in reports:
                stage = report.evaluated.baselines
                stages.setdefault(reference(stage), (label, stage, report))
        return {
            f"{name}, {label}" if len(stages) > 1 else name: self._score(rankings, report)
            for label, stage, report in stages.values()
            for name, rankings in read_baselines(stage, self.store.folder(stage)).items()
        }

    def _scores(self, report: Report) -> Scores:
        return self._score(self._rankings(report), report)

    def _rankings(self, report: Report) -> Rankings:
        return Rankings.load(self.store.folder(report.evaluated.answer))

    def _score(self, rankings: Rankings, report: Report) -> Scores:
        return score(rankings, *self._asked[reference(report.evaluated.prepared)])

    @cached_property
    def _prepared(self) -> dict[str, PreparedData]:
        """The data that answers rest on, by reference."""
        stages = (report.evaluated.prepared for reports in self.runs.values() for report in reports)
        return {reference(stage): PreparedData(self.store.folder(stage)) for stage in stages}

    @cached_property
    def _asked(self) -> dict[str, tuple[list[NextOccupationExample], Taxonomy]]:
        """The test examples and the taxonomy of the answers, by the reference of the data."""
        return {name: (each.examples(Part.TEST), each.taxonomy) for name, each in self._prepared.items()}

    def data(self) -> tuple[str, ...]:
        """What people the answers rest on, and how many rows were set aside; the same sentence once."""
        return tuple(dict.fromkeys(map(_sentence, self._prepared.values())))

    def verdicts(self) -> tuple[Verdict, ...]:
        """What becomes of the paper's claims."""
        joint = self.comparison.joint
        untuned = [
            label for label, runs in self.runs.items() if isinstance(runs[0].evaluated.answer.predictor, UntunedModel)
        ]
        evidence = Evidence(
            self.systems,
            supervised=tuple(self._baselines),
            unsupervised=untuned,
            doses=self.doses.get(joint, ()),
            judged_persons=judged_persons(*self._marked[joint]) if joint in self._marked else 0,
        )
        return tuple(verdicts(evidence, self.comparison, self.evaluation))

    @cached_property
    def doses(self) -> dict[str, tuple[DoseResponse, ...]]:
        """How answers depend on the marks of own reasons: in the joint row, or in all where that is missing."""
        return {label: tuple(dose_responses(*marked, self.evaluation)) for label, marked in self._marked.items()}

    @cached_property
    def _marked(self) -> dict[str, tuple[Scores, dict[str, Floats]]]:
        """The marked answers of the rows that `doses` are about."""
        own = [label for label in self.runs if self._rests_on(label, GeneratedReason)]
        shown = [label for label in own if label == self.comparison.joint] or own
        return {label: self._marked_answers(label) for label in shown}

    def _marked_answers(self, label: str) -> tuple[Scores, dict[str, Floats]]:
        """The answers to each single reason, and that reason's marks, all seeds."""
        scores: list[Scores] = []
        marks: dict[str, list[Floats]] = {criterion: [] for criterion in CRITERIA}
        for report in self.runs[label]:
            judged = read_jsonl(self.store.folder(report.own_reasons) / JUDGED, JudgedReason)
            given = {(entry.reason.example_id, entry.reason.candidate): entry.scores for entry in judged}
            for candidate, rankings in enumerate(self._rankings(report).for_each_reason()):
                scores.append(self._score(rankings, report))
                found = [given.get((example_id, candidate)) for example_id in rankings.example_ids]
                for criterion, column in marks.items():
                    column.append(
                        np.array([getattr(each, criterion) if each else np.nan for each in found], dtype=float)
                    )
        return pool(scores), {criterion: np.concatenate(columns) for criterion, columns in marks.items()}

    def _rests_on(self, label: str, source: type[ReasonSource]) -> bool:
        return label in self.runs and isinstance(self.runs[label][0].evaluated.answer.reasons.source, source)

    def calibrations(self) -> dict[str, tuple[CalibrationBin, ...]]:
        """How often each model is right, by confidence."""
        return {label: calibration_bins(self.systems[label]) for label in self.runs}

    def costs(self) -> dict[str, Cost]:
        """What each row took: all stages it rests on, also those that it shares with others."""
        return {label: self._cost(reports) for label, reports in self.runs.items()}

    def _cost(self, reports: Sequence[Report]) -> Cost:
        stages: dict[str, Stage] = {}
        for report in reports:
            stages |= inputs_first(report.evaluated.answer)
        records = [provenance_of(self.store, stage) for stage in stages.values()]
        trainings = [stage for stage in stages.values() if isinstance(stage, TrainingStage)]
        tokens = (int(Training(self.store.folder(stage)).summary["learned_target_tokens"]) for stage in trainings)
        gpu = [record["peak_gpu_memory_mib"] for record in records if record["peak_gpu_memory_mib"]]
        peak_mib = max(gpu or [record["process_peak_memory_mib"] for record in records])
        return Cost(sum(tokens), sum(record["wall_seconds"] for record in records), int(peak_mib * 2**20))

    def provenance(self) -> list[dict[str, Any]]:
        """How each job's answers came about."""
        return [
            provenance_of(self.store, report.evaluated.answer) for reports in self.runs.values() for report in reports
        ]

    def facts(self) -> tuple[Fact, ...]:
        """What only simulated people, or controls in the sweep, can tell."""
        return (*self._judge_quality(), *self._leakage())

    def _judge_quality(self) -> Iterator[Fact]:
        if self.judge_check is None:
            return
        example_ids, true, false = read_check(self.store.folder(self.judge_check))
        if not example_ids:
            return
        data = PreparedData(self.store.folder(self.judge_check.prepared))
        person_of = {example.example_id: example.person_id for example in data.examples(Part.TEST)}
        persons = [person_of[example_id] for example_id in example_ids]
        yield Fact(
            "AUC of the judge's utility",
            auc(np.array(true, dtype=float), np.array(false, dtype=float), persons, self.evaluation),
            "Chance that the judge marks a simulated person's true reason higher than another person's in its place; "
            "0.5 is blind.",
            {"mean mark of true reasons": float(np.mean(true)), "of false ones": float(np.mean(false))},
        )

    def _leakage(self) -> Iterator[Fact]:
        """What the oracle's reason adds to one model's answers, and what of that goes with the title in it."""
        for oracle in (label for label in self.runs if self._rests_on(label, OracleReason)):
            model = reference(self.runs[oracle][0].evaluated.answer.predictor)
            beside = [
                label for label, runs in self.runs.items() if reference(runs[0].evaluated.answer.predictor) == model
            ]
            for source, meaning in _CONTROLS.items():
                for control in (label for label in beside if self._rests_on(label, source)):
                    both = pair_up(self.systems[oracle], self.systems[control])
                    if both is not None:
                        difference = self.evaluation.paired_difference(*both, "acc_em")
                        yield Fact(f"AccEM of {oracle} minus {control}", difference, meaning)


def _sentence(data: PreparedData) -> str:
    facts, taxonomy = data.facts(), data.taxonomy
    rejected = rejections(data.rejected(), facts["rows_read"], facts["unit"])
    return f"{facts['people']:,} people; {taxonomy.name}, {len(taxonomy):,} candidates; {rejected}"


_CONTROLS: Mapping[type[ReasonSource], str] = {
    NoReason: "What the oracle's reason adds, in points, to the answers of the same model without any reason.",
    MaskedReason: "How many of these points go when the title is masked: the answer that had leaked into the reason.",
}
