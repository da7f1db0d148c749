"""The main result in a sentence, worked by hand."""

from __future__ import annotations

from occpred.records import Estimate, SystemMetrics
from occpred.report.data import MetricColumn, PairedDifference, Results
from occpred.report.finding import finding

ACC = MetricColumn("acc_em", "AccEM", percent=True, higher_is_better=True)


def row(system: str, value: float, group: str = "movers") -> SystemMetrics:
    return SystemMetrics(system, group, {"acc_em": Estimate(value, value - 2, value + 2, 1200, 1200)})


def difference(value: float, low: float, high: float) -> PairedDifference:
    return PairedDifference("joint", "markov_1", "movers", "acc_em", Estimate(value, low, high, 1200, 1200))


ROWS = (row("joint", 30), row("popularity", 10), row("markov_1", 25), row("popularity", 99, "stayers"))


def test_it_names_the_best_other_and_the_verdict() -> None:
    assert finding(Results((ACC,), ROWS, (difference(5, 1.5, 8.25),))) == (
        "On movers (n = 1,200), joint reaches AccEM 30.0% [28.0, 32.0]; the best of the others, markov_1, "
        "25.0% [23.0, 27.0]. The paired difference is +5.0\N{NO-BREAK SPACE}points [1.5, 8.2]; the interval excludes "
        "zero, in favour of joint."
    )


def test_it_does_not_favour_the_model() -> None:
    assert "in favour of markov_1" in finding(Results((ACC,), ROWS, (difference(-5, -8, -1),)))
    assert finding(Results((ACC,), ROWS, (difference(1, -2, 4),))).endswith("the interval does not exclude zero.")


def test_it_favours_nobody_where_few_people_were_asked() -> None:
    few = PairedDifference("joint", "markov_1", "movers", "acc_em", Estimate(5, 1.5, 8.25, 1200, 29))
    assert finding(Results((ACC,), ROWS, (few,))).endswith("; fewer than 30 people are too few to tell.")


def test_it_says_no_more_than_is_known() -> None:
    assert finding(Results((ACC,), ROWS)).endswith("markov_1, 25.0% [23.0, 27.0].")
    assert finding(Results((ACC,), ROWS[:1])) == "On movers (n = 1,200), joint reaches AccEM 30.0% [28.0, 32.0]."
    assert finding(Results((ACC,), ROWS[3:])) == ""
    assert finding(Results((ACC,), ())) == ""
