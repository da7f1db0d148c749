"""Everything the report on a sweep says, gathered before a word of it is written.

A row of the sweep is one system; its label is the key of all mappings here and the `system` of all records.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from occpred.findings import Cost, DoseResponse, Fact, FailedJob, PairedTest, Verdict
from occpred.records import CalibrationBin
from occpred.report.data import Results


@dataclass(frozen=True)
class SweepSummary:
    """What was swept. `started` is an ISO 8601 time, `config` the configuration that all runs share, as YAML.

    `num_jobs` counts the failed jobs too; `device` names what the jobs ran on.
    """

    name: str
    question: str
    command: str
    signature: str
    started: str
    git_commit: str
    config: str
    device: str
    num_jobs: int
    seeds: tuple[int, ...]
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Axis:
    """One setting that the sweep varies, such as `lora.rank`, and its value in each row, as text.

    Failed rows have a value too; rows without the setting, such as baselines, have none.
    """

    name: str
    values: Mapping[str, str]

    @cached_property
    def levels(self) -> tuple[str, ...]:
        """The values that were tried: numbers from small to large, others in the order of the rows."""
        tried = tuple(dict.fromkeys(self.values.values()))
        return tuple(sorted(tried, key=float)) if is_numeric(tried) else tried


def is_numeric(levels: Sequence[str]) -> bool:
    """Whether all values are finite numbers."""
    try:
        return all(math.isfinite(float(level)) for level in levels)
    except ValueError:
        return False


@dataclass(frozen=True)
class SweepData:
    """One sweep's report.

    Attributes:
        summary: what was swept.
        data: what people the rows rest on, and who was set aside, a sentence for each source.
        results: one `SystemMetrics` for each row and group, all seeds pooled.
        reference: the row that the others are held against.
        significance: a test finds a difference where its adjusted p is below this.
        not_compared: the rows whose examples are not those of the reference.
        tests: the differences; the metrics they test are also those that the figures show.
        costs: what each row took.
        row_seeds: the seeds that each row pools.
        failures: the jobs that ended without a result; `label` is the row that a job belongs to.
        verdicts: what became of the paper's claims.
        facts: numbers worth a sentence.
        doses: how the metrics of a row depend on the marks of its reasons.
        calibrations: how often each row is right, by confidence.
        axes: what the sweep varies.
    """

    summary: SweepSummary
    results: Results
    reference: str
    significance: float
    data: tuple[str, ...] = ()
    tests: tuple[PairedTest, ...] = ()
    not_compared: tuple[str, ...] = ()
    costs: Mapping[str, Cost] = field(default_factory=dict)
    row_seeds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    failures: tuple[FailedJob, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    facts: tuple[Fact, ...] = ()
    doses: Mapping[str, tuple[DoseResponse, ...]] = field(default_factory=dict)
    calibrations: Mapping[str, tuple[CalibrationBin, ...]] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()

    @property
    def varied(self) -> tuple[Axis, ...]:
        """The axes along which rows differ."""
        return tuple(axis for axis in self.axes if len(axis.levels) > 1)

    @property
    def grid(self) -> Mapping[tuple[str, ...], str]:
        """The row at each combination of values of the varied axes; empty where two rows share one."""
        rows = [label for label in self.varied[0].values if all(label in axis.values for axis in self.varied)]
        found = {tuple(axis.values[label] for axis in self.varied): label for label in rows}
        return found if len(found) == len(rows) else {}

    @property
    def lost(self) -> tuple[str, ...]:
        """The rows of which no job gave a result."""
        found = {row.system for row in self.results.rows}
        return tuple(label for label in self.failed_jobs if label not in found)

    @property
    def failed_jobs(self) -> Mapping[str, int]:
        """How many jobs of a row failed, for the rows where some did."""
        return Counter(failure.label for failure in self.failures)
