"""The tables of a sweep: one row a system, and what each gains or loses against the reference."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from occpred.findings import Fact, PairedTest
from occpred.report.data import MetricColumn
from occpred.report.sweep_data import SweepData
from occpred.report.table import (
    NO_VALUE,
    Cell,
    Mark,
    Row,
    Table,
    best_marks,
    column_cells,
    direction,
    group_title,
    make_table,
    metric_tables,
    zero_marks,
)


def system_tables(data: SweepData) -> tuple[Table, ...]:
    """One table for each group of examples; systems without any result stand last, without values."""
    return tuple(
        replace(table, rows=table.rows + tuple(Row(label, (Cell(),) * len(table.columns), 0) for label in data.lost))
        for table in metric_tables(data.results)
    )


def comparison_tables(data: SweepData) -> tuple[Table, ...]:
    """One table for each reference and group: differences with their intervals and p-values.

    A difference is marked where the test finds one after its p-value was adjusted for the number of systems.
    """
    kinds = dict.fromkeys((test.reference, test.group) for test in data.tests)
    return tuple(
        _comparison_table(data, [test for test in data.tests if (test.reference, test.group) == kind]) for kind in kinds
    )


def _comparison_table(data: SweepData, tests: Sequence[PairedTest]) -> Table:
    reference, group = tests[0].reference, tests[0].group
    systems = list(dict.fromkeys(test.system for test in tests))
    found = {(test.system, test.metric): test for test in tests}
    cells_by_column = {
        column: _test_cells(column, [found.get((system, column.name)) for system in systems], data.significance)
        for column in data.results.columns
        if any(test.metric == column.name for test in tests)
    }
    counts = [max(test.difference.n for test in tests if test.system == system) for system in systems]
    return make_table(group, f"Difference to {reference}. {group_title(group)}", systems, counts, cells_by_column)


def _test_cells(column: MetricColumn, tests: Sequence[PairedTest | None], significance: float) -> list[Cell]:
    marks = [
        direction(column, test.difference) if test and test.p_adjusted < significance else Mark.NONE for test in tests
    ]
    cells = column_cells(column, [test.difference if test else None for test in tests], lambda *_: marks, signed=True)
    return [
        replace(cell, p_value=p_text(test.p_value), p_adjusted=p_text(test.p_adjusted)) if test else cell
        for cell, test in zip(cells, tests, strict=True)
    ]


def p_text(probability: float) -> str:
    """A p-value as text, to three decimals."""
    if math.isnan(probability):
        return NO_VALUE
    return "<0.001" if probability < 0.001 else f"{probability:.3f}"


def not_compared(data: SweepData) -> str:
    """Say which rows are not held against the reference, and why; empty where all are."""
    others = "; ".join(data.not_compared)
    return f"Not compared with {data.reference}, for other people were asked: {others}." if others else ""


def names_of_tests(data: SweepData) -> Mapping[str, str]:
    """By the label of each metric that is tested, the names of its tests."""
    names = {
        column.label: dict.fromkeys(test.test for test in data.tests if test.metric == column.name)
        for column in data.results.columns
    }
    return {label: ", ".join(tests) for label, tests in names.items() if tests}


def row_notes(data: SweepData) -> Mapping[str, str]:
    """What stands beside the labels of some rows: which is the reference, and how many of its jobs failed."""
    notes = {label: f"{number} failed {'job' if number == 1 else 'jobs'}" for label, number in data.failed_jobs.items()}
    note = notes.get(data.reference)
    return notes | {data.reference: f"reference, {note}" if note else "reference"}


@dataclass(frozen=True)
class SlopeRow:
    """How much a metric changes for one mark more of a criterion: over all answers, and within a person's."""

    system: str
    criterion: str
    metric: str
    count: int
    overall: Cell
    within: Cell


def slope_rows(data: SweepData) -> tuple[SlopeRow, ...]:
    """All slopes; one is marked where its interval excludes zero, and it rests on enough people."""
    rows = []
    for system, doses in data.doses.items():
        for dose in doses:
            column = data.results.column(dose.metric)
            overall, within = column_cells(column, [dose.slope, dose.within], zero_marks, signed=True)
            rows.append(SlopeRow(system, dose.criterion, column.label, dose.slope.n, overall, within))
    return tuple(rows)


def fact_cell(fact: Fact) -> Cell:
    """A fact's number as text."""
    (cell,) = column_cells(MetricColumn("", "", percent=False, higher_is_better=True), [fact.estimate], best_marks)
    return cell
