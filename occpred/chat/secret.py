"""The key of an endpoint: read from the environment, sent to the server, and seen nowhere else."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from occpred.errors import UserError

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_PIECE = 8
"""Characters of a key that give it away: servers that refuse a key like to show a part of it."""
_SURELY_A_KEY = 16
"""Shorter ones (`EMPTY`, `none`) are words that an answer may hold."""
_MASK = "[key]"


def is_variable(name: str) -> bool:
    """Whether `name` looks like that of an environment variable: capitals, which hardly any key is made of."""
    return _VARIABLE.fullmatch(name) is not None


@dataclass(frozen=True)
class Secret:
    """A key, or none (empty)."""

    value: str = field(default="", repr=False)

    @staticmethod
    def from_environment(variable: str) -> Secret:
        """Read what the environment variable holds; no variable, no key. Raises `UserError` where it holds no key."""
        if not variable:
            return Secret()
        value = os.environ.get(variable, "").strip()
        if not value:
            raise UserError(
                f"key_variable={variable}: this environment variable is not set; put the server's key there"
            )
        if not re.fullmatch(r"[!-~]+", value):
            raise UserError(
                f"key_variable={variable}: this environment variable holds blanks, quotes of a word processor or other "
                "characters that no key has; put the server's key there and nothing else"
            )
        return Secret(value)

    def redacted(self, message: str) -> str:
        """Return `message` without the key and without any larger piece of it."""
        size = min(_PIECE, len(self.value))
        pieces = {self.value[start : start + size] for start in range(len(self.value) - size + 1)} if size else set()
        starts = [start for start in range(len(message)) if message[start : start + size] in pieces]
        shown, end = [], 0
        for start in starts:
            if start >= end:
                shown += [message[end:start], _MASK]
            end = start + size
        return "".join([*shown, message[end:]])

    def removed(self, answer: str) -> str:
        """Return what a model said without the key, should its server have repeated it."""
        return answer.replace(self.value, _MASK) if len(self.value) >= _SURELY_A_KEY else answer
