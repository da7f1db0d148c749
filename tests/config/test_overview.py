"""What a report shows of a config."""

from __future__ import annotations

from typing import Any

import pytest

from occpred.config.overview import as_yaml, in_common


@pytest.mark.parametrize(
    ("overviews", "shared"),
    [
        ([], {}),
        ([{"a": 1, "b": {"c": [2]}}], {"a": 1, "b": {"c": [2]}}),
        ([{"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 2, "d": 4}}], {"a": 1, "b": {"c": 2}}),
        ([{"a": {"b": 1}, "c": {}}, {"a": {"b": 2}, "c": {}}], {"c": {}}),
        ([{"a": {"b": 1}}, {"a": 1}], {}),
        ([{"a": 1, "b": 2}, {"b": 2}, {"a": 1, "b": 2}], {"b": 2}),
    ],
)
def test_what_all_say_alike(overviews: list[dict[str, Any]], shared: dict[str, Any]) -> None:
    assert in_common(overviews) == shared


def test_the_order_stays_that_of_composition() -> None:
    assert as_yaml({"choices": {"model": "joint", "lora": "r16"}}) == "choices:\n  model: joint\n  lora: r16\n"
