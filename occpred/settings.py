"""The base of every configurable component.

A component *is* its structured config: a dataclass whose fields are its settings, with defaults and allowed ranges
beside them, and methods that do its work. Hydra fills the fields; Python code may as well. Modules that define
settings import nothing heavy at their top, so that a wrong setting is refused before torch is loaded.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from occpred.errors import UserError

_BOUNDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", operator.ge),
    "maximum": ("at most", operator.le),
    "above": ("above", operator.gt),
    "below": ("below", operator.lt),
}
_INCIDENTAL, _CONTENT = "incidental", "content"
MISSING: Any = "???"
"""OmegaConf's mark of a mandatory value: a setting without a default that can be guessed."""


class SettingError(UserError):
    """A setting has a value that is not allowed."""


def setting(
    default: Any,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
    incidental: bool = False,
    content: bool = False,
) -> Any:
    """Declare a field of a component together with its allowed range.

    Args:
        default: the value's one home; `MISSING` where the user must give it.
        minimum: inclusive lower bound.
        maximum: inclusive upper bound.
        above: exclusive lower bound.
        below: exclusive upper bound.
        incidental: the value cannot change a result (devices, folders, logging), so it does not count in signatures.
        content: the value is a path; what counts in signatures is what the file or folder contains, not where it is.
    """
    bounds = zip(_BOUNDS, (minimum, maximum, above, below), strict=True)
    metadata: dict[str, Any] = {name: bound for name, bound in bounds if bound is not None}
    metadata |= {_INCIDENTAL: incidental, _CONTENT: content}
    if isinstance(default, list | dict | Settings):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def is_incidental(field: dataclasses.Field[Any]) -> bool:
    """Whether the field is left out of signatures."""
    return bool(field.metadata.get(_INCIDENTAL))


def is_content(field: dataclasses.Field[Any]) -> bool:
    """Whether the field is a path that counts by content."""
    return bool(field.metadata.get(_CONTENT))


class Settings:
    """Mix-in of all component dataclasses: refuses values out of range at construction."""

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        for message in range_errors(type(self), values, prefix=f"{type(self).__name__}."):
            raise SettingError(message)


def range_errors(kind: type, values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Yield one line for each of `values` that leaves the range that `kind`, a dataclass, declares for it.

    Args:
        kind: the dataclass.
        values: the values by field name.
        prefix: what to put before the field's name, such as `lora.`, so that the line names the key the user typed.
    """
    for field in dataclasses.fields(kind):
        value = values.get(field.name)
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{prefix}{field.name}={value}: must be a finite number"
        elif isinstance(value, int | float) and not isinstance(value, bool) and not _is_within(field, value):
            yield f"{prefix}{field.name}={value}: must be {allowed_range(field)}"


def allowed_range(field: dataclasses.Field[Any]) -> str:
    """The range that a field declares, in words; empty where it declares none."""
    return " and ".join(
        f"{words} {field.metadata[name]}" for name, (words, _) in _BOUNDS.items() if name in field.metadata
    )


def _is_within(field: dataclasses.Field[Any], value: float) -> bool:
    return all(holds(value, field.metadata[name]) for name, (_, holds) in _BOUNDS.items() if name in field.metadata)
