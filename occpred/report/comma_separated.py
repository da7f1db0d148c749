"""The results as CSV, one estimate a line, numbers with all their digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from occpred.findings import Cost, FailedJob, PairedTest
from occpred.report.data import Results
from occpred.report.text import one_line

_DIFFERENCE = ("group", "system", "reference", "metric", "difference", "low", "high", "n", "persons")
_FORMULA_STARTS = ("=", "+", "-", "@")


def safe_text(text: str) -> str:
    """Make the text one line that no spreadsheet computes: an apostrophe goes before what would start a formula."""
    line = one_line(text)
    return f"'{line}" if line.startswith(_FORMULA_STARTS) else line


def metrics_csv(results: Results) -> str:
    """All estimates: columns group, system, metric, value, low, high, n, persons."""
    return _csv(
        ("group", "system", "metric", "value", "low", "high", "n", "persons"),
        (
            (row.group, row.system, metric, estimate.value, estimate.low, estimate.high, estimate.n, estimate.persons)
            for row in results.rows
            for metric, estimate in row.metrics.items()
        ),
    )


def differences_csv(results: Results) -> str:
    """All paired differences: columns group, system, reference, metric, difference, low, high, n, persons."""
    return _csv(
        _DIFFERENCE,
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
                entry.estimate.persons,
            )
            for entry in results.differences
        ),
    )


def paired_tests_csv(tests: Sequence[PairedTest]) -> str:
    """All paired tests: the columns of `differences_csv`, then test, p_value, p_adjusted."""
    return _csv(
        (*_DIFFERENCE, "test", "p_value", "p_adjusted"),
        (
            (
                entry.group,
                entry.system,
                entry.reference,
                entry.metric,
                entry.difference.value,
                entry.difference.low,
                entry.difference.high,
                entry.difference.n,
                entry.difference.persons,
                entry.test,
                entry.p_value,
                entry.p_adjusted,
            )
            for entry in tests
        ),
    )


def costs_csv(costs: Mapping[str, Cost], seeds: Mapping[str, Sequence[int]]) -> str:
    """All costs: columns system, seeds (spaces between), target_tokens, seconds, peak_memory_bytes (empty: unknown)."""
    return _csv(
        ("system", "seeds", "target_tokens", "seconds", "peak_memory_bytes"),
        (
            (
                system,
                " ".join(map(str, seeds.get(system, ()))),
                cost.target_tokens,
                cost.seconds,
                "" if cost.peak_memory_bytes is None else cost.peak_memory_bytes,
            )
            for system, cost in costs.items()
        ),
    )


def failures_csv(failures: Sequence[FailedJob]) -> str:
    """All failed jobs: columns system, overrides (spaces between), reason."""
    return _csv(
        ("system", "overrides", "reason"),
        ((failure.label, " ".join(failure.overrides), failure.reason) for failure in failures),
    )


def _csv(header: tuple[str, ...], lines: Iterable[tuple[str | float, ...]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for line in lines:
        writer.writerow([safe_text(entry) if isinstance(entry, str) else repr(entry) for entry in line])
    return file.getvalue()
