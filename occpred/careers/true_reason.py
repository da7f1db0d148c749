"""Why a simulated person took each step: an honest sentence, made from what weighed in the draw itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

from occpred.careers.disclosure import Job
from occpred.careers.person import SimulatedPerson
from occpred.careers.world import Driver, Preference, World
from occpred.records import TrueReason

_DECISIVE = math.log(1.5)
"""A driver is named where it made the step at least half as likely again."""


def true_reasons(world: World, person: SimulatedPerson) -> Iterator[TrueReason]:
    """Yield what drove each step of `person`, one for each position but the first."""
    preference = asdict(person.preference)
    for index in range(1, len(person.jobs)):
        yield TrueReason(f"{person.history.person_id}/{index}", _text(world, person, index), preference)


def _text(world: World, person: SimulatedPerson, index: int) -> str:
    before, after = person.jobs[index - 1 : index + 1]
    if before.code == after.code:
        return _stay_text(world, person.preference, before)
    held = {job.code for job in person.jobs[:index]}
    lifts = world.move_drivers(person.preference, before.code, person.schooling, held, after.code)
    by_lift = sorted(lifts, key=lambda driver: lifts[driver], reverse=True)
    decisive = [driver for driver in by_lift[:2] if lifts[driver] >= _DECISIVE]
    clauses = [_clause(world, person.preference, driver, before.code, after.code) for driver in decisive]
    return (
        f"The person moved {', and also '.join(clauses) or 'by chance: nothing they wanted made this step likelier'}."
    )


def _stay_text(world: World, preference: Preference, job: Job) -> str:
    stability, tenure = world.stay_drivers(preference, job.months)
    if max(stability, tenure) < _DECISIVE:
        return "The person stayed in the occupation by chance: nothing they wanted made staying likelier."
    if stability >= tenure:
        return "The person stayed in the occupation because they value what is settled over what is new."
    return "The person stayed in the occupation because they had grown into it over a long time."


def _clause(world: World, preference: Preference, driver: Driver, before: str, after: str) -> str:
    match driver:
        case Driver.CALLING:
            return f"because they feel called to the field of {world.group_title(preference.calling)}"
        case Driver.INTEREST:
            return (
                f"because they are drawn to the field of {world.group_title(preference.interest)} as a second interest"
            )
        case Driver.AMBITION:
            step = world.zone(after) - world.zone(before)
            if step > 0:
                return "because they wish to rise to work that asks for more preparation"
            return f"because they want work that asks for {'less' if step < 0 else 'about as much'} preparation"
        case Driver.PATH:
            return "because the way from the occupation they left is short and well trodden"
