"""How far marks can be trusted, as text."""

from __future__ import annotations

import math

import pytest

from occpred.findings import Agreement, LabelAgreement, MarkTrend, TrendPoint
from occpred.records import Estimate
from occpred.report.environment import money, ratio
from occpred.report.heat_map import STRONGEST
from occpred.report.judging_figures import marks_by_length
from occpred.report.judging_tables import (
    agreement_rows,
    bias_rows,
    candidate_rows,
    confusions,
    correlation_cell,
    label_rows,
)
from occpred.report.table import Cell


def estimate(value: float, n: int = 10) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, n, n)


def trend(criterion: str, *values: float, correlation: Estimate | None = None) -> MarkTrend:
    points = tuple(TrendPoint(float(place), estimate(value)) for place, value in enumerate(values))
    return MarkTrend(criterion, correlation, points)


def test_agreement_says_who_agrees_and_why_nothing_can_be_said() -> None:
    rows = agreement_rows(
        [
            Agreement("factuality", "", 3, 40, 0.712, 0.35, 0.725),
            Agreement("factuality", "big", 1, 0),
            Agreement("utility", "small", 5, 40, None, 0.0, 1.0),
            Agreement("utility", "other", 2, 0),
        ]
    )
    assert [(row.raters, row.alpha, row.undefined, row.mean_spread, row.unanimous) for row in rows] == [
        ("3 judges", "0.71", "", "0.35", "72.5%"),
        ("1 sample of big", "–", "one rater alone", "–", "–"),
        ("5 samples of small", "–", "all marks are equal", "0.00", "100.0%"),
        ("2 samples of other", "–", "no reason has two marks", "–", "–"),
    ]


def test_correlations_have_a_sign_and_an_interval_or_a_dash() -> None:
    assert correlation_cell(estimate(0.25)) == Cell("+0.25", "[0.15, 0.35]")
    assert correlation_cell(Estimate(-0.5, math.nan, math.nan, 3, 3)) == Cell("−0.50")
    assert correlation_cell(None) == Cell("–")


def test_bias_rows_stand_criterion_by_criterion() -> None:
    (row,) = bias_rows([trend("utility", 3.0, 4.0, correlation=estimate(0.25))], [trend("utility", 3.0)])
    assert (row.criterion, row.reasons) == ("utility", 20)
    assert (row.length.value, row.candidate.value) == ("+0.25", "–")


def test_candidate_rows_have_all_criteria() -> None:
    rows = candidate_rows([trend("factuality", 3.0, 4.0), trend("utility", 2.0, 1.0)])
    assert [(row.candidate, row.reasons, [cell.value for cell in row.marks]) for row in rows] == [
        (0, 10, ["3.00", "2.00"]),
        (1, 10, ["4.00", "1.00"]),
    ]
    assert candidate_rows([trend("factuality", 3.0)]) == ()
    assert candidate_rows([]) == ()


def test_confusions_are_shaded_by_row() -> None:
    counts = ((3, 1, 0, 0, 0), (0,) * 5, (0, 0, 2, 0, 0), (0,) * 5, (0,) * 5)
    check = LabelAgreement("utility", 6, estimate(0.9), None, estimate(0.8), counts)
    (found,) = confusions([check, LabelAgreement("coherence", 0, None, None, None, ((0,) * 5,) * 5)])
    assert found.criterion == "utility"
    labels, rows = zip(*found.rows, strict=True)
    assert labels == (1, 2, 3, 4, 5)
    assert rows[0][:3] == ((3, round(0.75 * STRONGEST)), (1, round(0.25 * STRONGEST)), (0, 0))
    assert rows[1] == ((0, 0),) * 5
    assert rows[2][2] == (2, STRONGEST)
    (row,) = label_rows([check])
    assert [cell.value for cell in row.cells] == ["+0.90", "–", "+0.80"]


def test_the_figure_says_in_words_what_it_shows() -> None:
    drawing = marks_by_length([trend("utility", 3.0, 4.0, correlation=estimate(0.25))])
    assert "Utility, at 0 words: 3.00 [2.90, 3.10]; 1 words: 4.00 [3.90, 4.10]" in drawing.svg
    assert "rank correlation +0.25 [0.15, 0.35]" in drawing.svg
    assert "nan" not in marks_by_length([trend("utility", 3.0)]).svg


@pytest.mark.parametrize(
    ("amounts", "text"),
    [
        (None, "–"),
        ({}, "–"),
        ({"USD": 1234.5}, "1,234.50 USD"),
        ({"USD": 0.5, "EUR": 12.0}, "0.50 USD + 12.00 EUR"),
        ({"USD": 0.00123}, "0.0012 USD"),
        ({"USD": 0.0}, "0.00 USD"),
    ],
)
def test_money(amounts: dict[str, float] | None, text: str) -> None:
    assert money(amounts) == text


def test_ratio() -> None:
    assert (ratio(None), ratio(10.25), ratio(1234.0)) == ("–", "10.2", "1,234.0")
