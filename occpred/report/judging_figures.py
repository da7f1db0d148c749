"""Figures on how far a judge's marks can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from occpred.findings import MARKS, MarkTrend
from occpred.report.drawing import ACCENT, MUTED, Drawing, draw
from occpred.report.figures import WIDTH, whisker
from occpred.report.judging_tables import correlation_cell
from occpred.report.table import interval, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def marks_by_length(trends: Sequence[MarkTrend]) -> Drawing:
    """Mean mark by the number of words, a plot for each criterion; there is at least one."""

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(trends), sharex=True, sharey=True, squeeze=False)[0]
        for axes, trend in zip(panels, trends, strict=True):
            _trend(axes, trend)
            axes.set_title(trend.criterion.capitalize())
        panels[0].set(ylim=(MARKS[0] - 0.2, MARKS[-1] + 0.2), yticks=MARKS)
        figure.supxlabel("words of the reason", color=MUTED, size=10)
        figure.supylabel("mean mark (5 is best)", color=MUTED, size=10)

    return draw(
        paint,
        name="marks-by-length",
        title="Marks by length of the reasons",
        description=f"Mean marks with intervals. {' '.join(map(_sentence, trends))}",
        caption="Mean mark by length, with intervals: each dot stands for about as many reasons. A judge that pays no "
        "heed to length gives a level line, unless longer reasons are better ones.",
        size=(WIDTH, 3.1),
    )


def _trend(axes: Axes, trend: MarkTrend) -> None:
    for point in trend.points:
        axes.plot([point.place, point.place], whisker(point.mark), color=ACCENT, linewidth=1.6)
    places = [point.place for point in trend.points]
    axes.plot(places, [point.mark.value for point in trend.points], "o-", color=ACCENT, markersize=4.5, linewidth=1)
    axes.grid(axis="y")


def _sentence(trend: MarkTrend) -> str:
    points = "; ".join(
        f"{point.place:.0f} words: {number(point.mark.value, 2)} {interval(point.mark, 2)}" for point in trend.points
    )
    correlation = correlation_cell(trend.correlation)
    return f"{trend.criterion.capitalize()}, at {points}; rank correlation {correlation.value} {correlation.interval}."
