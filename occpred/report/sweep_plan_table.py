"""What would be made, on the terminal, before anything is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class PlannedPhase:
    """One row.

    Attributes:
        name: the phase.
        differs_in: how many values of which axes its jobs are for, by the axis's key.
        jobs: how many would be launched.
        to_make: stages that are missing.
        found: stages that are there already.
        hours: how long those stages may take, one after the other, that there is anything to tell by.
        gpu_hours: the same, times the GPUs that they keep busy.
        unknown: how many of the missing stages there is nothing to tell by.
    """

    name: str
    differs_in: dict[str, int]
    jobs: int
    to_make: int
    found: int
    hours: float
    gpu_hours: float
    unknown: int


@dataclass(frozen=True)
class PlannedSweep:
    """All rows, and what they come to.

    Attributes:
        phases: the rows.
        runs: how many runs the sweep has; 1 where it is no sweep.
        waves: how often jobs would be launched.
        jobs_alone: how many there would be if each run made all that it needs itself.
        hours_side_by_side: from start to end, with a machine for every job of a wave.
        unknown: names of stages that there is nothing to tell by.
        store: where earlier runs were looked for.
    """

    phases: tuple[PlannedPhase, ...]
    runs: int
    waves: int
    jobs_alone: int
    hours_side_by_side: float
    unknown: tuple[str, ...]
    store: str

    def total(self, column: str) -> float:
        """The sum of a column."""
        total: float = sum(getattr(phase, column) for phase in self.phases)
        return total


def print_plan(plan: PlannedSweep, console: Console | None = None) -> None:
    """Print the table, how much is shared, and what the hours are taken from."""
    console = console or Console()
    console.print(_table(plan))
    for line in _remarks(plan):
        console.print(Text(line))
    console.print("plan: nothing was made; say plan=false to go on")


def _table(plan: PlannedSweep) -> Table:
    is_sweep = plan.runs > 1
    table = Table("phase", *(["differs in"] if is_sweep else []), title="Stages to make")
    for name in (*(["jobs"] if is_sweep else []), "to make", "there", "hours", "GPU hours"):
        table.add_column(name, justify="right")
    for phase in plan.phases:
        axes = ", ".join(f"{axis} ({values})" for axis, values in phase.differs_in.items())
        sweeps = [axes, f"{phase.jobs:,}"] if is_sweep else []
        hours = [_hours(each, phase.to_make, phase.unknown) for each in (phase.hours, phase.gpu_hours)]
        table.add_row(*map(Text, (phase.name, *sweeps, f"{phase.to_make:,}", f"{phase.found:,}", *hours)))
    table.add_section()
    to_make, unknown = int(plan.total("to_make")), int(plan.total("unknown"))
    sums = [_hours(plan.total(column), to_make, unknown) for column in ("hours", "gpu_hours")]
    counts = [f"{plan.total(column):,.0f}" for column in ("jobs", "to_make", "found")]
    table.add_row("all", *(["", counts[0]] if is_sweep else []), *counts[1:], *sums)
    return table


def _hours(hours: float, stages: int, unknown: int) -> str:
    if unknown and unknown == stages:
        return "unknown"
    known = f"{hours:,.2f}" if hours >= 0.005 or not hours else "< 0.01"
    return f"{known} + unknown" if unknown else known


def _remarks(plan: PlannedSweep) -> Sequence[str]:
    to_make, jobs = plan.total("to_make"), plan.total("jobs")
    if not to_make:
        return ["all of it is there already"]
    remarks = []
    if plan.runs > 1:
        remarks.append(
            f"{_count(jobs, 'job')} would be launched in {_count(plan.waves, 'wave')}, "
            f"{plan.jobs_alone:,} if each of the {plan.runs:,} runs did everything itself"
        )
    unknown = int(plan.total("unknown"))
    if unknown < to_make:
        remarks.append(
            "hours: medians over finished stages of the same name, backbone and components in "
            f"{plan.store}; not adjusted for amounts of data or training"
        )
        if plan.runs > 1 and not unknown:
            hours = _hours(plan.hours_side_by_side, 1, 0)
            remarks.append(f"from start to end: {hours} hours, where all jobs of a wave run side by side")
    if unknown:
        remarks.append(f"unknown for {_count(unknown, 'stage')} ({', '.join(plan.unknown)}): none like it is there yet")
    return remarks


def _count(number: float, noun: str) -> str:
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"
