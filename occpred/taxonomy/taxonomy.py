"""A taxonomy: the occupations an answer may name, their groups, and the way from a title to its occupation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from occpred.errors import UserError
from occpred.records import Occupation
from occpred.settings import Settings
from occpred.taxonomy.major_groups import SOC_MAJOR_GROUPS
from occpred.taxonomy.normalise import normalise

_SUGGESTIONS = 3
_MINIMUM_SIMILARITY = 60
_LONGEST_QUOTE = 80


class MatchKind(Enum):
    """How a title was recognised, from the surest way to the loosest."""

    EXACT = "exact"
    """The official title, character for character."""
    NORMALISED = "normalised"
    """The official title but for case, spacing, punctuation or accents."""
    ALTERNATE = "alternate"
    """An alternate title (normalised) that belongs to this one occupation alone."""


@dataclass(frozen=True)
class Match:
    """The occupation a title stands for, and how that is known."""

    code: str
    how: MatchKind


class UnknownTitleError(UserError):
    """A title that names no occupation, or an alternate title that several occupations share.

    `candidates` holds official titles: of the sharing occupations in taxonomy order, or else of the most similar ones,
    best first.
    """

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class Taxonomy:
    """An immutable set of occupations, sorted by code.

    Args:
        name: what reports call it, such as `O*NET 29.1`.
        occupations: in any order, with distinct codes and titles; `related` codes must be among them.
        groups: the major group of each code. By default a code's first two characters, as in SOC codes.
        group_titles: the title of each major group; a group that is not in it goes by its own name.

    Raises:
        UserError: no occupation, or a code or title that stands for two.
        ValueError: a related or grouped code that is not in the taxonomy.
    """

    def __init__(
        self,
        name: str,
        occupations: Iterable[Occupation],
        groups: Mapping[str, str] | None = None,
        group_titles: Mapping[str, str] = SOC_MAJOR_GROUPS,
    ) -> None:
        self.name: Final = name
        self.occupations: Final = tuple(sorted(occupations, key=lambda occupation: occupation.code))
        self.codes: Final = tuple(occupation.code for occupation in self.occupations)
        self.groups: Final = {code: code[:2] for code in self.codes} if groups is None else dict(groups)
        self._group_titles = dict(group_titles)
        self._indices = {code: index for index, code in enumerate(self.codes)}
        self._codes_by_title = {occupation.title: occupation.code for occupation in self.occupations}
        self._check()

    def _check(self) -> None:
        if not self.occupations:
            raise UserError(f"{self.name} has no occupations")
        titles = [occupation.title for occupation in self.occupations]
        for what, names in (("code", self.codes), ("title", titles)):
            if repeated := [name for name, count in Counter(names).items() if count > 1]:
                raise UserError(f"{self.name}: two occupations have the {what} {repeated[0]!r}")
        if self.groups.keys() != self._indices.keys():
            raise ValueError(f"{self.name}: groups must be given for exactly the taxonomy's codes")
        for occupation in self.occupations:
            if missing := [code for code in occupation.related if code not in self]:
                raise ValueError(f"{self.name}: {occupation.code} is related to {missing[0]}, which is not in it")

    def __len__(self) -> int:
        return len(self.occupations)

    def __contains__(self, code: object) -> bool:
        return code in self._indices

    def __getitem__(self, code: str) -> Occupation:
        return self.occupations[self._indices[code]]

    def index(self, code: str) -> int:
        """The column of `code` wherever all occupations are scored. Raises `KeyError` for an unknown code."""
        return self._indices[code]

    def major_group(self, code: str) -> str:
        """The key of the major group of `code`: `15` for `15-1252.00`. Raises `KeyError` for an unknown code."""
        return self.groups[code]

    def major_group_title(self, code: str) -> str:
        """The title of that group: `Computer and Mathematical`. Raises `KeyError` for an unknown code."""
        group = self.groups[code]
        return self._group_titles.get(group, group)

    def find_exact(self, title: str) -> str | None:
        """The code of the occupation whose official title is `title` to the letter; `None` where there is none."""
        return self._codes_by_title.get(title)

    def lookup(self, title: str) -> Match:
        """Find the one occupation that `title` stands for: as it is, then normalised, then as an alternate title.

        Raises:
            UnknownTitleError: no occupation has this title, or several have it. It is never guessed.
        """
        if (code := self.find_exact(title)) is not None:
            return Match(code, MatchKind.EXACT)
        spelling = normalise(title)
        for titles, how in (
            (self._codes_by_normalised_title, MatchKind.NORMALISED),
            (self._codes_by_alternate_title, MatchKind.ALTERNATE),
        ):
            codes = titles.get(spelling, ())
            if len(codes) == 1:
                return Match(codes[0], how)
            if codes:
                raise self._shared(title, codes)
        raise self._unknown(title, spelling)

    def _shared(self, title: str, codes: tuple[str, ...]) -> UnknownTitleError:
        candidates = tuple(self[code].title for code in codes)
        more = f" and {len(candidates) - _SUGGESTIONS} more" if len(candidates) > _SUGGESTIONS else ""
        return UnknownTitleError(
            f"{_quoted(title)} is a title of {len(candidates)} occupations in {self.name}, "
            f"{_listed(candidates[:_SUGGESTIONS])}{more}; give the official title of one",
            candidates,
        )

    def _unknown(self, title: str, spelling: str) -> UnknownTitleError:
        candidates = self._most_similar(spelling)
        hint = f"did you mean {_listed(candidates)}?" if candidates else "nothing in it is similar"
        return UnknownTitleError(f"no occupation in {self.name} is titled {_quoted(title)}: {hint}", candidates)

    def _most_similar(self, spelling: str) -> tuple[str, ...]:
        from rapidfuzz import fuzz, process

        titles = self._codes_by_alternate_title | self._codes_by_normalised_title
        similar = process.extract(
            spelling[:_LONGEST_QUOTE],
            titles.keys(),
            scorer=fuzz.ratio,
            limit=_SUGGESTIONS,
            score_cutoff=_MINIMUM_SIMILARITY,
        )
        codes = dict.fromkeys(code for text, _, _ in similar for code in titles[text])
        return tuple(self[code].title for code in codes)[:_SUGGESTIONS]

    @cached_property
    def _codes_by_normalised_title(self) -> dict[str, tuple[str, ...]]:
        return _collect((occupation.title, occupation.code) for occupation in self.occupations)

    @cached_property
    def _codes_by_alternate_title(self) -> dict[str, tuple[str, ...]]:
        return _collect(
            (alternate, occupation.code) for occupation in self.occupations for alternate in occupation.alternate_titles
        )


def _collect(entries: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Group codes by normalised title, without repeats, in the order given."""
    codes: dict[str, dict[str, None]] = {}
    for title, code in entries:
        if spelling := normalise(title):
            codes.setdefault(spelling, {})[code] = None
    return {spelling: tuple(group) for spelling, group in codes.items()}


def _listed(titles: Iterable[str]) -> str:
    return ", ".join(f'"{title}"' for title in titles)


def _quoted(title: str) -> str:
    return repr(title if len(title) <= _LONGEST_QUOTE else title[:_LONGEST_QUOTE] + "…")


@dataclass
class TaxonomySource(Settings, ABC):
    """Where the occupations come from: the base of the choices of the `taxonomy` group."""

    @abstractmethod
    def load(self) -> Taxonomy:
        """Read the taxonomy. Raises `UserError` where its files are missing or damaged."""
