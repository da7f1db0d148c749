"""Formatting and marks of tables, by hand."""

from __future__ import annotations

import math

import pytest

from occpred.records import Estimate, SystemMetrics
from occpred.report.data import MetricColumn, PairedDifference, Results
from occpred.report.table import Cell, Mark, difference_tables, heading, metric_tables, number

ACC = MetricColumn("acc_em", "AccEM", percent=True, higher_is_better=True)
PERPLEXITY = MetricColumn("perplexity", "Perplexity", percent=False, higher_is_better=False)
NEVER = MetricColumn("never", "Never", percent=False, higher_is_better=True)


def system(name: str, group: str = "all", **values: float) -> SystemMetrics:
    return SystemMetrics(
        name, group, {key: Estimate(value, value - 1, value + 2, 40, 40) for key, value in values.items()}
    )


def test_cells_show_value_interval_and_half_width() -> None:
    (table,) = metric_tables(Results((ACC, PERPLEXITY), (system("joint", acc_em=31.25, perplexity=4.5),)))
    assert (table.group, table.title, table.count) == ("all", "All test examples", 40)
    assert table.rows[0].label == "joint"
    assert table.rows[0].cells == (Cell("31.2", "[30.2, 33.2]", "1.5"), Cell("4.500", "[3.500, 6.500]", "1.500"))


def test_best_follows_the_direction_of_the_metric() -> None:
    rows = (system("a", acc_em=10, perplexity=9), system("b", acc_em=20, perplexity=12), system("c", acc_em=15))
    (table,) = metric_tables(Results((ACC, PERPLEXITY), rows))
    assert [[cell.mark for cell in row.cells] for row in table.rows] == [
        [Mark.NONE, Mark.BEST],
        [Mark.BEST, Mark.NONE],
        [Mark.NONE, Mark.NONE],
    ]
    assert table.rows[2].cells[1] == Cell("–")


def test_values_that_look_equal_share_the_mark_and_a_draw_of_all_has_none() -> None:
    (table,) = metric_tables(
        Results((ACC,), (system("a", acc_em=20.01), system("b", acc_em=20), system("c", acc_em=1)))
    )
    assert [row.cells[0].mark for row in table.rows] == [Mark.BEST, Mark.BEST, Mark.NONE]
    (table,) = metric_tables(Results((ACC,), (system("a", acc_em=20), system("b", acc_em=20))))
    assert [row.cells[0].mark for row in table.rows] == [Mark.NONE, Mark.NONE]


def test_one_table_for_each_group_and_only_columns_somebody_has() -> None:
    rows = (system("a", "all", acc_em=1), system("a", "movers", acc_em=2), system("b", "all", acc_em=3))
    tables = metric_tables(Results((ACC, NEVER), rows))
    assert [(table.group, [row.label for row in table.rows]) for table in tables] == [
        ("all", ["a", "b"]),
        ("movers", ["a"]),
    ]
    assert tables[0].columns == (ACC,)


def test_unknown_interval_and_value_are_not_invented() -> None:
    metrics = {
        "acc_em": Estimate(math.nan, math.nan, math.nan, 3, 3),
        "perplexity": Estimate(math.inf, 2, math.nan, 3, 3),
    }
    (table,) = metric_tables(Results((ACC, PERPLEXITY), (SystemMetrics("a", "all", metrics), system("b", acc_em=1))))
    assert table.rows[0].cells == (Cell("–"), Cell("∞"))


@pytest.mark.parametrize(
    ("column", "low", "high", "mark"),
    [
        (ACC, 0.1, 3.0, Mark.BETTER),
        (ACC, -3.0, -0.1, Mark.WORSE),
        (ACC, -1.0, 2.0, Mark.NONE),
        (ACC, 0.0, 2.0, Mark.NONE),
        (ACC, math.nan, math.nan, Mark.NONE),
        (PERPLEXITY, 0.1, 3.0, Mark.WORSE),
        (PERPLEXITY, -3.0, -0.1, Mark.BETTER),
    ],
)
def test_a_difference_is_marked_where_its_interval_excludes_zero(
    column: MetricColumn, low: float, high: float, mark: Mark
) -> None:
    estimate = Estimate(1.0 if math.isnan(low) else (low + high) / 2, low, high, 40, 30)
    difference = PairedDifference("joint", "markov_1", "movers", column.name, estimate)
    (table,) = difference_tables(Results((ACC, PERPLEXITY), (), (difference,)))
    assert (table.columns, table.count, table.rows[0].label) == ((column,), 40, "joint − markov_1")
    assert table.rows[0].cells[0].mark is mark


def test_fewer_than_thirty_people_earn_no_mark() -> None:
    difference = PairedDifference("joint", "markov_1", "all", "acc_em", Estimate(4.0, 1.0, 9.0, 58, 29))
    (table,) = difference_tables(Results((ACC,), (), (difference,)))
    assert table.rows[0].cells == (Cell("+4.0", "[1.0, 9.0]", "4.0"),)


def test_differences_carry_their_sign() -> None:
    difference = PairedDifference("joint", "markov_1", "all", "acc_em", Estimate(4.0, -1.0, 9.0, 12, 12))
    (table,) = difference_tables(Results((ACC,), (), (difference,)))
    assert table.rows[0].cells == (Cell("+4.0", "[−1.0, 9.0]", "5.0"),)


def test_headings_name_unit_and_better_end() -> None:
    assert heading(ACC) == "AccEM (%)\N{NO-BREAK SPACE}↑"
    assert heading(PERPLEXITY) == "Perplexity\N{NO-BREAK SPACE}↓"


def test_numbers_are_typeset() -> None:
    assert number(-1234.56, 1) == "−1,234.6"
    assert number(-math.inf, 1) == "−∞"
    assert number(2.0, 0, signed=True) == "+2"
    assert number(99_999.4, 0) == "99,999"
    assert number(27_309_946_926_274_700.0, 0) == "2.731e16"
    assert number(-123_456.0, 0, signed=True) == "−1.235e5"
