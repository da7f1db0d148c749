"""One spelling for titles that differ only in case, spacing, punctuation, accents or Unicode form."""

from __future__ import annotations

import unicodedata

_MEANINGFUL = {"+": "+", "#": "#", "&": " and ", "'": "", "\u2019": ""}
"""Punctuation that is more than a gap: C++ and C# are not C, `&` is a word, an apostrophe joins."""


def normalise(title: str) -> str:
    """Fold `title` to lower-case words with single spaces between them; the empty string where it has no word.

    Accents go, compatibility forms (ligatures, full-width letters) become their plain ones. Normalising twice changes
    nothing more.
    """
    folded = _without_marks(_without_marks(title).casefold())
    words = "".join(char if char.isalnum() else _MEANINGFUL.get(char, " ") for char in folded)
    return " ".join(words.split())


def _without_marks(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
