"""The text that the tiny backbone is pretrained on: careers as timelines and prose, and what surrounds them.

The corpus has career language, never the form of an answer or a prompt's instructions. Its people come from seeds from
`FIRST_SEED` on, which no shipped experiment uses, so that nobody in it is ever a training or test person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from occpred.backbones.biographies import biography, diary, remark, step_sentence
from occpred.backbones.motives import VOICES, Step
from occpred.backbones.statements import remarks, roll_call, statements
from occpred.careers.simulated import SimulatedCareers
from occpred.prompts import render_history
from occpred.records import CareerHistory
from occpred.taxonomy.taxonomy import Taxonomy

FIRST_SEED = 1_000_000
VALIDATION_SEED = 2_000_000
"""Held-out people: this seed is never part of the training text, whose seeds run up from `FIRST_SEED`."""

_BIOGRAPHY_SHARE, _DIARY_SHARE = 0.4, 0.6
_STORIES_PER_PERSON = 3
"""Stories are the hardest text and the one that resembles predicting: a history, a motive, and what came next."""
_STATEMENTS_PER_PERSON, _REMARKS_PER_PERSON = 0.15, 0.04
_TOLD_SHARE = 0.25
_BULLETS = ("", "", "- ", "> ")
_MARKUP_SHARE = 0.05
_TAGS = (
    "career",
    "education",
    "history",
    "job",
    "note",
    "notes",
    "person",
    "profile",
    "record",
    "summary",
    "text",
    "work",
)


def documents(seed: int, people: int, taxonomy: Taxonomy) -> list[str]:
    """Make the documents about `people` simulated persons and the world they live in, shuffled.

    Raises:
        ValueError: `seed` is below `FIRST_SEED` and may belong to people of an experiment.
    """
    if seed < FIRST_SEED:
        raise ValueError(f"seed {seed}: seeds below {FIRST_SEED} belong to experiments")
    random = Random(f"corpus/{seed}")
    texts = [text for history in _simulate(seed, people, taxonomy) for text in _about(history, taxonomy, random)]
    texts += _around(people, taxonomy, random)
    texts = [_marked_up(text, random) if random.random() < _MARKUP_SHARE else text for text in texts]
    random.shuffle(texts)
    return texts


def timelines(seed: int, people: int, taxonomy: Taxonomy) -> list[str]:
    """Make only the complete timelines of `people` simulated persons, just as prompts write them."""
    return [render_history(history, taxonomy) for history in _simulate(seed, people, taxonomy)]


def _simulate(seed: int, people: int, taxonomy: Taxonomy) -> Iterator[CareerHistory]:
    for person in SimulatedCareers(seed=seed).simulate(taxonomy, range(people)):
        yield person.history


def _about(history: CareerHistory, taxonomy: Taxonomy, random: Random) -> Iterator[str]:
    yield render_history(_incomplete(history, taxonomy, random), taxonomy)
    if random.random() < _BIOGRAPHY_SHARE:
        yield biography(history, taxonomy, random)
    for _ in range(_STORIES_PER_PERSON):
        yield _story(history, taxonomy, random)
    if random.random() < _DIARY_SHARE:
        yield diary(history, taxonomy, random)


def _story(history: CareerHistory, taxonomy: Taxonomy, random: Random) -> str:
    """Break a timeline off, then tell the next step and its motive: motives are read in the light of a history."""
    index = random.randrange(1, len(history.positions))
    earlier = replace(history, positions=history.positions[:index])
    timeline = render_history(_incomplete(earlier, taxonomy, random), taxonomy)
    step, voice = Step(history, index, taxonomy), random.choice(VOICES)
    if random.random() < _TOLD_SHARE:
        return f"{timeline}\n{step_sentence(step, voice, random)}"
    return f"{timeline}\n{remark(step, voice, random)}\n{random.choice(_BULLETS)}{step.new_title}"


def _incomplete(history: CareerHistory, taxonomy: Taxonomy, random: Random) -> CareerHistory:
    """Leave out what some sources do not tell: education, dates, employers, the usual wording of titles."""
    if random.random() < 0.15:
        history = replace(history, education=())
    positions = history.positions
    if random.random() < 0.1:
        positions = tuple(replace(position, start=None, end=None) for position in positions)
    if random.random() < 0.1:
        positions = tuple(replace(position, employer="", description="") for position in positions)
    if random.random() < 0.15:
        positions = tuple(
            replace(position, title=random.choice(titles)) if titles else position
            for position in positions
            for titles in [taxonomy[position.occupation_code].alternate_titles]
        )
    return replace(history, positions=positions)


def _around(people: int, taxonomy: Taxonomy, random: Random) -> Iterator[str]:
    for _ in range(round(people * _STATEMENTS_PER_PERSON)):
        yield statements(random.choice(taxonomy.occupations), taxonomy, random)
    for _ in range(round(people * _REMARKS_PER_PERSON)):
        yield remarks(random)
    yield roll_call(random.choice(sorted(set(taxonomy.groups.values()))), taxonomy)


def _marked_up(text: str, random: Random) -> str:
    """Put a text between tags, as texts on the web often are: opened brackets have to be closed."""
    tag, inner = random.choice(_TAGS), random.choice(_TAGS)
    title, separator, body = text.partition("\n")
    if separator:
        return f"<{tag}>{title}\n<{inner}>{body}</{inner}></{tag}>"
    return f"<{tag}>{text}</{tag}>"
