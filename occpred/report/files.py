"""Everything a report leaves on disk."""

from __future__ import annotations

from pathlib import Path

from occpred.report.comma_separated import differences_csv, metrics_csv
from occpred.report.data import ReportData
from occpred.report.latex import metrics_latex


def write_report(data: ReportData, folder: Path) -> Path:
    """Write `report.html`, `metrics.csv`, `differences.csv` and `metrics.tex` into `folder`.

    Returns:
        The page's path.
    """
    from occpred.report.page import render_page

    contents = {
        "report.html": render_page(data),
        "metrics.csv": metrics_csv(data.results),
        "differences.csv": differences_csv(data.results),
        "metrics.tex": metrics_latex(data.results),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content.encode("utf-8"))
    return folder / "report.html"
