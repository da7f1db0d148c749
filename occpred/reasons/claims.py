"""A claim of a reason about a history."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """Something a reason states as fact: `text` is its wording, `supported` whether the history bears it out."""

    kind: str
    text: str
    supported: bool
