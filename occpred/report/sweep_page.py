"""The report on a sweep as one self-contained HTML page: no script, and nothing loaded from anywhere."""

from __future__ import annotations

from occpred.report import figures
from occpred.report.ablation import ablation
from occpred.report.data import MetricColumn
from occpred.report.drawing import Drawing
from occpred.report.environment import environment
from occpred.report.heat_map import heat_map
from occpred.report.sweep_data import SweepData
from occpred.report.sweep_figures import calibrations, dose_response
from occpred.report.sweep_tables import (
    comparison_tables,
    fact_cell,
    names_of_tests,
    not_compared,
    row_notes,
    slope_rows,
    system_tables,
)
from occpred.report.verdicts import SIGNS, grounds


def render_sweep_page(data: SweepData) -> str:
    """Render the whole page. Equal data give equal pages, byte for byte."""
    template = environment().get_template("sweep.html.j2")
    return template.render(
        data=data,
        sweep=data.summary,
        results=data.results,
        outcome_signs=SIGNS,
        grounds=grounds,
        notes=row_notes(data),
        system_tables=system_tables(data),
        comparison_tables=comparison_tables(data),
        not_compared=not_compared(data),
        names_of_tests=names_of_tests(data),
        forest=_forest(data),
        ablations=_ablations(data),
        heat_map=heat_map(data),
        calibrations=calibrations(data.calibrations) if data.calibrations else None,
        doses=_doses(data),
        slopes=slope_rows(data),
        fact_cell=fact_cell,
    )


def _forest(data: SweepData) -> Drawing | None:
    rows, results = data.results.headline_rows, data.results
    return figures.forest(rows, results.columns[0], results.headline_group, apart=data.reference) if rows else None


def _ablations(data: SweepData) -> list[Drawing]:
    """One drawing for each metric that is tested, where the rows differ along one axis alone."""
    if len(data.varied) != 1 or not data.grid or not data.results.rows:
        return []
    return [ablation(data, data.varied[0], column, position) for position, column in enumerate(_tested_columns(data))]


def _tested_columns(data: SweepData) -> list[MetricColumn]:
    tested = {test.metric for test in data.tests} | {data.results.columns[0].name}
    return [column for column in data.results.columns if column.name in tested]


def _doses(data: SweepData) -> list[Drawing]:
    """One drawing for each system and metric."""
    kinds = dict.fromkeys((system, dose.metric) for system, doses in data.doses.items() for dose in doses)
    return [
        dose_response(
            system,
            [dose for dose in data.doses[system] if dose.metric == metric],
            data.results.column(metric),
            position,
        )
        for position, (system, metric) in enumerate(kinds)
    ]
