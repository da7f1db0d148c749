"""Why people move on or stay, as far as a career itself shows it.

Motives are read off consecutive positions (another major group, a higher job zone, a long stay). What really drives a
simulated person is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from occpred.records import CareerHistory, Position
from occpred.taxonomy.taxonomy import Taxonomy

_LONG_STAY, _SHORT_STAY = 6, 1
UNKNOWN_ZONE = 3
"""Where the taxonomy gives no job zone, the middle one is told."""


@dataclass(frozen=True)
class Voice:
    """Who is spoken of, in the forms that sentences need."""

    subject: str
    possessive: str
    object: str
    was: str
    has: str

    def words(self) -> dict[str, Any]:
        """The forms by name; `Subject` and `Possessive` begin a sentence."""
        return {**asdict(self), "Subject": capital(self.subject), "Possessive": capital(self.possessive)}


VOICES = (
    Voice("I", "my", "me", "was", "have"),
    Voice("she", "her", "her", "was", "has"),
    Voice("he", "his", "him", "was", "has"),
    Voice("they", "their", "them", "were", "have"),
    Voice("this person", "their", "them", "was", "has"),
)


class Step:
    """One position after another, seen from the whole career up to then."""

    def __init__(self, history: CareerHistory, index: int, taxonomy: Taxonomy) -> None:
        self.before, self.after = history.positions[index - 1], history.positions[index]
        old, new = taxonomy[self.before.occupation_code], taxonomy[self.after.occupation_code]
        group_titles = [
            taxonomy.major_group_title(position.occupation_code) for position in history.positions[: index + 1]
        ]
        self.old_title, self.new_title = old.title, new.title
        self.old_zone, self.new_zone = old.job_zone or UNKNOWN_ZONE, new.job_zone or UNKNOWN_ZONE
        self.old_group, self.new_group = group_titles[-2:]
        self.returned = self.moved and self.new_group != self.old_group and self.new_group in group_titles[:-2]
        self.related = new.code in old.related
        self.years = _years(self.before)

    def facts(self) -> dict[str, object]:
        """What sentences may tell of the step, by name."""
        return {
            "old": self.old_title,
            "new": self.new_title,
            "old_group": self.old_group,
            "new_group": self.new_group,
            "old_zone": self.old_zone,
            "new_zone": self.new_zone,
            "years": self.years,
        }

    @property
    def moved(self) -> bool:
        """Whether the occupation changed."""
        return self.old_title != self.new_title


@dataclass(frozen=True)
class Motive:
    """A reason to move or stay: when it fits, and verb phrases (past tense) that say it."""

    fits: Callable[[Step], bool]
    phrases: tuple[str, ...]


MOTIVES = (
    Motive(
        lambda step: step.moved and step.new_group != step.old_group,
        (
            "{was} drawn to {new_group}",
            "had grown curious about {new_group}",
            "felt more and more at home in {new_group}",
            "wanted to leave {old_group} behind",
            "{was} looking for a new field and found it in {new_group}",
            "had lost interest in {old_group} and turned to {new_group}",
            "had always cared for the field of {new_group}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.new_group == step.old_group,
        (
            "wanted something new without leaving {new_group}",
            "{was} drawn to {new_group} as before",
            "remained loyal to {new_group}",
            "knew the field of {new_group} and wanted to grow in it",
            "preferred to build on experience in {new_group}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.new_zone > step.old_zone,
        (
            "wanted to step up",
            "{was} ready for more responsibility",
            "looked for work that asks for more preparation",
            "had the ambition to rise from job zone {old_zone} to job zone {new_zone}",
            "wanted to take the next step up",
            "hoped for higher pay and a greater challenge",
            "seemed ready for job zone {new_zone}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.new_zone < step.old_zone,
        (
            "wanted a calmer life",
            "{was} willing to step down for work that suits {object} better",
            "preferred practical work to a high position",
            "accepted less responsibility in return for time",
            "{was} open to work of job zone {new_zone} after job zone {old_zone}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.new_zone == step.old_zone,
        (
            "wanted a change at the same level",
            "{was} content with the level of the work but not with the work",
            "sought variety rather than a higher position",
            "felt at ease in job zone {new_zone}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.related,
        (
            "saw that the new work was close to the old",
            "could use the same skills there",
            "found that {possessive} skills carry over",
            "wanted to use what {subject} had learned among {old}",
        ),
    ),
    Motive(
        lambda step: step.returned,
        (
            "missed {new_group} and went back",
            "{was} drawn back to {new_group}",
            "wanted to return to {possessive} earlier field, {new_group}",
        ),
    ),
    Motive(
        lambda step: step.moved and step.years >= _LONG_STAY,
        (
            "had done the same work for {years} years and needed a change",
            "felt that after {years} years it was time to move on",
        ),
    ),
    Motive(
        lambda step: step.moved and step.years <= _SHORT_STAY,
        (
            "had not settled in",
            "soon knew that the work among {old} was not for {object}",
            "liked to change often and stayed only a short time",
        ),
    ),
    Motive(
        lambda step: not step.moved,
        (
            "liked the work and saw no reason to change",
            "valued stability and familiar work",
            "{was} content with {new_group}",
            "preferred to stay where {possessive} experience counts",
            "put security above adventure",
            "{was} loyal to the occupation",
            "felt at ease in job zone {new_zone} and in {new_group}",
            "{was} drawn to {new_group} and likely to stay",
        ),
    ),
)


def motive(step: Step, voice: Voice, random: Random) -> str:
    """One to three motives that fit the step, as verb phrases in the past tense that follow the subject."""
    facts = voice.words() | step.facts()
    fitting = [motive for motive in MOTIVES if motive.fits(step)]
    chosen = random.sample(fitting, k=min(len(fitting), random.choice((1, 2, 2, 3))))
    *others, last = (random.choice(motive.phrases).format_map(facts) for motive in chosen)
    return f"{', '.join(others)} and {last}" if others else last


def capital(text: str) -> str:
    """`text` with its first letter in upper case and the others as they are."""
    return text[:1].upper() + text[1:]


def _years(position: Position) -> int:
    """Whole calendar years from start to end; 3, an ordinary stay, where a date is missing."""
    if position.start and position.end:
        return int(position.end[:4]) - int(position.start[:4])
    return 3
