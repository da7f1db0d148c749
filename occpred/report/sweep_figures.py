"""The figures of a sweep that hold several systems, or several criteria, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from occpred.findings import MARKS, DoseResponse
from occpred.records import CalibrationBin
from occpred.report.data import MetricColumn
from occpred.report.drawing import ACCENT, MUTED, Drawing, draw
from occpred.report.figures import WIDTH, two_lines, whisker
from occpred.report.table import decimals, interval, number
from occpred.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = 3
"""How many small calibration plots stand side by side; more would be unreadable on a phone."""


def calibrations(bins: Mapping[str, Sequence[CalibrationBin]]) -> Drawing:
    """Share of right answers by the probability given to them, a small plot for each system.

    Args:
        bins: by system; at least one.
    """
    filled = {one_line(system): [entry for entry in entries if entry.count] for system, entries in bins.items()}
    columns = min(PANELS, len(filled))
    rows = math.ceil(len(filled) / columns)
    height = 0.6 + 1.8 * rows

    def paint(figure: Figure) -> None:
        # Looking for the best places would take seconds for the forty systems of a long sweep.
        figure.set_layout_engine("none")
        margins = {"left": 0.13, "right": 0.98, "bottom": 0.55 / height, "top": 1 - 0.4 / height}
        panels = figure.subplots(
            rows,
            columns,
            sharex=True,
            sharey=True,
            squeeze=False,
            gridspec_kw=margins | {"wspace": 0.15, "hspace": 0.4},
        ).flatten()
        for axes, (system, entries) in zip(panels, filled.items(), strict=False):
            _calibration(axes, two_lines(system, longest=22), entries)
        panels[0].set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        for axes in panels[len(filled) :]:
            axes.set_axis_off()
        figure.supxlabel("probability of the first choice", color=MUTED, size=10)
        figure.supylabel("share right", color=MUTED, size=10)

    sentences = (f"{system}: {_points(entries)}." for system, entries in filled.items())
    return draw(
        paint,
        name="calibrations",
        title="Calibration by system",
        description=f"Probability, share right and number of answers of each bin. {' '.join(sentences)}",
        caption="Calibration: on the dashed line, answers given a probability of p are right in a share p of cases. "
        "The larger a dot, the larger its share of the system’s answers.",
        size=(WIDTH, height),
    )


def _calibration(axes: Axes, title: str, entries: Sequence[CalibrationBin]) -> None:
    total = sum(entry.count for entry in entries)
    confidences, accuracies = [entry.confidence for entry in entries], [entry.accuracy for entry in entries]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 4)))
    axes.plot(confidences, accuracies, color=ACCENT, linewidth=1)
    axes.scatter(confidences, accuracies, [8 + 90 * entry.count / total for entry in entries], color=ACCENT)
    axes.set_title(title, size=8)
    axes.tick_params(labelsize=8)
    axes.grid()


def _points(entries: Sequence[CalibrationBin]) -> str:
    return "; ".join(f"{entry.confidence:.2f}, {entry.accuracy:.2f}, {entry.count}" for entry in entries)


def dose_response(system: str, doses: Sequence[DoseResponse], column: MetricColumn, position: int) -> Drawing:
    """One metric by the mark of the reasons that the answers rest on, a plot for each criterion, with slopes.

    Args:
        system: whose answers these are.
        doses: at least one, all for the metric of `column`.
        column: the metric.
        position: numbers the figure among those of its page.
    """
    columns = min(2, len(doses))
    rows = math.ceil(len(doses) / columns)
    unit = " (%)" if column.percent else ""

    def paint(figure: Figure) -> None:
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
        for axes, dose in zip(panels, doses, strict=False):
            _dose(axes, dose)
            axes.set_title(f"{one_line(dose.criterion).capitalize()}\n{_slope(dose, column)}", size=8.5)
        for axes in panels[len(doses) :]:
            axes.set_axis_off()
        figure.supxlabel("mark of the reasons (5 is best)", color=MUTED, size=10)
        figure.supylabel(f"{column.label}{unit}", color=MUTED, size=10)

    return draw(
        paint,
        name=f"dose-{position}",
        title=f"{column.label} of {system} by the marks of its reasons",
        description=f"{column.label}{unit} with intervals. {' '.join(_dose_sentence(dose, column) for dose in doses)}",
        caption=f"{column.label} of {one_line(system)} by the marks of its reasons, with intervals. Above each plot, "
        "the slope over all answers.",
        size=(WIDTH, 0.6 + 1.9 * rows),
    )


def _dose(axes: Axes, dose: DoseResponse) -> None:
    marks = [point.mark for point in dose.points]
    for point in dose.points:
        axes.plot([point.mark, point.mark], whisker(point.response), color=ACCENT, linewidth=1.6)
    axes.plot(marks, [point.response.value for point in dose.points], "o-", color=ACCENT, markersize=5, linewidth=1)
    axes.set(xlim=(MARKS[0] - 0.3, MARKS[-1] + 0.3), xticks=MARKS)
    axes.grid(axis="y")


def _slope(dose: DoseResponse, column: MetricColumn) -> str:
    places = decimals(column, [dose.slope.value])
    return f"{number(dose.slope.value, places, signed=True)} {interval(dose.slope, places)} a mark"


def _dose_sentence(dose: DoseResponse, column: MetricColumn) -> str:
    places = decimals(column, [point.response.value for point in dose.points])
    points = (
        f"{point.mark:.2g}: {number(point.response.value, places)} {interval(point.response, places)}"
        for point in dose.points
    )
    return f"{dose.criterion.capitalize()}, at a mark of {'; '.join(points)}; slope {_slope(dose, column)}."
