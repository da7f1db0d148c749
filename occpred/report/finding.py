"""The main result in one sentence."""

from __future__ import annotations

from occpred.findings import FEWEST_PERSONS
from occpred.records import Estimate
from occpred.report.data import MetricColumn, PairedDifference, Results
from occpred.report.table import Mark, decimals, has_interval, interval, number, verdict

_VERDICTS = {
    Mark.BETTER: "the interval excludes zero, in favour of {system}",
    Mark.WORSE: "the interval excludes zero, in favour of {other}",
    Mark.NONE: "the interval does not exclude zero",
}


def finding(results: Results) -> str:
    """Say how the first system does on the headline metric and group, and how it differs from the best other one.

    Empty where the first system has no such value.
    """
    column = results.columns[0]
    rows = results.headline_rows
    if not rows or rows[0].system != results.rows[0].system:
        return ""
    first, *others = ((row.system, row.metrics[column.name]) for row in rows)
    system, estimate = first
    sentence = (
        f"On {results.headline_group} (n = {estimate.n:,}), {system} reaches {column.label} {_value(estimate, column)}"
    )
    if not others:
        return f"{sentence}."
    sign = 1 if column.higher_is_better else -1
    other, other_estimate = max(others, key=lambda entry: sign * entry[1].value)
    sentence += f"; the best of the others, {other}, {_value(other_estimate, column)}."
    for entry in results.differences:
        pair = (entry.system, entry.reference, entry.group, entry.metric)
        if pair == (system, other, results.headline_group, column.name):
            difference = _value(entry.estimate, column, signed=True)
            sentence += f" The paired difference is {difference}; {_outcome(column, entry)}."
    return sentence


def _outcome(column: MetricColumn, difference: PairedDifference) -> str:
    if difference.estimate.persons < FEWEST_PERSONS:
        return f"fewer than {FEWEST_PERSONS} people are too few to tell"
    found = verdict(column, difference.estimate)
    return _VERDICTS[found].format(system=difference.system, other=difference.reference)


def _value(estimate: Estimate, column: MetricColumn, *, signed: bool = False) -> str:
    places = decimals(column, [estimate.value])
    unit = ("\N{NO-BREAK SPACE}points" if signed else "%") if column.percent else ""
    value = f"{number(estimate.value, places, signed=signed)}{unit}"
    return f"{value} {interval(estimate, places)}" if has_interval(estimate) else value
