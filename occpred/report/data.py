"""Everything a report says, gathered before a word of it is written.

`Results` alone (systems x metric columns, for groups of examples) feeds the tables and the forest figure, so a report
on one run and a report on many runs differ only in who fills the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from occpred.findings import Certainty
from occpred.records import (
    CalibrationBin,
    Estimate,
    JudgeScores,
    NextOccupationExample,
    RejectedRow,
    SystemMetrics,
)
from occpred.report.reason_data import JudgingSummary, ReasonSummary, by_kind
from occpred.report.text import one_line


@dataclass(frozen=True)
class MetricColumn:
    """How one metric is shown. `percent` says that its values are percentages, 0 to 100; `explanation` what it is."""

    name: str
    label: str
    percent: bool
    higher_is_better: bool
    explanation: str = ""


@dataclass(frozen=True)
class PairedDifference:
    """`system` minus `reference` on the same examples of `group`, with its interval, in the units of the metric."""

    system: str
    reference: str
    group: str
    metric: str
    estimate: Estimate


@dataclass(frozen=True)
class Results:
    """The numbers: one `SystemMetrics` for each system and group, in the order in which they are to be read.

    The first column is the headline metric and `headline_group` the group it is first reported on. `interval_note`
    says as a noun phrase what the intervals are: `95% intervals by bootstrap over persons`.
    """

    columns: tuple[MetricColumn, ...]
    rows: tuple[SystemMetrics, ...]
    differences: tuple[PairedDifference, ...] = ()
    headline_group: str = "movers"
    interval_note: str = "95% intervals"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of examples, in the order of their first row."""
        return tuple(dict.fromkeys(row.group for row in self.rows))

    def of_group(self, group: str) -> tuple[SystemMetrics, ...]:
        """The rows of one group."""
        return tuple(row for row in self.rows if row.group == group)

    @property
    def headline_rows(self) -> tuple[SystemMetrics, ...]:
        """The rows of the headline group that have the headline metric."""
        return tuple(row for row in self.of_group(self.headline_group) if self.columns[0].name in row.metrics)

    def column(self, name: str) -> MetricColumn:
        """The column of a metric; one that has none is shown by its name, as a plain number."""
        shown = {column.name: column for column in self.columns}
        return shown.get(name, MetricColumn(name, one_line(name), percent=False, higher_is_better=True))


@dataclass(frozen=True)
class StageRun:
    """One stage as it was run: its artifact's signature, wall-clock seconds and peak memory (`None`: not measured)."""

    stage: str
    signature: str
    seconds: float
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class RunSummary:
    """What was run. `started` is an ISO 8601 time; `config` is the configuration as YAML."""

    experiment: str
    question: str
    command: str
    signature: str
    started: str
    git_commit: str
    backbone: str
    lora: str
    config: str
    seeds: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    stages: tuple[StageRun, ...] = ()


@dataclass(frozen=True)
class SplitSummary:
    """The size of one split. `stays` counts the examples whose target repeats the last occupation."""

    name: str
    people: int
    examples: int
    stays: int

    @classmethod
    def count(cls, name: str, examples: Sequence[NextOccupationExample]) -> SplitSummary:
        """Count the people, examples and stays of a split."""
        people = len({example.person_id for example in examples})
        return cls(name, people, len(examples), stays=sum(not example.is_move for example in examples))


@dataclass(frozen=True)
class DataSummary:
    """The data a run stood on. `read_unit` names what `rows_read` and `rejected` count (`person`, `position`)."""

    taxonomy: str
    occupations: int
    people: int
    rows_read: int
    splits: tuple[SplitSummary, ...]
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    rejected: tuple[RejectedRow, ...] = ()
    read_unit: str = "row"

    def rejections(self) -> dict[str, list[RejectedRow]]:
        """The rejected rows by the kind of fault (their reason up to its colon), most frequent kind first."""
        return by_kind(self.rejected)


@dataclass(frozen=True)
class CurvePoint:
    """One logged value after `step` optimizer steps."""

    step: int
    value: float


@dataclass(frozen=True)
class TrainingCurves:
    """How one model's training went. `validation_metric` is in the units of `validation_column`."""

    title: str
    train_loss: tuple[CurvePoint, ...]
    validation_loss: tuple[CurvePoint, ...] = ()
    validation_metric: tuple[CurvePoint, ...] = ()
    validation_column: MetricColumn | None = None


@dataclass(frozen=True)
class ScoredOccupation:
    """One candidate occupation and its closed-set probability."""

    code: str
    probability: float


@dataclass(frozen=True)
class WorkedExample:
    """One question and a system's answer to it: the most probable occupations, best first.

    `target_rank` is the rank of the true occupation among all candidates, from 1.
    """

    example: NextOccupationExample
    top: tuple[ScoredOccupation, ...]
    target_rank: int
    reason: str = ""
    scores: JudgeScores | None = None


@dataclass(frozen=True)
class ReportData:
    """One run's report. `titles` maps occupation codes to official titles, for the histories and answers shown."""

    run: RunSummary
    data: DataSummary
    results: Results
    titles: Mapping[str, str]
    reasons: ReasonSummary | None = None
    judging: JudgingSummary | None = None
    training: tuple[TrainingCurves, ...] = ()
    calibration: tuple[CalibrationBin, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    certainty: Certainty | None = None
    """What is certain of the model's measures; `None` where all of them are exact."""
