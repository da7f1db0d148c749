"""What a sweep's data say about its axes and failures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from occpred.report.sweep_data import Axis, SweepData, is_numeric
from tests.report.sweep_example import LOST, swept


def test_numbers_are_sorted_as_numbers_and_words_stay_in_order() -> None:
    assert Axis("rank", {"a": "16", "b": "8", "c": "16", "d": "1e2"}).levels == ("8", "16", "1e2")
    assert Axis("source", {"a": "oracle", "b": "16", "c": "masked"}).levels == ("oracle", "16", "masked")


@pytest.mark.parametrize(
    ("levels", "numeric"), [(("1", "-2.5", "1e-4"), True), (("1", "two"), False), (("1", "nan"), False), ((), True)]
)
def test_only_finite_numbers_are_numbers(levels: tuple[str, ...], numeric: bool) -> None:
    assert is_numeric(levels) is numeric


def test_an_axis_of_one_value_does_not_vary() -> None:
    data = swept({"lora.rank": ("8", "16"), "model": ("joint",)}, lambda rank, model: float(rank))
    assert [axis.name for axis in data.varied] == ["lora.rank"]
    assert data.grid == {("8",): "joint 8 joint", ("16",): "joint 16 joint"}


def test_rows_that_share_a_place_have_no_grid() -> None:
    data = swept({"lora.rank": ("8", "16"), "seed": ("0", "1")}, lambda rank, seed: float(rank))
    assert len(data.grid) == 4
    assert replace(data, axes=data.axes[:1]).grid == {}


def test_failures_are_counted_by_row_and_rows_without_results_are_lost(sweep: SweepData) -> None:
    assert sweep.failed_jobs == {LOST: 2, "joint, oracle reason": 1}
    assert sweep.lost == (LOST,)
