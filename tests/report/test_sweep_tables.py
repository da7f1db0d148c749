"""The tables of a sweep: failed rows, corrected p-values, slopes and facts, by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from occpred.findings import Fact, PairedTest
from occpred.records import Estimate
from occpred.report.sweep_data import SweepData
from occpred.report.sweep_tables import (
    comparison_tables,
    fact_cell,
    names_of_tests,
    p_text,
    row_notes,
    slope_rows,
    system_tables,
)
from occpred.report.table import Cell, Mark
from tests.report.sweep_example import LOST, REFERENCE


def paired(metric: str, value: float, p_adjusted: float) -> PairedTest:
    # The interval always excludes zero: it must not decide what is marked.
    difference = Estimate(value, value - 0.1, value + 0.1, 40, 40)
    return PairedTest("direct", REFERENCE, "movers", metric, difference, "a test", p_adjusted / 2, p_adjusted)


def test_a_system_without_results_stands_last_without_values(sweep: SweepData) -> None:
    tables = system_tables(sweep)
    assert [table.group for table in tables] == ["all", "movers", "stayers"]
    for table in tables:
        assert len(table.rows) == 7
        assert table.rows[-1].label == LOST
        assert table.rows[-1].cells == (Cell(),) * 4
        assert not [row for row in table.rows[:-1] if Cell() in row.cells]


def test_rows_know_how_many_examples_they_rest_on(sweep: SweepData) -> None:
    movers = system_tables(sweep)[1]
    assert movers.count == 393
    assert [row.count for row in movers.rows] == [393] * 5 + [131, 0]


@pytest.mark.parametrize(
    ("metric", "value", "p_adjusted", "mark"),
    [
        ("acc_em", 3.0, 0.049, Mark.BETTER),
        ("acc_em", -3.0, 0.049, Mark.WORSE),
        ("acc_em", 3.0, 0.05, Mark.NONE),
        ("acc_em", 3.0, math.nan, Mark.NONE),
        ("perplexity", 3.0, 0.01, Mark.WORSE),
        ("perplexity", -3.0, 0.01, Mark.BETTER),
    ],
)
def test_the_corrected_test_decides_what_is_marked(
    sweep: SweepData, metric: str, value: float, p_adjusted: float, mark: Mark
) -> None:
    (table,) = comparison_tables(replace(sweep, tests=(paired(metric, value, p_adjusted),)))
    assert table.rows[0].label == "direct"
    assert table.rows[0].cells[0].mark is mark


def test_cells_hold_difference_interval_and_both_p_values(sweep: SweepData) -> None:
    movers, everybody = comparison_tables(sweep)
    assert (movers.group, everybody.group) == ("movers", "all")
    assert movers.title == f"Difference to {REFERENCE}. Movers: the next occupation differs from the last"
    assert [column.name for column in movers.columns] == ["acc_em", "mrr"]
    oracle = next(row for row in movers.rows if row.label == "joint, oracle reason")
    assert oracle.cells[0] == Cell("+22.0", "[18.0, 26.0]", "4.0", Mark.BETTER, "<0.001", "<0.001")
    assert REFERENCE not in [row.label for row in movers.rows]


def test_a_metric_not_tested_for_a_system_has_no_value(sweep: SweepData) -> None:
    tests = (paired("acc_em", 3.0, 0.01), replace(paired("mrr", 0.2, 0.3), system="markov_1"))
    (table,) = comparison_tables(replace(sweep, tests=tests))
    assert [[cell.value for cell in row.cells] for row in table.rows] == [["+3.0", "–"], ["–", "+0.200"]]


def test_each_reference_has_its_table(sweep: SweepData) -> None:
    tests = (paired("acc_em", 3.0, 0.01), replace(paired("acc_em", 1.0, 0.5), reference="two models"))
    assert len(comparison_tables(replace(sweep, tests=tests))) == 2


def test_p_values_as_text() -> None:
    assert [p_text(value) for value in (0.0, 0.000999, 0.001, 0.0316, 1.0, math.nan)] == [
        "<0.001",
        "<0.001",
        "0.001",
        "0.032",
        "1.000",
        "–",
    ]


def test_tests_are_named_once_by_metric(sweep: SweepData) -> None:
    assert names_of_tests(sweep) == {"AccEM": "exact McNemar", "MRR": "paired permutation (10,000)"}
    other = replace(sweep.tests[0], test="sign test")
    assert names_of_tests(replace(sweep, tests=(*sweep.tests, other)))["AccEM"] == "exact McNemar, sign test"


def test_notes_name_the_reference_and_failed_jobs(sweep: SweepData) -> None:
    assert row_notes(sweep) == {REFERENCE: "reference", "joint, oracle reason": "1 failed job", LOST: "2 failed jobs"}
    assert row_notes(replace(sweep, reference=LOST))[LOST] == "reference, 2 failed jobs"


def test_slopes_over_all_and_within_a_person(sweep: SweepData) -> None:
    factuality, _, utility, _ = slope_rows(sweep)
    assert (factuality.criterion, factuality.metric, factuality.count) == ("factuality", "AccEM", 320)
    assert factuality.overall == Cell("+0.4", "[−0.8, 1.6]", "1.2")
    assert factuality.within == Cell()
    assert (utility.overall.value, utility.overall.mark) == ("+4.2", Mark.BETTER)
    assert (utility.within.value, utility.within.interval) == ("+2.5", "[1.4, 3.6]")


def test_a_fact_is_a_number_with_its_interval() -> None:
    assert fact_cell(Fact("AUC", Estimate(0.83, 0.79, 0.87, 9, 9), "meaning")) == Cell(
        "0.830", "[0.790, 0.870]", "0.040"
    )
