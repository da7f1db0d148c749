"""The results of a sweep in the terminal: its tables, what failed, and the verdicts."""

from __future__ import annotations

from dataclasses import replace

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from occpred.report.sweep_data import SweepData
from occpred.report.sweep_tables import comparison_tables, not_compared, row_notes, system_tables
from occpred.report.table import Table
from occpred.report.terminal import print_legend, print_table
from occpred.report.text import one_line
from occpred.report.verdicts import SIGNS, grounds

LEGEND = (
    "p is that of a test of no difference, after Holm's correction for the number of systems; ▲ better and ▼ worse "
    "where it is below {significance:g}."
)


def print_sweep(data: SweepData, console: Console | None = None) -> None:
    """Print the headline group and all examples, differences to the reference, failed jobs and verdicts.

    The columns are those of `data.results`, cut into blocks where the terminal is narrow.
    """
    console = console or Console()
    groups = (data.results.headline_group, "all")
    shown = [table for table in system_tables(data) if table.group in groups and table.columns]
    for table in sorted(shown, key=lambda table: groups.index(table.group)):
        print_table(_annotated(table, data), console)
    compared = [table for table in comparison_tables(data) if table.group in groups and table.columns]
    for table in sorted(compared, key=lambda table: groups.index(table.group)):
        print_table(table, console)
    if shown:
        print_legend(data.results, console)
    if compared:
        console.print(Text(LEGEND.format(significance=data.significance), style="dim"))
    if others := not_compared(data):
        console.print(Text(one_line(others), style="dim"))
    _print_failures(data, console)
    _print_verdicts(data, console)


def _annotated(table: Table, data: SweepData) -> Table:
    notes = row_notes(data)
    labels = [f"{row.label} ({notes[row.label]})" if row.label in notes else row.label for row in table.rows]
    return replace(table, rows=tuple(replace(row, label=label) for row, label in zip(table.rows, labels, strict=True)))


def _print_failures(data: SweepData, console: Console) -> None:
    if not data.failures:
        return
    console.print(Text(f"\n{len(data.failures):,} of {data.summary.num_jobs:,} runs failed", style="bold"))
    for failure in data.failures:
        overrides = f" ({' '.join(failure.overrides)})" if failure.overrides else ""
        console.print(Padding(Text(one_line(f"{failure.label}{overrides}: {failure.reason}")), (0, 0, 0, 2)))
    console.print(Text("The same command runs only what is missing.", style="dim"))


def _print_verdicts(data: SweepData, console: Console) -> None:
    for verdict in data.verdicts:
        console.print()
        console.print(
            Text.assemble(
                f"{SIGNS[verdict.outcome]} ({one_line(verdict.claim)}) {one_line(verdict.statement)} ",
                (f"{verdict.outcome.value.capitalize()}.", "bold"),
            )
        )
        for sentence in (*verdict.figures, grounds(verdict)):
            console.print(Padding(Text(one_line(sentence)), (0, 0, 0, 2)))
