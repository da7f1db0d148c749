from __future__ import annotations

from dataclasses import dataclass, field, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.errors import UserError
from occpred.settings import (
    MISSING,
    SettingError,
    Settings,
    allowed_range,
    is_content,
    is_incidental,
    range_errors,
    setting,
)


@dataclass
class Inner(Settings):
    size: int = setting(3, minimum=1)


@dataclass
class Outer(Settings):
    share: float = setting(0.5, minimum=0, below=1)
    rate: float = setting(0.1, above=0)
    grade: int = setting(3, minimum=1, maximum=5)
    free: float = 0.0
    switch: bool = setting(True, minimum=5)
    names: list[str] = setting(["a"])
    inner: Inner = setting(Inner())
    path: str = setting("here", content=True)
    device: str = setting("cpu", incidental=True)
    other: Inner = field(default_factory=Inner)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": -0.1}, "Outer.share=-0.1: must be at least 0 and below 1"),
        ({"share": 1.0}, "Outer.share=1.0: must be at least 0 and below 1"),
        ({"rate": 0.0}, "Outer.rate=0.0: must be above 0"),
        ({"grade": 0}, "Outer.grade=0: must be at least 1 and at most 5"),
        ({"grade": 6}, "Outer.grade=6: must be at least 1 and at most 5"),
        ({"rate": float("inf")}, "Outer.rate=inf: must be a finite number"),
        ({"free": float("nan")}, "Outer.free=nan: must be a finite number"),
    ],
)
def test_a_value_out_of_range_is_refused_at_construction(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        Outer(**values)  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert isinstance(caught.value, UserError)


@pytest.mark.parametrize("values", [{"share": 0.0}, {"share": 0.999}, {"grade": 1}, {"grade": 5}, {"free": -1e300}])
def test_a_bound_belongs_to_its_range_or_not_as_declared(values: dict[str, float]) -> None:
    Outer(**values)  # type: ignore[arg-type]


@given(st.integers(-10, 10))
def test_a_range_is_what_its_words_say(grade: int) -> None:
    assert bool(list(range_errors(Outer, {"grade": grade}, ""))) == (not 1 <= grade <= 5)


def test_all_values_out_of_range_are_found_under_the_key_the_user_typed() -> None:
    assert list(range_errors(Outer, {"share": 2.0, "grade": 0, "unknown": -1}, "outer.")) == [
        "outer.share=2.0: must be at least 0 and below 1",
        "outer.grade=0: must be at least 1 and at most 5",
    ]


def test_truth_is_no_number() -> None:
    assert Outer(switch=False).switch is False


def test_a_value_that_is_not_given_yet_is_in_no_range() -> None:
    assert not list(range_errors(Outer, {"grade": MISSING, "share": None}, ""))


def test_a_range_in_words() -> None:
    words = {field.name: allowed_range(field) for field in fields(Outer)}
    assert words["share"] == "at least 0 and below 1"
    assert words["grade"] == "at least 1 and at most 5"
    assert words["rate"] == "above 0"
    assert words["free"] == words["names"] == ""


def test_a_mutable_default_is_not_shared() -> None:
    first, second = Outer(), Outer()
    first.names.append("b")
    first.inner.size = 9
    assert second.names == ["a"]
    assert second.inner == Inner(3)


def test_what_counts_in_a_signature_is_declared_beside_the_field() -> None:
    by_name = {field.name: field for field in fields(Outer)}
    assert [name for name, field in by_name.items() if is_incidental(field)] == ["device"]
    assert [name for name, field in by_name.items() if is_content(field)] == ["path"]
