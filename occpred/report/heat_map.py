"""A sweep over two settings as a map: the headline metric at each pair of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from occpred.records import Estimate
from occpred.report.data import MetricColumn
from occpred.report.sweep_data import SweepData
from occpred.report.table import Cell, best_marks, column_cells

FAINTEST, STRONGEST = 6, 45
"""Shades of the worst and the best value, in percent of the accent colour: text stays readable on the strongest."""


@dataclass(frozen=True)
class Square:
    """One pair of values: its number as text with its shade in percent, or why there is none."""

    cell: Cell
    shade: int = 0
    missing: str = ""


@dataclass(frozen=True)
class HeatMap:
    """A row of squares for each value of the setting `down`, a square for each value of the setting `across`."""

    column: MetricColumn
    group: str
    down: str
    across: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]


def heat_map(data: SweepData) -> HeatMap | None:
    """Lay out the headline metric on the headline group; the better, the stronger the shade.

    Returns:
        `None` unless rows differ along exactly two axes and no two rows share both values.
    """
    if len(data.varied) != 2 or not (label_at := data.grid):
        return None
    down, across = data.varied
    column, group = data.results.columns[0], data.results.headline_group
    found = {row.system: row.metrics[column.name] for row in data.results.headline_rows}
    pairs = [(row, entry) for row in down.levels for entry in across.levels]
    estimates = [found.get(label_at.get(pair, "")) for pair in pairs]
    squares = {
        pair: Square(cell, shade) if estimate else Square(cell, missing=_missing(data, label_at.get(pair)))
        for pair, estimate, cell, shade in zip(
            pairs, estimates, column_cells(column, estimates, best_marks), _shades(column, estimates), strict=True
        )
    }
    rows = tuple((row, tuple(squares[row, entry] for entry in across.levels)) for row in down.levels)
    return HeatMap(column, group, down.name, across.name, across.levels, rows)


def _missing(data: SweepData, label: str | None) -> str:
    if label is None:
        return "not run"
    return "failed" if label in data.failed_jobs else "no result"


def _shades(column: MetricColumn, estimates: Sequence[Estimate | None]) -> list[int]:
    sign = 1 if column.higher_is_better else -1
    worths = [math.nan if entry is None else sign * entry.value for entry in estimates]
    known = [worth for worth in worths if math.isfinite(worth)]
    if not known:
        return [0 for _ in worths]
    worst, span = min(known), (max(known) - min(known)) or 1.0
    return [
        round(FAINTEST + (STRONGEST - FAINTEST) * (worth - worst) / span) if math.isfinite(worth) else 0
        for worth in worths
    ]
