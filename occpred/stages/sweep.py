"""sweep: all systems of a sweep in one table, with tests and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter

from occpred.artifacts.signature import reference, signature
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.evaluation.comparison import Comparison
from occpred.evaluation.intervals import Evaluation
from occpred.experiment import Experiment
from occpred.findings import FailedJob
from occpred.report.data import Results
from occpred.report.files import write_sweep_report
from occpred.report.sweep_data import Axis, SweepData, SweepSummary
from occpred.settings import setting
from occpred.stages.check_judge import CheckJudge
from occpred.stages.dry_run import dry_run
from occpred.stages.report import HEADLINE, SHOWN, Report, git_commit, interval_note
from occpred.stages.road import Road, plan
from occpred.stages.sweep_findings import SweepFindings
from occpred.stages.sweep_works import SweepRun

_DATA = "sweep.json"
_SEED = "seed"
"""The axis that is pooled: jobs that differ in it alone are runs of one system."""
_EXPERIMENT = "experiments"
"""The axis whose values are names enough."""


@dataclass(frozen=True)
class SweepJob:
    """One job of a sweep.

    Attributes:
        overrides: the axes' values, such as `("experiments=joint", "seed=0")`.
        experiment: what it was to run; `None` where it could not even be composed.
        failure: why it failed, in one line; empty where it went well.
    """

    overrides: tuple[str, ...]
    experiment: Experiment | None
    failure: str = ""

    def values(self) -> dict[str, str]:
        """The value of each axis."""
        pairs = (override.partition("=") for override in self.overrides)
        return {key: value for key, _, value in pairs}

    def label(self) -> str:
        """The row it belongs to: what it does not share with jobs of other rows."""
        names = [
            value if key == _EXPERIMENT else f"{key}={value}" for key, value in self.values().items() if key != _SEED
        ]
        return ", ".join(names) or (self.experiment.system() if self.experiment else "all jobs")


@dataclass(frozen=True)
class SweepReport(Stage):
    """Pools the seeds of each system, compares the systems, and writes tables, figures and verdicts."""

    name: ClassVar[str] = "sweep"

    title: str
    question: str
    systems: dict[str, tuple[Report, ...]]
    """For each row its runs."""
    axes: dict[str, dict[str, str]]
    """For each axis the value of each row."""
    failures: tuple[tuple[str, tuple[str, ...], str], ...]
    """Jobs without a result: label, overrides and reason, as in `FailedJob`."""
    judge_check: CheckJudge | None
    comparison: Comparison
    evaluation: Evaluation
    num_jobs: int
    command: str = setting("", incidental=True)
    config: str = setting("", incidental=True)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `report.html`, CSV files and the LaTeX table, and all they rest on for the terminal's table."""
        data = self.data(store)
        write_sweep_report(data, folder)
        (folder / _DATA).write_bytes(TypeAdapter(SweepData).dump_json(data))

    def data(self, store: ArtifactStore) -> SweepData:
        """Gather all that the report says."""
        found = SweepFindings(store, self.systems, self.judge_check, self.comparison, self.evaluation)
        systems = found.systems
        rows = [row for label, scores in systems.items() for row in self.evaluation(label, scores)]
        tests = tuple(self.comparison(systems, self.evaluation)) if systems else ()
        reference = self.comparison.reference_row(list(systems)) if systems else ""
        compared = {reference, *(test.system for test in tests)}
        return SweepData(
            summary=self._summary(found),
            results=Results(SHOWN, tuple(rows), interval_note=interval_note(self.evaluation)),
            reference=reference,
            significance=1 - self.evaluation.confidence,
            data=found.data(),
            tests=tests,
            not_compared=tuple(label for label in systems if label not in compared),
            costs=found.costs(),
            row_seeds={label: _seeds(reports) for label, reports in self.systems.items()},
            failures=tuple(FailedJob(*each) for each in self.failures),
            verdicts=found.verdicts(),
            facts=found.facts(),
            doses=found.doses,
            calibrations=found.calibrations(),
            axes=tuple(Axis(name, values) for name, values in self.axes.items()),
        )

    def _summary(self, found: SweepFindings) -> SweepSummary:
        records = found.provenance()
        last = records[-1] if records else {}
        return SweepSummary(
            name=self.title,
            question=self.question,
            command=self.command,
            signature=signature(self),
            started=min((record["started"] for record in records), default=""),
            git_commit=git_commit(last),
            config=self.config,
            device="GPU" if any(record["peak_gpu_memory_mib"] for record in records) else "CPU",
            num_jobs=self.num_jobs,
            seeds=tuple(sorted({seed for reports in self.systems.values() for seed in _seeds(reports)})),
            versions=last.get("versions", {}),
        )


def _seeds(reports: Sequence[Report]) -> tuple[int, ...]:
    return tuple(report.seed for report in reports)


def with_judge_check(runs: Sequence[SweepRun]) -> list[SweepRun]:
    """The runs, with the check of the first one's judge as a goal of all whose judge and people are the same.

    So it is planned, and made, together with what else the judge is asked.
    """
    checks = [Road(run.experiment).judge_check for run in runs]
    names = list(map(reference, checks))
    return [
        replace(run, goals=(*run.goals, check)) if name == names[0] else run
        for run, check, name in zip(runs, checks, names, strict=True)
    ]


def finish(jobs: Sequence[SweepJob], *, name: str, question: str, command: str, config: str) -> None:
    """Make the report over the jobs that went well, name those that did not, and print the table.

    Nobody is asked anything for it: where the judge has not been checked (see `with_judge_check`), the report does not
    say how good it is. In a dry run, only show what all of this would ask of chat models.

    Args:
        jobs: all jobs, in the order of the table.
        name: what the sweep is called.
        question: what it is to answer.
        command: how it was asked for.
        config: what its jobs have in common, as YAML.
    """
    from occpred.report.sweep_terminal import print_sweep

    composed = [job.experiment for job in jobs if job.experiment is not None]
    if not composed:
        return
    systems = _systems(jobs)
    first = composed[0]
    store = ArtifactStore(Path(first.store))
    check = Road(first).judge_check
    report = SweepReport(
        title=name,
        question=question,
        systems=systems,
        axes=_axes(jobs),
        failures=tuple((job.label(), job.overrides, job.failure) for job in jobs if job.failure),
        judge_check=check if systems and (first.dry_run or store.is_done(check)) else None,
        comparison=first.comparison,
        evaluation=first.evaluation,
        num_jobs=len(jobs),
        command=command,
        config=config,
    )
    if first.dry_run:
        dry_run(store, [report])
        return
    store.make_all([report])
    data = TypeAdapter(SweepData).validate_json((store.folder(report) / _DATA).read_bytes())
    print_sweep(replace(data, results=replace(data.results, columns=HEADLINE)))
    print(f"report: {store.folder(report) / 'report.html'}")


def _systems(jobs: Sequence[SweepJob]) -> dict[str, tuple[Report, ...]]:
    """The runs of each row. Where no seed matters, as for an untuned model, all its jobs are one run."""
    systems: dict[str, dict[str, Report]] = {}
    for job in jobs:
        if job.experiment and not job.failure:
            report = plan(job.experiment)
            systems.setdefault(job.label(), {}).setdefault(reference(report), report)
    return {label: tuple(runs.values()) for label, runs in systems.items()}


def _axes(jobs: Sequence[SweepJob]) -> dict[str, dict[str, str]]:
    axes: dict[str, dict[str, str]] = {}
    for job in jobs:
        for key, value in job.values().items():
            if key != _SEED:
                axes.setdefault(key, {})[job.label()] = value
    return axes
