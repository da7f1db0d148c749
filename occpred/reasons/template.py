"""The offline teacher: grounded reasons composed by template."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.reasons.evidence import background, latest, outline
from occpred.reasons.expectation import Expectation, guessed_expectation, known_expectation
from occpred.reasons.teacher import Teacher
from occpred.records import CareerHistory, NextOccupationExample, Reason

if TYPE_CHECKING:
    from occpred.chat.correspondence import Correspondence
    from occpred.taxonomy.taxonomy import Taxonomy

SHORTEST, LONGEST = 25, 50
"""Words of a reason. The longest takes a small model about 110 tokens to write."""

_VAGUE = (
    "The history shows some experience and a certain line. The person seems to look for work that fits what came "
    "before, in a setting that feels right, and will probably take what comes along.",
    "The entries tell of somebody who knows working life. The person seems to care for suitable work, and the next "
    "step will probably be one that makes sense at this point of life.",
    "There is a path here with its own logic. The person seems to be open to many things and would probably be content "
    "with any work that suits the skills gained so far.",
)
_OPENING_WORDS = 4
"""A garbled reason puts a word before each of its sentences."""
_STAY, _LEAVE = "stay in the occupation", "change occupation"
_OPENINGS = ("This suggests a person", "The person seems")


@dataclass
class TemplateTeacher(Teacher):
    """Composes reasons from the history and the taxonomy, in a few frames that a small model can learn to write.

    Candidates differ in quality, so that a judge has something to judge, but all that they report is true. A blind
    teacher guesses the conclusion from the history, anew for each candidate; an answer-aware one argues for the target.
    A candidate depends on seed, example and its number alone.
    """

    def propose(
        self,
        examples: Sequence[NextOccupationExample],
        taxonomy: Taxonomy,
        candidates: Sequence[int] | None = None,
        correspondence: Correspondence | None = None,
    ) -> Iterator[Reason]:
        """All candidates, unless told which. It asks nobody, so it notes nothing."""
        source = f"template, {'answer-aware' if self.sees_target else 'blind'}"
        for example in examples:
            for candidate in range(self.num_candidates) if candidates is None else candidates:
                chance = random.Random(f"{self.seed}/{example.example_id}/{candidate}")
                target_code = example.target_code if self.sees_target else None
                text = _write(example.history, target_code, taxonomy, chance)
                yield Reason(example.example_id, candidate, text, source)


@dataclass(frozen=True)
class _Material:
    """What one reason is made of. `title` is the target's, for a teacher that sees it."""

    background: list[str]
    latest: str
    outline: list[str]
    expectation: Expectation
    title: str | None
    chance: random.Random


def _write(history: CareerHistory, target_code: str | None, taxonomy: Taxonomy, chance: random.Random) -> str:
    writer = chance.choices(list(_SHARES), weights=list(_SHARES.values()))[0]
    if target_code is None:
        expectation, title = guessed_expectation(history, taxonomy, chance), None
    else:
        expectation, title = known_expectation(history, target_code, taxonomy), taxonomy[target_code].title
    material = _Material(
        background(history, taxonomy), latest(history, taxonomy), outline(history), expectation, title, chance
    )
    return writer(material)


def _rich(material: _Material) -> str:
    """The evidence, then field, level, and whether to stay."""
    conclusion = _conclusion(material)
    return " ".join([*_choose(material, conclusion), conclusion])


def _leaking(material: _Material) -> str:
    """Rich, and the title of the target outright. A blind teacher knows none: it writes a rich one."""
    if material.title is None:
        return _rich(material)
    conclusion = f"{_conclusion(material)} The next occupation is {material.title}."
    return " ".join([*_choose(material, conclusion), conclusion])


def _vague(material: _Material) -> str:
    """Nothing in particular."""
    return material.chance.choice(_VAGUE)


def _garbled(material: _Material) -> str:
    """The true evidence, told in the wrong order."""
    conclusion = _conclusion(material)
    sentences = [conclusion, *reversed(_choose(material, conclusion))]
    openings = ["Finally", *["Then"] * (len(sentences) - 2), "First"]
    return " ".join(f"{opening}, {_inside(sentence)}" for opening, sentence in zip(openings, sentences, strict=False))


def _torn(material: _Material) -> str:
    """One conclusion, and then its opposite."""
    opposite = _LEAVE if material.expectation.stays else _STAY
    conclusion = f"{_conclusion(material)} At the same time the person seems likely to {opposite}."
    return " ".join([*_choose(material, conclusion), conclusion])


def _beside_the_point(material: _Material) -> str:
    """True, but it speaks for nothing."""
    return " ".join(material.outline)


_SHARES: Mapping[Callable[[_Material], str], int] = {
    _rich: 50,
    _leaking: 12,
    _vague: 12,
    _garbled: 11,
    _torn: 9,
    _beside_the_point: 7,
}
"""How often each kind of reason is written, relative to the others."""


def _conclusion(material: _Material) -> str:
    expectation = material.expectation
    level = _level(expectation)
    drawn = f"{material.chance.choice(_OPENINGS)} drawn to {expectation.field}"
    return f"{drawn}{f', {level}' if level else ''} and likely to {_STAY if expectation.stays else _LEAVE}."


def _level(expectation: Expectation) -> str:
    if expectation.job_zone is None:
        return ""
    if expectation.step == 0:
        return f"at ease in job zone {expectation.job_zone}"
    direction = "ready for a step up to" if expectation.step > 0 else "open to a step down to"
    return f"{direction} job zone {expectation.job_zone}"


def _choose(material: _Material, conclusion: str) -> list[str]:
    """One or two pieces of background, more where all is short, as far as they fit; then the latest position."""
    most = LONGEST - _OPENING_WORDS
    taken = len(f"{material.latest} {conclusion}".split())
    wanted = material.chance.randint(1, 2)
    chosen: list[int] = []
    for index in material.chance.sample(range(len(material.background)), len(material.background)):
        length = len(material.background[index].split())
        if taken + length <= most and (len(chosen) < wanted or taken < SHORTEST):
            chosen.append(index)
            taken += length
    present = [material.latest] if taken <= most else []
    return [*(material.background[index] for index in sorted(chosen)), *present]


def _inside(sentence: str) -> str:
    """`sentence` as it reads after an opening word."""
    return sentence[0].lower() + sentence[1:]
