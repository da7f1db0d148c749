"""Words of a text with their places, folded so that case, accents and singular or plural do not matter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from occpred.taxonomy.normalise import normalise

_WORD = re.compile(r"[\w+#]+(?:['\u2019]\w+)*|&")
_PLURALS_WITH_E = ("sses", "ches", "shes", "xes", "zes")
_NO_PLURALS = ("ss", "us", "is")
_SHORTEST_STEM = 4


@dataclass(frozen=True)
class Word:
    """A folded word; it stands at `start` to `end` of the text it was taken from."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=1024)
def find_words(text: str) -> tuple[Word, ...]:
    """Split `text` into folded words, in order."""
    return tuple(Word(part, match.start(), match.end()) for match in _WORD.finditer(text) for part in _fold(match[0]))


def fold(text: str) -> tuple[str, ...]:
    """The folded words of `text`, without their places: `Restaurant Cooks` gives `restaurant`, `cook`."""
    return tuple(word.text for word in find_words(text))


def alike(one: str, other: str) -> bool:
    """Whether two folded words probably share a stem, as `nurse` and `nursing`, or `teacher` and `teaching` do."""
    needed = max(_SHORTEST_STEM, min(len(one), len(other)) - 2)
    return one == other or (min(len(one), len(other)) >= needed and one[:needed] == other[:needed])


@lru_cache(maxsize=100_000)
def _fold(word: str) -> tuple[str, ...]:
    return tuple(_singular(part) for part in normalise(word).split())


def _singular(word: str) -> str:
    """A crude singular. It need not be English: it must only be the same for a noun's singular and plural."""
    if len(word) <= 3 or word.endswith(_NO_PLURALS):
        return word
    if word.endswith("men"):
        return word[:-2] + "an"
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(_PLURALS_WITH_E):
        return word[:-2]
    return word.removesuffix("s")
