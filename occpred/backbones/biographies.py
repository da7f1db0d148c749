"""Careers told as prose: education, positions, why people moved on or stayed, and what they were drawn to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from occpred.backbones.motives import UNKNOWN_ZONE, VOICES, Step, Voice, capital, motive
from occpred.prompts import plain
from occpred.records import CareerHistory, EducationEntry, Position
from occpred.taxonomy.taxonomy import Taxonomy

_NOTE_SHARE, _REMARK_SHARE = 0.5, 0.7

_MOVES = (
    "{Subject} {motive}, so {when}{subject} moved into {new}.",
    "{Subject} {motive} and {when}became one of the {new}.",
    "Because {subject} {motive}, {subject} took a position among {new}.",
    "{When}{subject} joined {new}: {subject} {motive}.",
    "The next occupation was {new}. {Subject} {motive}.",
    "{Subject} left {old} because {subject} {motive}; the next position was in {new}.",
    "{Subject} {motive}. This led {object} from {old} to {new}.",
    "{When}{subject} changed from {old} to {new}, since {subject} {motive}.",
)
_STAYS = (
    "{Subject} {motive}, so {when}{subject} stayed with {new}.",
    "{When}{subject} remained in {new}: {subject} {motive}.",
    "{Subject} {motive} and took another position among {new}.",
    "The next position was again in {new}, because {subject} {motive}.",
)
_STUDIES = (
    "{Subject} studied {field} and finished with a {degree}.",
    "{Possessive} education ended with a {degree} in {field}.",
    "After a {degree} in {field}, {subject} {was} ready to work.",
    "{Subject} {has} a {degree}; the field was {field}.",
)
_PLAIN_STUDIES = (
    "{Subject} {has} a {degree}.",
    "{Possessive} education ended with a {degree}.",
    "{Subject} left school with a {degree}.",
)
_BEGINNINGS = (
    "{When}{subject} began in {new}, in the field of {group}.",
    "{Possessive} first position was among {new}.",
    "{Possessive} career started in {group}, with work in {new}.",
    "{Subject} first worked in {new}{wording}.",
)
_NOTES = (
    "What {subject} noted of that time: {note}.",
    'About this work {subject} said: "{note}."',
    "{note}, as {subject} put it.",
)
_STEADY = (
    "In all these years {subject} stayed with one occupation.",
    "{Possessive} timeline shows one occupation only: {subject} {was} steady.",
)
_RISING = (
    "Step by step {subject} rose to work of job zone {top_zone}.",
    "{Possessive} history shows ambition: from job zone {first_zone} up to job zone {top_zone}.",
)
_ENTRIES = ("{title}", "{title}", "<job>{title}</job>", "<occupation>{title}</occupation>")
"""A title stands at the beginning of a line or tag as well, where no space comes before it."""
_FOND = (
    "Looking back, {subject} {was} drawn to {fond} above all.",
    "Most of {possessive} career belongs to {fond}.",
    "The field {subject} came back to most often was {fond}.",
    "What the positions have in common is {fond}.",
)


def biography(history: CareerHistory, taxonomy: Taxonomy, random: Random) -> str:
    """Tell a whole career in sentences; the person speaks, or is spoken of."""
    voice = random.choice(VOICES)
    sentences = [_study(entry, voice, random) for entry in history.education]
    for index, position in enumerate(history.positions):
        if index == 0:
            sentences.append(_beginning(position, voice, taxonomy, random))
        else:
            sentences.append(step_sentence(Step(history, index, taxonomy), voice, random))
        if position.description and random.random() < _NOTE_SHARE:
            note = plain(position.description).rstrip(".")
            sentences.append(_sentence(random.choice(_NOTES), voice.words() | {"note": note}))
    sentences += _closing(history, voice, taxonomy, random)
    return " ".join(sentences)


def step_sentence(step: Step, voice: Voice, random: Random) -> str:
    """Tell one step and its motive."""
    facts = voice.words() | step.facts() | {"motive": motive(step, voice, random)}
    frame = random.choice(_MOVES if step.moved else _STAYS)
    return _sentence(frame, facts | _when(step.after, random))


def remark(step: Step, voice: Voice, random: Random) -> str:
    """Tell only the motive of a step, not where it led."""
    return f"{capital(voice.subject)} {motive(step, voice, random)}."


def diary(history: CareerHistory, taxonomy: Taxonomy, random: Random) -> str:
    """List the occupations by official title, one a line, with remarks in between on why the next step was taken."""
    voice, frame, dated = random.choice(VOICES), random.choice(_ENTRIES), random.random() < _NOTE_SHARE
    lines = []
    for index, position in enumerate(history.positions):
        if index and random.random() < _REMARK_SHARE:
            lines.append(remark(Step(history, index, taxonomy), voice, random))
        date = f", {plain(position.start)}" if dated and position.start else ""
        lines.append(frame.format(title=taxonomy[position.occupation_code].title) + date)
    return "\n".join(lines)


def _study(entry: EducationEntry, voice: Voice, random: Random) -> str:
    frames = _STUDIES if entry.field else _PLAIN_STUDIES
    return _sentence(
        random.choice(frames), voice.words() | {"degree": plain(entry.degree), "field": plain(entry.field)}
    )


def _beginning(position: Position, voice: Voice, taxonomy: Taxonomy, random: Random) -> str:
    official = taxonomy[position.occupation_code].title
    facts = voice.words() | {
        "new": official,
        "group": taxonomy.major_group_title(position.occupation_code),
        "wording": f" as {plain(position.title)}" if position.title and position.title != official else "",
    }
    return _sentence(random.choice(_BEGINNINGS), facts | _when(position, random))


def _closing(history: CareerHistory, voice: Voice, taxonomy: Taxonomy, random: Random) -> Iterator[str]:
    codes = [position.occupation_code for position in history.positions]
    zones = [taxonomy[code].job_zone or UNKNOWN_ZONE for code in codes]
    groups = [taxonomy.major_group_title(code) for code in codes]
    facts = voice.words() | {"first_zone": zones[0], "top_zone": max(zones), "fond": max(groups, key=groups.count)}
    fitting: list[Sequence[str]] = [_FOND]
    if len(set(codes)) == 1:
        fitting.append(_STEADY)
    if max(zones) > zones[0]:
        fitting.append(_RISING)
    for frames in random.sample(fitting, k=random.randint(0, len(fitting))):
        yield _sentence(random.choice(frames), facts)


def _when(position: Position, random: Random) -> dict[str, object]:
    phrase = f"in {plain(position.start)} " if position.start and random.random() < 0.7 else ""
    return {"when": phrase, "When": capital(phrase)}


def _sentence(frame: str, facts: dict[str, object]) -> str:
    return capital(frame.format_map(facts))
