"""The figure of a sweep over one setting: a metric against the values that were tried."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.records import Estimate
from occpred.report.data import MetricColumn
from occpred.report.drawing import ACCENT, MUTED, Drawing, draw
from occpred.report.figures import WIDTH, label_rows, rows_height, two_lines, whisker
from occpred.report.sweep_data import Axis, SweepData, is_numeric
from occpred.report.table import decimals, interval, number
from occpred.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 10.0
"""Numbers whose largest is this many times the smallest are shown on a logarithmic scale."""


@dataclass(frozen=True)
class Series:
    """One group's estimates at the values of an axis, and how they are drawn."""

    group: str
    estimates: Mapping[str, Estimate]
    marker: str
    colour: str
    shift: float
    """From the value's place, in hundredths of the axis, so that intervals of two groups stand side by side."""


def ablation(data: SweepData, axis: Axis, column: MetricColumn, position: int) -> Drawing:
    """One metric at each value of an axis, on the headline group and on all examples, with intervals.

    Numbers stand on a scale from left to right, other values in a list from the top. A dashed line is the reference,
    where that row is not on the axis.

    Args:
        data: the sweep.
        axis: along which its rows differ.
        column: the metric.
        position: numbers the figure among those of its page.
    """
    groups = [group for group in dict.fromkeys((data.results.headline_group, "all")) if group in data.results.groups]
    series = [
        Series(group, _estimates(data, axis, column, group), marker, colour, shift)
        for group, (marker, colour, shift) in zip(groups, (("o", ACCENT, -0.8), ("s", MUTED, 0.8)), strict=False)
    ]
    numeric = is_numeric(axis.levels)
    places, scale = positions([float(level) for level in axis.levels]) if numeric else ([*range(len(axis.levels))], "")
    unit = " (%)" if column.percent else ""
    level_line = _reference(data, axis, column)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for entry in series:
            _plot(axes, dict(zip(axis.levels, places, strict=True)), entry, upright=numeric)
        _reference_line(axes, level_line, two_lines(one_line(data.reference)), upright=numeric)
        if numeric:
            axes.set_xticks(places, axis.levels)
            axes.grid(axis="y")
            axes.set(xlabel=one_line(axis.name) + scale, ylabel=f"{column.label}{unit}")
        else:
            label_rows(axes, [one_line(level) for level in axis.levels])
            axes.set_xlabel(f"{column.label}{unit}")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)

    untold = [level for level in axis.levels if not any(level in entry.estimates for entry in series)]
    missing = f" No result for {', '.join(map(one_line, untold))}." if untold else ""
    sentences = [_sentence(entry, axis.levels, column) for entry in series]
    dashed = f" The dashed line is {one_line(data.reference)} on {groups[0]}." if level_line else ""
    return draw(
        paint,
        name=f"ablation-{position}",
        title=f"{column.label} by {axis.name}",
        description=f"Values with intervals{unit}. {' '.join(sentences)}{missing}",
        caption=f"{column.label} by {one_line(axis.name)}{scale}, with intervals.{dashed}{missing}",
        size=(WIDTH, 3.4 if numeric else rows_height(len(axis.levels)) + 0.3),
    )


def positions(numbers: Sequence[float]) -> tuple[list[float], str]:
    """Where numbers, from small to large, stand on an axis, and what the axis is to be called besides its name.

    On their own scale, or a logarithmic one where they are far apart; evenly where some of those are not positive.
    """
    sizes = [abs(entry) for entry in numbers if entry]
    if not sizes or max(sizes) < WIDE * min(sizes):
        return list(numbers), ""
    if numbers[0] > 0:
        return [math.log10(entry) for entry in numbers], " (log scale)"
    return [float(place) for place in range(len(numbers))], " (not to scale)"


def _estimates(data: SweepData, axis: Axis, column: MetricColumn, group: str) -> dict[str, Estimate]:
    rows = {row.system: row.metrics for row in data.results.of_group(group)}
    return {
        level: rows[label][column.name]
        for label, level in axis.values.items()
        if label in rows and column.name in rows[label]
    }


def _reference(data: SweepData, axis: Axis, column: MetricColumn) -> Estimate | None:
    rows = {row.system: row.metrics for row in data.results.of_group(data.results.headline_group)}
    return None if data.reference in axis.values else rows.get(data.reference, {}).get(column.name)


def _plot(axes: Axes, places: Mapping[str, float], series: Series, *, upright: bool) -> None:
    known = [(place, series.estimates[level]) for level, place in places.items() if level in series.estimates]
    length = max(places.values()) - min(places.values())
    along = [place + series.shift * length / 100 for place, _ in known]
    for place, (_, estimate) in zip(along, known, strict=True):
        line = ([place, place], whisker(estimate))
        axes.plot(*(line if upright else line[::-1]), color=series.colour, linewidth=1.6)
    points = (along, [estimate.value for _, estimate in known])
    joined = {"linestyle": "-", "linewidth": 1.0} if upright else {"linestyle": "none"}
    axes.plot(
        *(points if upright else points[::-1]),
        marker=series.marker,
        markersize=5.5,
        color=series.colour,
        label=series.group,
        **joined,
    )


def _reference_line(axes: Axes, estimate: Estimate | None, label: str, *, upright: bool) -> None:
    if estimate is not None:
        line = axes.axhline if upright else axes.axvline
        line(estimate.value, color=MUTED, linewidth=1, linestyle=(0, (4, 4)), label=label)


def _sentence(series: Series, levels: Sequence[str], column: MetricColumn) -> str:
    places = decimals(column, [estimate.value for estimate in series.estimates.values()])
    values = (
        f"{level}: {number(series.estimates[level].value, places)} {interval(series.estimates[level], places)}"
        for level in levels
        if level in series.estimates
    )
    return f"{series.group}: {'; '.join(values)}."
