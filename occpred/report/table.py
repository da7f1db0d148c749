"""A table of systems x metrics, formatted once for terminal, LaTeX and HTML alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from occpred.findings import FEWEST_PERSONS
from occpred.records import Estimate
from occpred.report.data import MetricColumn, PairedDifference, Results

NO_VALUE = "–"
_LARGE = 1e5
GROUP_TITLES = {
    "all": "All test examples",
    "movers": "Movers: the next occupation differs from the last",
    "stayers": "Stayers: the next occupation repeats the last",
}


class Mark(Enum):
    """What a table points out about a cell."""

    NONE = "none"
    BEST = "best"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True)
class Cell:
    """One number as text. `interval` is `[low, high]` and `half_width` half its width; both are empty where unknown.

    `p_value` and `p_adjusted` are those of a test of no difference, empty where none was made.
    """

    value: str = NO_VALUE
    interval: str = ""
    half_width: str = ""
    mark: Mark = Mark.NONE
    p_value: str = ""
    p_adjusted: str = ""


@dataclass(frozen=True)
class Row:
    """A system and its cells, one a column, over `count` examples."""

    label: str
    cells: tuple[Cell, ...]
    count: int


@dataclass(frozen=True)
class Table:
    """Rows of systems under metric columns, for the `count` examples of `group`: as many as the largest row has."""

    group: str
    title: str
    count: int
    columns: tuple[MetricColumn, ...]
    rows: tuple[Row, ...]

    @property
    def counts(self) -> str:
        """How many examples the rows rest on: `8`, or `7–8` where not all on as many; rows without any are left out."""
        counts = [row.count for row in self.rows if row.count] or [self.count]
        fewest, most = f"{min(counts):,}", f"{max(counts):,}"
        return most if fewest == most else f"{fewest}–{most}"


def metric_tables(results: Results) -> tuple[Table, ...]:
    """One table for each group of examples; the best value of each column is marked."""
    return tuple(_metric_table(results, group) for group in results.groups)


def _metric_table(results: Results, group: str) -> Table:
    systems = results.of_group(group)
    columns = tuple(column for column in results.columns if any(column.name in row.metrics for row in results.rows))
    cells_by_column = {
        column: column_cells(column, [system.metrics.get(column.name) for system in systems], best_marks)
        for column in columns
    }
    counts = [max((estimate.n for estimate in system.metrics.values()), default=0) for system in systems]
    return make_table(group, group_title(group), [system.system for system in systems], counts, cells_by_column)


def difference_tables(results: Results) -> tuple[Table, ...]:
    """One table for each system and group: what it gains or loses against each reference, on the same examples.

    A difference is marked where `verdict` finds one.
    """
    pairs = dict.fromkeys((difference.system, difference.group) for difference in results.differences)
    return tuple(
        _difference_table(
            results.columns, [entry for entry in results.differences if (entry.system, entry.group) == pair]
        )
        for pair in pairs
    )


def _difference_table(columns: Sequence[MetricColumn], differences: Sequence[PairedDifference]) -> Table:
    system, group = differences[0].system, differences[0].group
    references = list(dict.fromkeys(entry.reference for entry in differences))
    found = {(entry.reference, entry.metric): entry.estimate for entry in differences}
    cells_by_column = {
        column: column_cells(
            column, [found.get((reference, column.name)) for reference in references], zero_marks, signed=True
        )
        for column in columns
        if any(entry.metric == column.name for entry in differences)
    }
    labels = [f"{system} − {reference}" for reference in references]
    counts = [max(entry.estimate.n for entry in differences if entry.reference == other) for other in references]
    return make_table(group, group_title(group), labels, counts, cells_by_column)


def make_table(
    group: str,
    title: str,
    labels: Sequence[str],
    counts: Sequence[int],
    cells_by_column: Mapping[MetricColumn, Sequence[Cell]],
) -> Table:
    """Turn columns of cells into rows; `labels` and `counts` (of examples) are the rows', from the top."""
    rows = (
        Row(label, tuple(cells[position] for cells in cells_by_column.values()), count)
        for position, (label, count) in enumerate(zip(labels, counts, strict=True))
    )
    return Table(group, title, max(counts, default=0), tuple(cells_by_column), tuple(rows))


Marker = Callable[[MetricColumn, Sequence[Estimate | None], Sequence[str]], list[Mark]]
"""Gives the marks of a column from its estimates and their texts."""


def column_cells(
    column: MetricColumn, estimates: Sequence[Estimate | None], marker: Marker, *, signed: bool = False
) -> list[Cell]:
    """Write a column's estimates, all with the same number of decimals."""
    known = [estimate for estimate in estimates if estimate is not None]
    places = decimals(column, [estimate.value for estimate in known])
    texts = [NO_VALUE if entry is None else number(entry.value, places, signed=signed) for entry in estimates]
    cells = []
    for estimate, text, mark in zip(estimates, texts, marker(column, estimates, texts), strict=True):
        if estimate is None or not has_interval(estimate):
            cells.append(Cell(text, mark=mark))
            continue
        half_width = (estimate.high - estimate.low) / 2
        cells.append(Cell(text, interval(estimate, places), number(half_width, places), mark))
    return cells


def best_marks(column: MetricColumn, estimates: Sequence[Estimate | None], texts: Sequence[str]) -> list[Mark]:
    """Mark the best value and all that look equal to it; nothing where there is nothing to choose between."""
    known = [
        (estimate.value, text)
        for estimate, text in zip(estimates, texts, strict=True)
        if estimate is not None and not math.isnan(estimate.value)
    ]
    if len({text for _, text in known}) < 2:
        return [Mark.NONE for _ in texts]
    _, best = max(known) if column.higher_is_better else min(known)
    return [Mark.BEST if text == best else Mark.NONE for text in texts]


def zero_marks(column: MetricColumn, estimates: Sequence[Estimate | None], texts: Sequence[str]) -> list[Mark]:
    """Mark the differences that `verdict` finds."""
    return [Mark.NONE if estimate is None else verdict(column, estimate) for estimate in estimates]


def verdict(column: MetricColumn, difference: Estimate) -> Mark:
    """Better or worse where the interval of a difference excludes zero, unless it rests on too few people to tell.

    An interval not known excludes nothing.
    """
    found = difference.persons >= FEWEST_PERSONS and (difference.low > 0 or difference.high < 0)
    return direction(column, difference) if found else Mark.NONE


def direction(column: MetricColumn, difference: Estimate) -> Mark:
    """Whether a difference other than zero is one for the better or for the worse."""
    return Mark.BETTER if (difference.value > 0) == column.higher_is_better else Mark.WORSE


def heading(column: MetricColumn) -> str:
    """A column's label with its unit and, on the same line, an arrow towards the better end."""
    unit = " (%)" if column.percent else ""
    return f"{column.label}{unit}\N{NO-BREAK SPACE}{'↑' if column.higher_is_better else '↓'}"


def group_title(group: str) -> str:
    """What a group of examples is called in a heading."""
    return GROUP_TITLES.get(group, group)


def decimals(column: MetricColumn, values: Sequence[float]) -> int:
    """How many decimals a column needs: one for percentages, else the fewer the larger its largest value is."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if column.percent or 10 <= largest < 1000:
        return 1
    return 3 if largest < 10 else 0


def number(value: float, places: int, *, signed: bool = False) -> str:
    """A metric's value as text, with a true minus sign; a large one, such as a perplexity, to four digits."""
    if math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    sign = "+" if signed else ""
    if abs(value) >= _LARGE:
        digits, _, exponent = f"{value:{sign}.3e}".partition("e")
        return f"{digits}e{int(exponent)}".replace("-", "−")
    return f"{value:{sign},.{places}f}".replace("-", "−")


def has_interval(estimate: Estimate) -> bool:
    """Whether both ends of the interval are known."""
    return not (math.isnan(estimate.low) or math.isnan(estimate.high))


def interval(estimate: Estimate, places: int) -> str:
    """An interval as text, `[low, high]`."""
    return f"[{number(estimate.low, places)}, {number(estimate.high, places)}]"
