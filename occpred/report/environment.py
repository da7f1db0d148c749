"""Jinja as every page of a report uses it, and how its numbers are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from occpred.findings import FEWEST_PERSONS
from occpred.report.table import NO_VALUE, heading
from occpred.report.text import printable


def environment() -> Environment:
    """Jinja as the report uses it: all text is made printable and escaped, and an unknown name is an error."""
    templates = Environment(
        loader=PackageLoader("occpred.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    filters: dict[str, Callable[..., str]] = {
        "count": count,
        "percent_of": percent_of,
        "ratio": ratio,
        "money": money,
        "duration": duration,
        "memory": memory,
        "fact_label": fact_label,
        "fact_value": fact_value,
        "heading": heading,
    }
    templates.filters.update(filters)
    templates.globals["FEWEST_PERSONS"] = FEWEST_PERSONS
    return templates


def _finalize(value: Any) -> Any:
    """Make every piece of text printable before it is escaped; our own markup is left alone."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def count(number: int) -> str:
    """A whole number with separators."""
    return f"{number:,}"


def percent_of(part: float, whole: float) -> str:
    """A share as a percentage."""
    return f"{100 * part / whole:.1f}%" if whole else NO_VALUE


def ratio(number: float | None) -> str:
    """A number that need not be whole; a dash where there is none."""
    return NO_VALUE if number is None else f"{number:,.1f}"


def money(amounts: Mapping[str, float] | None) -> str:
    """Amounts by currency: to the hundredth, small ones to two digits that count."""
    if not amounts:
        return NO_VALUE
    return " + ".join(f"{amount:,.{_places(amount)}f} {currency}" for currency, amount in amounts.items())


def _places(amount: float) -> int:
    return max(2, 1 - math.floor(math.log10(amount))) if amount > 0 else 2


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def memory(size: int | None) -> str:
    """A number of bytes in GB."""
    return NO_VALUE if size is None else f"{size / 1e9:.2f} GB"


def fact_label(name: str) -> str:
    """A fact's key as words."""
    words = name.removesuffix("_share").replace("_", " ")
    return words[:1].upper() + words[1:]


def fact_value(value: float | int | str, name: str) -> str:
    """A fact's value as text; shares as percentages."""
    if isinstance(value, str):
        return value
    if name.endswith("_share"):
        return percent_of(value, 1)
    return count(value) if isinstance(value, int) else f"{value:.4g}"
