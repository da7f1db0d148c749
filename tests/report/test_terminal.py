"""The table in the terminal."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from occpred.report.data import ReportData, Results
from occpred.report.terminal import print_results


def printed(results: Results, width: int, **options: bool) -> str:
    file = io.StringIO()
    print_results(results, Console(file=file, width=width, **options))  # type: ignore[arg-type]
    return file.getvalue()


def test_all_groups_systems_and_numbers_are_there(data: ReportData) -> None:
    text = printed(data.results, 160)
    assert "Movers: the next occupation differs from the last (n = 131)" in text
    assert text.count("repeat_last") == 3
    joint = next(line for line in text.splitlines() if line.startswith("joint"))
    assert joint.split()[:3] == ["joint", "*44.0", "±5.4"]
    assert "AccEM (%) ↑" in text
    assert "95% percentile intervals" in text


@pytest.mark.parametrize("width", [20, 40, 80, 160])
def test_no_line_is_wider_than_the_terminal(data: ReportData, width: int) -> None:
    text = printed(data.results, width)
    assert max(map(len, text.splitlines())) <= width


def test_narrow_terminals_get_blocks_with_every_column(data: ReportData) -> None:
    words = printed(data.results, 80)
    for column in data.results.columns:
        assert words.count(column.label.split()[0]) >= 3


def test_data_cannot_steer_the_terminal(hostile: ReportData) -> None:
    assert "\x1b" not in printed(hostile.results, 200)
    coloured = printed(hostile.results, 200, force_terminal=True)
    assert set(re.findall(r"\x1b[^m]*m?", coloured)) <= {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;2m"}
    assert "\x07" not in coloured


def test_markup_of_the_terminal_library_is_plain_text(data: ReportData) -> None:
    from dataclasses import replace

    row = replace(data.results.rows[0], system="[red]x[/red] :smile:")
    assert "[red]x[/red] :smile:" in printed(replace(data.results, rows=(row,)), 80)


def test_nothing_to_print_is_no_error() -> None:
    assert "95% intervals" in printed(Results((), ()), 80)
