"""CSV that reads back as the numbers it was written from."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from occpred.records import Estimate, SystemMetrics
from occpred.report.comma_separated import differences_csv, metrics_csv, safe_text
from occpred.report.data import ReportData, Results


def test_metrics_read_back_to_the_last_digit(data: ReportData) -> None:
    lines = list(csv.DictReader(io.StringIO(metrics_csv(data.results))))
    assert [(line["group"], line["system"]) for line in lines[:9]] == [("all", "joint")] * 9
    read: dict[tuple[str, str, str], Estimate] = {
        (line["group"], line["system"], line["metric"]): Estimate(
            float(line["value"]), float(line["low"]), float(line["high"]), int(line["n"])
        )
        for line in lines
    }
    assert read == {
        (row.group, row.system, metric): estimate
        for row in data.results.rows
        for metric, estimate in row.metrics.items()
    }


def test_differences_read_back(data: ReportData) -> None:
    lines = list(csv.DictReader(io.StringIO(differences_csv(data.results))))
    first, entry = lines[0], data.results.differences[0]
    assert len(lines) == len(data.results.differences)
    assert (first["system"], first["reference"], first["metric"]) == (entry.system, entry.reference, entry.metric)
    assert float(first["difference"]) == entry.estimate.value


def test_values_without_a_number_stay_so() -> None:
    row = SystemMetrics("a", "all", {"perplexity": Estimate(math.inf, math.nan, math.nan, 2)})
    (line,) = csv.DictReader(io.StringIO(metrics_csv(Results((), (row,)))))
    assert (line["value"], line["low"]) == ("inf", "nan")


@given(st.text())
def test_no_text_starts_a_formula(text: str) -> None:
    assert not safe_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_is_disarmed(data: ReportData) -> None:
    rows = tuple(replace(row, system="=HYPERLINK(A1)\r\n,x") for row in data.results.rows)
    lines = list(csv.DictReader(io.StringIO(metrics_csv(replace(data.results, rows=rows)))))
    assert {line["system"] for line in lines} == {"'=HYPERLINK(A1) ,x"}
