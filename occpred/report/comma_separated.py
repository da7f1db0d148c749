"""The results as CSV, one estimate a line, numbers with all their digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from occpred.report.data import Results
from occpred.report.text import one_line

_FORMULA_STARTS = ("=", "+", "-", "@")


def safe_text(text: str) -> str:
    """Make the text one line that no spreadsheet computes: an apostrophe goes before what would start a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line


def metrics_csv(results: Results) -> str:
    """All estimates: columns group, system, metric, value, low, high, n."""
    return _csv(
        ("group", "system", "metric", "value", "low", "high", "n"),
        (
            (row.group, row.system, metric, estimate.value, estimate.low, estimate.high, estimate.n)
            for row in results.rows
            for metric, estimate in row.metrics.items()
        ),
    )


def differences_csv(results: Results) -> str:
    """All paired differences: columns group, system, reference, metric, difference, low, high, n."""
    return _csv(
        ("group", "system", "reference", "metric", "difference", "low", "high", "n"),
        (
            (
                entry.group,
                entry.system,
                entry.reference,
                entry.metric,
                entry.estimate.value,
                entry.estimate.low,
                entry.estimate.high,
                entry.estimate.n,
            )
            for entry in results.differences
        ),
    )


def _csv(header: tuple[str, ...], lines: Iterable[tuple[str | float, ...]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([safe_text(entry) if isinstance(entry, str) else repr(entry) for entry in line])
    return file.getvalue()
