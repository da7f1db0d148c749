"""The map of a sweep over two settings, square by square."""

from __future__ import annotations

from dataclasses import replace

from occpred.findings import FailedJob
from occpred.report.heat_map import FAINTEST, STRONGEST, HeatMap, heat_map
from occpred.report.sweep_data import SweepData
from occpred.report.table import Mark
from tests.report.sweep_example import COLUMNS, swept

THRESHOLDS = {"factuality": ("1", "3"), "utility": ("5", "1", "3")}


def thresholds() -> SweepData:
    return swept(THRESHOLDS, lambda factuality, utility: 20 + float(factuality) * float(utility))


def mapped(data: SweepData) -> HeatMap:
    found = heat_map(data)
    assert found
    return found


def test_values_stand_where_their_settings_cross() -> None:
    found = mapped(thresholds())
    assert (found.column, found.group, found.down, found.across) == (COLUMNS[0], "movers", "factuality", "utility")
    assert found.columns == ("1", "3", "5")
    assert [(level, [square.cell.value for square in squares]) for level, squares in found.rows] == [
        ("1", ["21.0", "23.0", "25.0"]),
        ("3", ["23.0", "29.0", "35.0"]),
    ]
    assert found.rows[1][1][0].cell.interval == "[19.0, 27.0]"
    assert found.rows[1][1][2].cell.mark is Mark.BEST


def test_the_better_the_stronger() -> None:
    found = mapped(thresholds())
    shades = {square.cell.value: square.shade for _, squares in found.rows for square in squares}
    assert (shades["21.0"], shades["35.0"]) == (FAINTEST, STRONGEST)
    assert sorted(shades, key=lambda value: shades[value]) == sorted(shades)


def test_of_a_metric_that_is_to_be_low_the_lowest_is_the_strongest() -> None:
    data = thresholds()
    found = mapped(replace(data, results=replace(data.results, columns=COLUMNS[::-1])))
    squares = [square for _, row in found.rows for square in row]
    best = min(squares, key=lambda square: float(square.cell.value))
    assert (best.shade, best.cell.mark) == (STRONGEST, Mark.BEST)


def test_missing_squares_say_why() -> None:
    data = thresholds()
    gone = {"joint 1 5", "joint 3 1"}
    rows = tuple(row for row in data.results.rows if row.system not in gone)
    axes = tuple(
        replace(axis, values={label: value for label, value in axis.values.items() if label != "joint 1 5"})
        for axis in data.axes
    )
    failures = (FailedJob("joint 3 1", (), "out of memory"),)
    found = mapped(replace(data, results=replace(data.results, rows=rows), axes=axes, failures=failures))
    assert [[square.missing for square in squares] for _, squares in found.rows] == [
        ["", "", "not run"],
        ["failed", "", ""],
    ]


def test_without_any_result_all_squares_are_empty() -> None:
    data = thresholds()
    found = mapped(replace(data, results=replace(data.results, rows=())))
    assert {(square.missing, square.shade) for _, squares in found.rows for square in squares} == {("no result", 0)}


def test_equal_values_have_equal_shades() -> None:
    found = mapped(swept(THRESHOLDS, lambda *_: 20.0))
    assert {square.shade for _, squares in found.rows for square in squares} == {FAINTEST}


def test_no_map_of_fewer_or_more_settings_or_of_rows_that_share_a_square(sweep: SweepData) -> None:
    three = swept(THRESHOLDS | {"coherence": ("1", "3")}, lambda *_: 20.0)
    assert heat_map(sweep) is None
    assert heat_map(three) is None
    assert heat_map(replace(three, axes=three.axes[:2])) is None
