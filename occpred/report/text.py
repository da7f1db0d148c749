"""Text from data, made safe to look at: no control characters, whatever it is shown in."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""C0 and C1 control characters but tab and newline, the bidirectional overrides, which would let a text rearrange
what stands around it, and lone surrogates, which no encoding can write."""


def printable(text: str) -> str:
    """Put U+FFFD in place of each control character, so that a terminal or browser shows the text and obeys nothing."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """Make the text printable and put a space in place of each run of white space."""
    return " ".join(printable(text).split())
