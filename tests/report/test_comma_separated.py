"""CSV that reads back as the numbers it was written from."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from occpred.findings import Cost, FailedJob
from occpred.records import Estimate, SystemMetrics
from occpred.report.comma_separated import (
    costs_csv,
    differences_csv,
    failures_csv,
    metrics_csv,
    paired_tests_csv,
    safe_text,
)
from occpred.report.data import ReportData, Results
from occpred.report.sweep_data import SweepData


def test_metrics_read_back_to_the_last_digit(data: ReportData) -> None:
    lines = list(csv.DictReader(io.StringIO(metrics_csv(data.results))))
    assert [(line["group"], line["system"]) for line in lines[:9]] == [("all", "joint")] * 9
    read: dict[tuple[str, str, str], Estimate] = {
        (line["group"], line["system"], line["metric"]): Estimate(
            float(line["value"]), float(line["low"]), float(line["high"]), int(line["n"]), int(line["persons"])
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


def test_tests_read_back(sweep: SweepData) -> None:
    lines = list(csv.DictReader(io.StringIO(paired_tests_csv(sweep.tests))))
    first, entry = lines[0], sweep.tests[0]
    assert len(lines) == len(sweep.tests)
    assert (first["system"], first["reference"], first["test"]) == (entry.system, entry.reference, "exact McNemar")
    assert [float(first[name]) for name in ("difference", "low", "high", "n", "p_value", "p_adjusted")] == [
        entry.difference.value,
        entry.difference.low,
        entry.difference.high,
        entry.difference.n,
        entry.p_value,
        entry.p_adjusted,
    ]


def test_costs_and_failures_by_hand(hostile_sweep: SweepData) -> None:
    costs = {"joint": Cost(120, 4.5, 1024), "markov_1": Cost(0, 0.25)}
    assert costs_csv(costs, {"joint": (0, 1)}).splitlines() == [
        "system,seeds,target_tokens,seconds,peak_memory_bytes",
        "joint,0 1,120,4.5,1024",
        "markov_1,,0,0.25,",
    ]
    failure = FailedJob("joint", ("seed=1", "lora.rank=8"), "=1+1,\nout of memory")
    assert failures_csv([failure]).splitlines() == [
        "system,overrides,reason",
        'joint,seed=1 lora.rank=8,"\'=1+1, out of memory"',
    ]
    assert len(failures_csv(hostile_sweep.failures).splitlines()) == 2


def test_values_without_a_number_stay_so() -> None:
    row = SystemMetrics("a", "all", {"perplexity": Estimate(math.inf, math.nan, math.nan, 2, 2)})
    (line,) = csv.DictReader(io.StringIO(metrics_csv(Results((), (row,)))))
    assert (line["value"], line["low"]) == ("inf", "nan")


@given(st.text())
def test_no_text_starts_a_formula(text: str) -> None:
    assert not safe_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_is_disarmed(data: ReportData) -> None:
    rows = tuple(replace(row, system="=HYPERLINK(A1)\r\n,x") for row in data.results.rows)
    lines = list(csv.DictReader(io.StringIO(metrics_csv(replace(data.results, rows=rows)))))
    assert {line["system"] for line in lines} == {"'=HYPERLINK(A1) ,x"}
