"""The name of a result before it exists: a hash of all that a stage declares it reads."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from typing import Any

from occpred.artifacts.content import content_digest
from occpred.artifacts.stage import Stage
from occpred.errors import UserError
from occpred.settings import Settings, is_content, is_incidental

SIGNATURE_LENGTH = 16
"""Hexadecimal digits of a signature: 64 bits, far beyond the number of artifacts anyone keeps."""
_worked_out: ContextVar[dict[int, tuple[Stage, str]] | None] = ContextVar("worked out", default=None)


@contextmanager
def signatures_worked_out_once() -> Iterator[None]:
    """Keep each stage's signature to the end of the block: a graph has far more ways through it than stages.

    So a file that counts by content, and changes within the block, is not noticed.
    """
    token = _worked_out.set({})
    try:
        yield
    finally:
        _worked_out.reset(token)


def signature(stage: Stage) -> str:
    """Hash of `identity(stage)`: the same in every process, on every machine, whatever the order of the fields.

    Raises:
        UserError: where a file or folder that counts by content is missing.
        TypeError: where a field holds something that cannot be declared.
    """
    known = _worked_out.get()
    if known is None:
        return _work_out(stage)
    if id(stage) not in known:
        known[id(stage)] = (stage, _work_out(stage))  # with the stage, so that no other one gets its id
    return known[id(stage)][1]


def _work_out(stage: Stage) -> str:
    return hashlib.sha256(canonical_json(identity(stage)).encode()).hexdigest()[:SIGNATURE_LENGTH]


def identity(stage: Stage) -> dict[str, Any]:
    """All that can change the stage's result, as plain values.

    Incidental fields are left out, a path that counts by content is replaced by a digest, an input by its signature.
    """
    return {"stage": stage.name, "version": stage.version, "fields": _fields(stage, counting_only=True)}


def configuration(stage: Stage) -> dict[str, Any]:
    """All settings of the stage as they were given, incidental ones and paths included, as plain values."""
    return _fields(stage, counting_only=False)


def reference(stage: Stage) -> str:
    """How an artifact is called in logs, messages and provenance: `stage/signature`, which is also where it lies."""
    return f"{stage.name}/{signature(stage)}"


def by_reference(goals: Iterable[Stage]) -> dict[str, Stage]:
    """`goals` and all that they are made of, each artifact once, inputs first."""
    found: dict[str, Stage] = {}

    def visit(stage: Stage) -> None:
        name = reference(stage)
        if name not in found:
            for each in stage.inputs():
                visit(each)
            found[name] = stage

    with signatures_worked_out_once():
        for goal in goals:
            visit(goal)
    return found


def canonical_json(value: Any) -> str:
    """The one JSON text of plain values: keys sorted, no spaces, floats by their shortest exact form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _fields(component: Stage | Settings, *, counting_only: bool, key: str = "") -> dict[str, Any]:
    """The component's fields as plain values; `key` is what the user calls it, with a dot behind, for complaints."""
    plain = {}
    for field in dataclasses.fields(component):  # type: ignore[arg-type]
        value = getattr(component, field.name)
        if counting_only and is_incidental(field):
            continue
        if counting_only and is_content(field) and value is not None:
            value = _digest(f"{key}{field.name}", value)
        try:
            plain[field.name] = _plain(value, counting_only=counting_only, key=f"{key}{field.name}.")
        except TypeError as error:
            raise TypeError(f"{type(component).__name__}.{field.name}: {error}") from error
    return plain


def _digest(key: str, path: str) -> str:
    try:
        return content_digest(Path(path))
    except UserError as error:
        raise UserError(f"{key}={path}: {error}") from error


def _plain(value: Any, *, counting_only: bool, key: str) -> Any:
    match value:
        case Stage():
            return reference(value)
        case Settings():
            return {"settings": type(value).__name__, "fields": _fields(value, counting_only=counting_only, key=key)}
        case Enum():  # before str and int, which an enumeration may also be
            return value.name
        case None | bool() | int() | float() | str():
            return value
        case Path():
            return value.as_posix()
        case list() | tuple():
            return [_plain(entry, counting_only=counting_only, key=key) for entry in value]
        case dict() if all(isinstance(name, str) for name in value):
            return {
                name: _plain(entry, counting_only=counting_only, key=f"{key}{name}.") for name, entry in value.items()
            }
        case _:
            raise TypeError(f"a stage can declare settings, stages and plain values, not {value!r}")
