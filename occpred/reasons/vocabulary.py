"""Finding a taxonomy's titles in running text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from occpred.reasons.words import Word, alike, find_words, fold

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

_FUNCTION_WORDS = frozenset({"a", "and", "for", "in", "of", "or", "the", "with"})
_INTRODUCTIONS = frozenset({"a", "an", "as"})


class MentionKind(Enum):
    """What is mentioned; where a phrase could be several things, the first of these."""

    OFFICIAL = "official title"
    FIELD = "title of a major group"
    ALTERNATE = "alternate title"


@dataclass(frozen=True)
class Mention:
    """A phrase at `start` to `end` of a text that names occupations (`keys` are codes) or a major group (its key).

    `introduced` tells that it is marked as a name, by a capital letter inside the sentence or by `a`, `an` or `as`.
    """

    kind: MentionKind
    keys: frozenset[str]
    start: int
    end: int
    introduced: bool

    def names(self, code: str) -> bool:
        """Whether this is a title of the occupation `code` and, if alternate, of no other."""
        return self.may_name(code) and not self.is_ambiguous

    def may_name(self, code: str) -> bool:
        """Whether this is a title of the occupation `code`, be it of others too."""
        return self.kind is not MentionKind.FIELD and code in self.keys

    @property
    def is_ambiguous(self) -> bool:
        """Whether several occupations share this title."""
        return len(self.keys) > 1


@lru_cache(maxsize=4)
def vocabulary_of(taxonomy: Taxonomy) -> Vocabulary:
    """The vocabulary of `taxonomy`, made once: indexing 50,000 alternate titles takes a second."""
    return Vocabulary(taxonomy)


class Vocabulary:
    """All titles of a taxonomy's occupations and major groups, ready to be found in texts.

    Titles match in singular and plural and whatever their case; `Cooks, Restaurant` also matches as `restaurant cook`.
    The longest title wins, so `Infantry` is not found in `Infantry Officers`. A single word that is an alternate title
    or a field (`Owner`, `Management`) is an everyday word as well: it counts only where it is written as a name.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._phrases: dict[tuple[str, ...], tuple[MentionKind, set[str]]] = {}
        for occupation in taxonomy.occupations:
            for title in _spellings(occupation.title):
                self._add(title, MentionKind.OFFICIAL, occupation.code)
        for code in taxonomy.codes:
            self._add(taxonomy.major_group_title(code), MentionKind.FIELD, taxonomy.major_group(code))
        for occupation in taxonomy.occupations:
            for title in occupation.alternate_titles:
                self._add(title, MentionKind.ALTERNATE, occupation.code)
        self._lengths: dict[str, list[int]] = {}
        for phrase in sorted(self._phrases, key=len, reverse=True):
            lengths = self._lengths.setdefault(phrase[0], [])
            if len(phrase) not in lengths:
                lengths.append(len(phrase))
        self.words: frozenset[str] = frozenset(word for phrase in self._phrases for word in phrase)

        self._titles_by_field: dict[str, list[tuple[str, ...]]] = {}
        for occupation in taxonomy.occupations:
            field = taxonomy.major_group_title(occupation.code)
            self._titles_by_field.setdefault(field, [fold(field)]).append(fold(occupation.title))
        self._nearest_fields: dict[tuple[str, ...], str | None] = {}

    def _add(self, title: str, kind: MentionKind, key: str) -> None:
        if phrase := fold(title):
            first_kind, keys = self._phrases.setdefault(phrase, (kind, set()))
            if kind is first_kind:
                keys.add(key)

    def nearest_field(self, study: tuple[str, ...]) -> str | None:
        """The title of the major group whose titles share most with a field of study (folded words), if any does."""
        if study not in self._nearest_fields:
            shares = {field: _affinity(frozenset(study), titles) for field, titles in self._titles_by_field.items()}
            best = max(shares, key=lambda field: shares[field])
            self._nearest_fields[study] = best if shares[best] else None
        return self._nearest_fields[study]

    def mentions(self, text: str) -> list[Mention]:
        """All mentions in `text`, in order, none overlapping another."""
        return list(self._mentions(text, find_words(text)))

    def _mentions(self, text: str, words: tuple[Word, ...]) -> Iterator[Mention]:
        index = 0
        while index < len(words):
            length = self._longest(words, index)
            if length and (mention := self._mention(text, words, index, length)):
                yield mention
            index += max(length, 1)

    def _longest(self, words: tuple[Word, ...], index: int) -> int:
        for length in self._lengths.get(words[index].text, ()):
            phrase = tuple(word.text for word in words[index : index + length])
            if len(phrase) == length and phrase in self._phrases:
                return length
        return 0

    def _mention(self, text: str, words: tuple[Word, ...], index: int, length: int) -> Mention | None:
        kind, keys = self._phrases[tuple(word.text for word in words[index : index + length])]
        start, end = words[index].start, words[index + length - 1].end
        follows = index > 0 and words[index - 1].text in _INTRODUCTIONS
        named = text[start].isupper() and not is_sentence_start(text, start)
        if length == 1 and kind is MentionKind.ALTERNATE and not (follows or named):
            return None
        if length == 1 and kind is MentionKind.FIELD and text[start].islower():
            return None
        return Mention(kind, frozenset(keys), start, end, follows or named)


def is_sentence_start(text: str, start: int) -> bool:
    """Whether the word at `start` opens a sentence, so that its capital letter says nothing."""
    before = text[:start].rstrip(" \t\"'(*_#\u201c\u2018")
    return not before or before[-1] in ".!?:;\n\r"


def _affinity(study: frozenset[str], titles: list[tuple[str, ...]]) -> float:
    """The sum over the words of `study` of the share of `titles` that have a word alike."""
    words = study - _FUNCTION_WORDS
    hits = sum(any(alike(word, other) for other in title) for word in words for title in titles)
    return hits / len(titles)


def _spellings(title: str) -> Iterator[str]:
    yield title
    head, comma, tail = title.partition(", ")
    if comma and "," not in tail:
        yield f"{tail} {head}"
