"""What of a person's career may leave for a chat model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from occpred.chat.masking import Mask, Masking, organisation_names, person_names
from occpred.records import CareerHistory, EducationEntry, Position
from occpred.settings import Settings, setting


class Field(Enum):
    """What a history tells of a person beside the official titles of the occupations."""

    OWN_TITLE = "job titles in the person's words"
    DATES = "dates"
    DEGREE = "degrees"
    FIELD_OF_STUDY = "fields of study"
    INSTITUTION = "institutions"
    EMPLOYER = "employers"
    DESCRIPTION = "descriptions"


@dataclass
class Privacy(Settings):
    """Limits histories, and texts about them, to what may leave.

    Official occupation titles always leave: they are what the question is about.
    """

    allowed: list[Field] = setting([Field.OWN_TITLE, Field.DATES, Field.DEGREE, Field.FIELD_OF_STUDY])
    """The fields that leave; the others are left blank."""
    mask: bool = True
    """Whether e-mail addresses, phone numbers, links, the person's name, and names of employers and institutions which
    may not leave, are masked in all that leaves."""

    def limit(self, history: CareerHistory) -> CareerHistory:
        """The part of `history` that may leave, without the person's name. What is limited stays as it is."""
        mask = self._masking(history)
        education = [self._education(entry, mask) for entry in history.education]
        return CareerHistory(
            history.person_id,
            tuple(entry for entry in education if entry.degree or entry.field or entry.institution),
            tuple(self._position(position, mask) for position in history.positions),
        )

    def limit_text(self, text: str, history: CareerHistory) -> str:
        """The text as it may leave: masked, by what `history` tells of the person whom it is about, and plain."""
        return self._masking(history)(text)

    def describe(self) -> str:
        """What leaves, in words."""
        leaves = ["official occupation titles", *(each.value for each in Field if each in self.allowed)]
        stays = [each.value for each in Field if each not in self.allowed]
        parts = [_listed(leaves), f"not {_listed(stays)}" if stays else ""]
        names = [each.value for each in (Field.INSTITUTION, Field.EMPLOYER) if each not in self.allowed]
        hidden = [
            "e-mail addresses",
            "phone numbers",
            "links",
            "the person's name",
            *(f"names of {name}" for name in names),
        ]
        parts.append(f"{_listed(hidden)} are masked" if self.mask else "nothing is masked")
        return "; ".join(filter(None, parts))

    def _education(self, entry: EducationEntry, mask: Callable[[str], str]) -> EducationEntry:
        return EducationEntry(
            self._shown(Field.DEGREE, entry.degree, mask),
            self._shown(Field.FIELD_OF_STUDY, entry.field, mask),
            self._shown(Field.INSTITUTION, entry.institution, mask),
            *self._dates(entry),
        )

    def _position(self, position: Position, mask: Callable[[str], str]) -> Position:
        start, end = self._dates(position)
        return Position(
            position.occupation_code,
            # Where it is blank, prompts show the official title alone.
            self._shown(Field.OWN_TITLE, position.title, mask),
            self._shown(Field.EMPLOYER, position.employer, mask),
            start,
            end,
            self._shown(Field.DESCRIPTION, position.description, mask),
        )

    def _dates(self, entry: EducationEntry | Position) -> tuple[str | None, str | None]:
        return (entry.start, entry.end) if Field.DATES in self.allowed else (None, None)

    def _shown(self, kind: Field, text: str, mask: Callable[[str], str]) -> str:
        return mask(text) if kind in self.allowed and text else ""

    def _masking(self, history: CareerHistory) -> Callable[[str], str]:
        return Masking(self._names(history)) if self.mask else str

    def _names(self, history: CareerHistory) -> Iterator[tuple[str, Mask]]:
        yield from ((name, Mask.NAME) for name in person_names(history.name))
        if Field.EMPLOYER not in self.allowed:
            for position in history.positions:
                yield from ((name, Mask.EMPLOYER) for name in organisation_names(position.employer))
        if Field.INSTITUTION not in self.allowed:
            for entry in history.education:
                yield from ((name, Mask.INSTITUTION) for name in organisation_names(entry.institution))


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
