from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.artifacts.signature import canonical_json, configuration, identity, reference, signature
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.errors import UserError
from occpred.settings import Settings, setting


class Color(Enum):
    RED = "r"
    BLUE = "b"


@dataclass
class Optimizer(Settings):
    learning_rate: float = setting(0.1)
    color: Color = setting(Color.RED)
    workers: int = setting(2, incidental=True)


@dataclass
class Reader(Settings):
    path: str | None = setting(None, content=True)
    limit: int | None = setting(None)


@dataclass
class OtherReader(Reader):
    pass


class Idle(Stage):
    def run(self, folder: Path, store: ArtifactStore) -> None:
        pass


@dataclass(frozen=True)
class Read(Idle):
    name: ClassVar[str] = "read"
    reader: Reader


@dataclass(frozen=True)
class Fit(Idle):
    name: ClassVar[str] = "fit"
    version: ClassVar[int] = 3
    data: Stage
    optimizer: Optimizer
    seeds: tuple[int, ...] | list[int] = (1, 2)
    titles: dict[str, Any] | None = None
    comment: str = setting("", incidental=True)


FIT = Fit(Read(Reader(limit=5)), Optimizer(), titles={"b": [True, None], "a": 1e-05})


def test_identity_is_worked_by_hand() -> None:
    read_text = (
        '{"fields":{"reader":{"fields":{"limit":5,"path":null},"settings":"Reader"}},"stage":"read","version":1}'
    )
    assert canonical_json(identity(FIT.data)) == read_text
    assert canonical_json(identity(FIT)) == (
        f'{{"fields":{{"data":"read/{signature(FIT.data)}",'
        '"optimizer":{"fields":{"color":"RED","learning_rate":0.1},"settings":"Optimizer"},'
        '"seeds":[1,2],"titles":{"a":1e-05,"b":[true,null]}},"stage":"fit","version":3}'
    )


def test_signature_is_the_known_one_and_the_same_in_another_process() -> None:
    assert reference(FIT) == "fit/31cba9aef3008cd1"
    program = f"import runpy; names = runpy.run_path({__file__!r}); print(names['reference'](names['FIT']))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == reference(FIT)


def test_field_order_does_not_count() -> None:
    @dataclass(frozen=True)
    class Forward(Idle):
        name: ClassVar[str] = "same"
        first: int = 1
        second: int = 2

    @dataclass(frozen=True)
    class Backward(Idle):
        name: ClassVar[str] = "same"
        second: int = 2
        first: int = 1

    assert signature(Forward()) == signature(Backward())


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(plain_values, plain_values)
def test_values_share_a_signature_only_where_they_are_written_alike(first: Any, second: Any) -> None:
    same = repr_without_order(first) == repr_without_order(second)
    assert (signature(replace(FIT, titles=first)) == signature(replace(FIT, titles=second))) == same


def repr_without_order(value: Any) -> str:
    if isinstance(value, dict):
        return repr(sorted((key, repr_without_order(entry)) for key, entry in value.items())) + "dict"
    return repr([repr_without_order(entry) for entry in value]) if isinstance(value, list) else repr(value)


@given(
    learning_rate=st.floats(0.2, 1e9),
    seeds=st.lists(st.integers(), max_size=4).filter(lambda seeds: seeds != [1, 2]),
    limit=st.none() | st.integers(max_value=4),
)
def test_every_counting_field_counts(learning_rate: float, seeds: list[int], limit: int | None) -> None:
    variants = [
        replace(FIT, optimizer=Optimizer(learning_rate=learning_rate)),
        replace(FIT, optimizer=Optimizer(color=Color.BLUE)),
        replace(FIT, seeds=tuple(seeds)),
        replace(FIT, titles=None),
        replace(FIT, data=Read(Reader(limit=limit))),
        replace(FIT, data=Read(OtherReader(limit=5))),
    ]
    signatures = {signature(stage) for stage in [FIT, *variants]}
    assert len(signatures) == 1 + len(variants)
    counting = {field.name for field in fields(Fit)} - {"comment"}
    assert counting == {"optimizer", "seeds", "titles", "data"}, "a new field needs its variant above"


@given(workers=st.integers(), comment=st.text())
def test_incidental_fields_do_not_count(workers: int, comment: str) -> None:
    assert signature(replace(FIT, optimizer=Optimizer(workers=workers), comment=comment)) == signature(FIT)


def test_lists_and_tuples_are_the_same() -> None:
    assert signature(replace(FIT, seeds=[1, 2])) == signature(FIT)


def test_raising_the_version_gives_another_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signature(FIT)
    monkeypatch.setattr(Fit, "version", 4)
    assert signature(FIT) != before


def test_a_path_counts_by_content_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    here, there = tmp_path / "careers.jsonl", tmp_path / "elsewhere" / "renamed.jsonl"
    here.write_text("one\n")
    there.write_text("one\n")
    before = signature(Read(Reader(path=str(here))))
    assert signature(Read(Reader(path=str(there)))) == before
    there.write_text("two\n")
    assert signature(Read(Reader(path=str(there)))) != before
    assert signature(Read(Reader())) != before


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reader.path=.*missing\.jsonl: .*missing\.jsonl: no such file"):
        signature(Read(Reader(path=str(tmp_path / "missing.jsonl"))))


def test_configuration_keeps_everything_as_given() -> None:
    stage = replace(FIT, comment="mine", data=Read(Reader(limit=5)))
    assert configuration(stage)["comment"] == "mine"
    assert configuration(stage)["optimizer"]["fields"]["workers"] == 2
    assert configuration(Read(Reader(path="not/there")))["reader"]["fields"]["path"] == "not/there"


@pytest.mark.parametrize("value", [object(), {1, 2}, {3: "not a text key"}, b"bytes", 1j])
def test_what_cannot_be_declared_is_refused_with_its_field(value: Any) -> None:
    with pytest.raises(TypeError, match=r"Fit\.titles: a stage can declare"):
        signature(replace(FIT, titles=value))


def test_inputs_are_the_stages_among_the_fields() -> None:
    first, second, third = (Read(Reader(limit=limit)) for limit in (1, 2, 3))

    @dataclass(frozen=True)
    class Compare(Idle):
        name: ClassVar[str] = "compare"
        one: Stage
        several: tuple[Stage, ...]
        named: dict[str, Stage]

    assert Compare(first, (second,), {"third": third}).inputs() == (first, second, third)
    assert Compare(first, (second, third), {}).inputs() == (first, second, third)
    assert first.inputs() == ()
