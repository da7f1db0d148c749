"""Everything a report leaves on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from occpred.report.comma_separated import costs_csv, differences_csv, failures_csv, metrics_csv, paired_tests_csv
from occpred.report.data import ReportData
from occpred.report.latex import metrics_latex
from occpred.report.sweep_data import SweepData

PAGE, FAILURES = "report.html", "failures.csv"


def write_report(data: ReportData, folder: Path) -> Path:
    """Write `report.html`, `metrics.csv`, `differences.csv` and `metrics.tex` into `folder`.

    Returns:
        The page's path.
    """
    from occpred.report.page import render_page

    return _write(
        folder,
        {
            PAGE: render_page(data),
            "metrics.csv": metrics_csv(data.results),
            "differences.csv": differences_csv(data.results),
            "metrics.tex": metrics_latex(data.results),
        },
    )


def write_sweep_report(data: SweepData, folder: Path) -> Path:
    """Write `report.html`, `metrics.csv`, `tests.csv`, `costs.csv` and `metrics.tex` into `folder`.

    `failures.csv` is there if jobs failed; one that an earlier report left is taken away where none did.

    Returns:
        The page's path.
    """
    from occpred.report.sweep_page import render_sweep_page

    contents = {
        PAGE: render_sweep_page(data),
        "metrics.csv": metrics_csv(data.results),
        "tests.csv": paired_tests_csv(data.tests),
        "costs.csv": costs_csv(data.costs, data.row_seeds),
        "metrics.tex": metrics_latex(data.results),
    }
    if data.failures:
        contents[FAILURES] = failures_csv(data.failures)
    else:
        (folder / FAILURES).unlink(missing_ok=True)
    return _write(folder, contents)


def _write(folder: Path, contents: Mapping[str, str]) -> Path:
    for name, content in contents.items():
        (folder / name).write_bytes(content.encode("utf-8"))
    return folder / PAGE
