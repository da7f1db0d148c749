"""A sweep in the terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from occpred.report.sweep_data import SweepData
from occpred.report.sweep_terminal import print_sweep


def printed(data: SweepData, width: int, **options: bool) -> str:
    file = io.StringIO()
    print_sweep(data, Console(file=file, width=width, **options))  # type: ignore[arg-type]
    return file.getvalue()


def test_movers_come_first_and_stayers_not_at_all(sweep: SweepData) -> None:
    text = printed(sweep, 100)
    titles = [line for line in text.splitlines() if "(n = " in line]
    assert [title.partition(":")[0].partition(" (")[0] for title in titles] == [
        "Movers",
        "All test examples",
        "Difference to joint, own reason. Movers",
        "Difference to joint, own reason. All test examples",
    ]


def test_rows_hold_values_and_the_adjusted_p(sweep: SweepData) -> None:
    lines = printed(sweep, 100).splitlines()
    direct, _, difference, _ = (number for number, line in enumerate(lines) if line.startswith("direct, no reason"))
    assert lines[direct].split()[3:] == ["29.0", "±4.0", "35.0", "±3.5", "0.390", "±0.030", "31.0", "±2.0"]
    assert lines[difference].split()[3:] == ["−1.0", "±4.0", "−0.010", "±0.040"]
    assert lines[difference + 1].split() == ["p", "1.000", "p", "1.000"]
    assert any(line.split() == ["▼p", "0.010", "▼p", "0.010"] for line in lines)


def test_failed_rows_and_verdicts_are_told(sweep: SweepData) -> None:
    text = " ".join(printed(sweep, 100).split())
    assert "joint, own reason (reference) 30.0" in text
    assert "3 of 21 runs failed joint, title masked out of the oracle reason (reason=masked seed=0): CUDA out" in text
    assert "? (b) One model for both tasks beats two models trained apart. Undecided at this n." in text
    assert "About 2,310 would decide it with 80% power" in text
    assert text.index("runs failed") < text.index("(a) Fine-tuned") < text.index("(b) One") < text.index("(c) Acc")


@pytest.mark.parametrize("width", [20, 80, 160])
def test_no_line_is_wider_than_the_terminal(sweep: SweepData, width: int) -> None:
    assert max(map(len, printed(sweep, width).splitlines())) <= width


def test_only_the_columns_of_the_results_are_shown(sweep: SweepData) -> None:
    text = printed(replace(sweep, results=replace(sweep.results, columns=sweep.results.columns[:1])), 100)
    assert "AccEM" in text
    assert "MRR" not in text


def test_data_cannot_steer_the_terminal(hostile_sweep: SweepData) -> None:
    coloured = printed(hostile_sweep, 120, force_terminal=True)
    assert set(re.findall(r"\x1b[^m]*m?", coloured)) <= {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;2m"}
    assert not re.search(r"[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]", coloured)


def test_rows_of_other_people_are_told_apart(sweep: SweepData) -> None:
    text = " ".join(printed(replace(sweep, not_compared=("split.seed=1",)), 100).split())
    assert "Movers: the next occupation differs from the last (n = 131–393)" in text
    assert "Not compared with joint, own reason, for other people were asked: split.seed=1." in text
    assert "Not compared" not in printed(sweep, 100)


def test_a_sweep_of_which_all_failed_is_no_error(sweep: SweepData) -> None:
    text = printed(replace(sweep, results=replace(sweep.results, rows=()), tests=()), 100)
    assert text.strip().startswith("3 of 21 runs failed")
    assert "best of its column" not in text
