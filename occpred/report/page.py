"""The report on a run as one self-contained HTML page: no script, and nothing loaded from anywhere."""

from __future__ import annotations

from typing import Any

from occpred.findings import Certainty
from occpred.report import figures
from occpred.report.certainty import certainty_rows, exact_measures, share_at_most
from occpred.report.data import ReportData, Results
from occpred.report.drawing import Drawing
from occpred.report.environment import environment
from occpred.report.finding import finding
from occpred.report.judging_figures import marks_by_length
from occpred.report.judging_tables import agreement_rows, bias_rows, candidate_rows, confusions, label_rows
from occpred.report.reason_data import JudgingSummary
from occpred.report.table import difference_tables, metric_tables

LIMITS = {"MOST_POSITIONS": 12, "MOST_EXCERPTS": 3, "MOST_CHARACTERS": 120}
"""How much of long input the page shows: positions of a history, rows of one rejection, characters of a row."""


def render_page(data: ReportData) -> str:
    """Render the whole page. Equal data give equal pages, byte for byte."""
    results = data.results
    template = environment().get_template("report.html.j2")
    return template.render(
        **LIMITS,
        run=data.run,
        data=data.data,
        reasons=data.reasons,
        examples=data.examples,
        results=results,
        titles=data.titles,
        finding=finding(results),
        metric_tables=metric_tables(results),
        difference_tables=difference_tables(results),
        forest=_forest(results),
        training=_training(data),
        calibration=figures.calibration(data.calibration) if data.calibration else None,
        marks=figures.marks(data.reasons) if data.reasons else None,
        certainty=data.certainty,
        **(_certainty(data.certainty, results) if data.certainty else {}),
        judging=data.judging,
        **(_judging(data.judging) if data.judging else {}),
    )


def _certainty(certainty: Certainty, results: Results) -> dict[str, Any]:
    """What is shown of a certified ranking."""
    return {
        "certainty_rows": certainty_rows(certainty, results),
        "exact_measures": exact_measures(certainty, results),
        "unopened_share": share_at_most(certainty.largest),
    }


def _judging(judging: JudgingSummary) -> dict[str, Any]:
    """What the section on the judge shows."""
    return {
        "agreements": agreement_rows(judging.agreements),
        "biases": bias_rows(judging.by_length, judging.by_candidate),
        "candidates": candidate_rows(judging.by_candidate),
        "marks_by_length": marks_by_length(judging.by_length) if judging.by_length else None,
        "label_rows": label_rows(judging.labels.agreements) if judging.labels else (),
        "confusions": confusions(judging.labels.agreements) if judging.labels else (),
    }


def _forest(results: Results) -> Drawing | None:
    rows, headline = results.headline_rows, results.columns[0]
    return figures.forest(rows, headline, results.headline_group, apart=rows[0].system) if rows else None


def _training(data: ReportData) -> list[Drawing]:
    drawings = []
    for position, curves in enumerate(data.training):
        drawings.append(figures.training_loss(curves, position))
        if curves.validation_column and curves.validation_metric:
            drawings.append(figures.training_metric(curves, curves.validation_column, position))
    return drawings
