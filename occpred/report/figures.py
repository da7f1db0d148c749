"""The figures of a report."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from occpred.findings import CRITERIA, MARKS
from occpred.records import CalibrationBin, Estimate, SystemMetrics
from occpred.report.data import CurvePoint, MetricColumn, TrainingCurves
from occpred.report.drawing import ACCENT, GRID, INK, MUTED, SOFT, Drawing, draw
from occpred.report.reason_data import ReasonSummary
from occpred.report.table import decimals, has_interval, interval, number
from occpred.report.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.9
"""In inches: two drawings fit side by side on a desk, and one stays readable on a phone."""
MAX_POINTS = 150


def forest(systems: Sequence[SystemMetrics], column: MetricColumn, group: str, apart: str) -> Drawing:
    """Each system's value of one metric as a dot on its interval, one system set apart by a diamond.

    Args:
        systems: at least one; all have the metric.
        column: the metric.
        group: what the group of examples is called in a sentence.
        apart: the system set apart.
    """
    shown = [(one_line(system.system), system.metrics[column.name]) for system in systems]
    places = decimals(column, [estimate.value for _, estimate in shown])
    unit = " (%)" if column.percent else ""
    diamond = one_line(apart)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for position, (label, estimate) in enumerate(shown):
            colour, marker = (ACCENT, "D") if label == diamond else (INK, "o")
            axes.plot(whisker(estimate), [position, position], color=colour, linewidth=1.6)
            axes.plot(estimate.value, position, marker, color=colour, markersize=6)
            axes.annotate(
                number(estimate.value, places),
                (1, position),
                xycoords=("axes fraction", "data"),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                color=colour,
            )
        label_rows(axes, [label for label, _ in shown])
        axes.set_xlabel(f"{column.label}{unit}")

    values = (f"{label} {number(estimate.value, places)} {interval(estimate, places)}" for label, estimate in shown)
    return draw(
        paint,
        name="forest",
        title=f"{column.label} on {group}, by system",
        description=f"Values with intervals{unit}: {'; '.join(values)}.",
        caption=f"{column.label} on {group} with intervals."
        + (f" The diamond is {diamond}." if diamond in (label for label, _ in shown) else ""),
        size=(WIDTH, rows_height(len(shown))),
    )


def whisker(estimate: Estimate) -> tuple[float, float]:
    """Both ends of an interval; where it is unknown, the value twice, which draws as nothing."""
    return (estimate.low, estimate.high) if has_interval(estimate) else (estimate.value, estimate.value)


def label_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Make the vertical axis a list from the top, a label for each of 0, 1, 2, ..."""
    wrapped = [two_lines(label) for label in labels]
    axes.set_yticks(range(len(labels)), wrapped, color=INK)
    for tick, label in zip(axes.get_yticklabels(), wrapped, strict=True):
        if "\n" in label:
            tick.set_fontsize(8)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def rows_height(count: int) -> float:
    """The height, in inches, of a drawing with `count` labelled rows above a labelled axis."""
    return 0.75 + 0.33 * count


def two_lines(label: str, longest: int = 24) -> str:
    """Break a long label once, and leave out what does not fit on two lines."""
    return "\n".join(textwrap.wrap(label, longest, max_lines=2, placeholder="…"))


def training_loss(curves: TrainingCurves, position: int) -> Drawing:
    """Training loss by optimizer step, with the validation loss where it was measured."""
    train = averaged(curves.train_loss)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([point.step for point in train], [point.value for point in train], color=MUTED, label="training")
        if curves.validation_loss:
            _points(axes, curves.validation_loss, "validation")
        axes.legend(loc="upper right")
        axes.grid(axis="y")
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("loss per target token (nats)")

    validation = f" {_course('Validation loss', curves.validation_loss)}" if curves.validation_loss else ""
    return draw(
        paint,
        name=f"loss-{position}",
        title=f"Loss of {curves.title}",
        description=_course("Training loss", train) + validation,
        caption=f"Loss of {curves.title} by optimizer step.",
        size=(WIDTH, 3.1),
    )


def training_metric(curves: TrainingCurves, column: MetricColumn, position: int) -> Drawing:
    """The validation metric by optimizer step."""
    unit = " (%)" if column.percent else ""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        _points(axes, curves.validation_metric, column.label)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.set_xlabel("optimizer step")
        axes.set_ylabel(f"validation {column.label}{unit}")

    return draw(
        paint,
        name=f"validation-{position}",
        title=f"Validation {column.label} of {curves.title}",
        description=_course(f"Validation {column.label}{unit}", curves.validation_metric),
        caption=f"Validation {column.label} of {curves.title} by optimizer step.",
        size=(WIDTH, 3.1),
    )


def _points(axes: Axes, points: Sequence[CurvePoint], label: str) -> None:
    steps, values = [point.step for point in points], [point.value for point in points]
    axes.plot(steps, values, "o-", color=ACCENT, markersize=4.5, linewidth=1.4, label=label)


def _course(name: str, points: Sequence[CurvePoint]) -> str:
    if not points:
        return f"{name} was not logged."
    first, last = points[0], points[-1]
    return f"{name}: {first.value:.3g} at step {first.step}, {last.value:.3g} at step {last.step}."


def averaged(points: Sequence[CurvePoint], most: int = MAX_POINTS) -> list[CurvePoint]:
    """At most `most` points: the means of runs of neighbouring points, each run as long as the next."""
    finite = [point for point in points if math.isfinite(point.value)]
    length = max(1, math.ceil(len(finite) / most))
    runs = [finite[start : start + length] for start in range(0, len(finite), length)]
    return [CurvePoint(run[-1].step, sum(point.value for point in run) / len(run)) for run in runs]


def calibration(bins: Sequence[CalibrationBin]) -> Drawing:
    """Share of right answers by the probability given to them, with the number of answers below."""
    filled = [entry for entry in bins if entry.count]

    def paint(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 4)), label="perfect calibration")
        confidences = [entry.confidence for entry in filled]
        above.plot(
            confidences, [entry.accuracy for entry in filled], "o-", color=ACCENT, markersize=5, label="the model"
        )
        above.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share right")
        above.legend(loc="upper left")
        above.grid()
        below.vlines(confidences, 0, [entry.count for entry in filled], color=SOFT, linewidth=9)
        below.set(ylim=(0, None), xlabel="probability of the first choice", ylabel="answers")
        below.grid(axis="y")

    points = "; ".join(
        f"probability {entry.confidence:.2f}, share right {entry.accuracy:.2f}, {entry.count} answers"
        for entry in filled
    )
    return draw(
        paint,
        name="calibration",
        title="Calibration",
        description=f"Bins from least to most probable: {points}.",
        caption="Calibration: on the dashed line, answers given a probability of p are right in a share p of cases.",
        size=(WIDTH, 3.9),
    )


def marks(reasons: ReasonSummary) -> Drawing:
    """How often each mark was given, by criterion: all judged reasons, and those selected."""

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(CRITERIA), sharey=True)
        for axes, criterion in zip(panels, CRITERIA, strict=True):
            axes.bar(MARKS, reasons.judged_marks[criterion], width=0.8, color=SOFT, label="judged")
            axes.bar(MARKS, reasons.selected_marks[criterion], width=0.42, color=ACCENT, label="selected")
            axes.set_title(criterion.capitalize())
            axes.set_xticks(MARKS)
            axes.tick_params(axis="x", length=0)
            axes.grid(axis="y", color=GRID)
        panels[0].set_ylabel("reasons")
        panels[1].set_xlabel("mark (5 is best)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

    sentences = (
        f"{criterion.capitalize()}: judged {', '.join(map(str, reasons.judged_marks[criterion]))}; "
        f"selected {', '.join(map(str, reasons.selected_marks[criterion]))}."
        for criterion in CRITERIA
    )
    return draw(
        paint,
        name="marks",
        title="Marks of the reasons",
        description=f"Counts of the marks 1 to 5. {' '.join(sentences)}",
        caption="Marks from 1 (worst) to 5 (best): all judged reasons (wide bars) and the selected ones (narrow bars).",
        size=(WIDTH, 3.1),
    )
