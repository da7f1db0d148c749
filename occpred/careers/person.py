"""One simulated person: who they are, how their career went and why."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from random import Random

from occpred.careers.disclosure import Disclosure, Job
from occpred.careers.source import MIN_POSITIONS
from occpred.careers.world import (
    LEVELS,
    MEDIAN_MONTHS,
    TENURE_NOISE,
    TENURE_STABILITY,
    Driver,
    Floats,
    Preference,
    Schooling,
    World,
)
from occpred.records import CareerHistory, TrueReason

MAX_POSITIONS = 12
_SHORTEST_MONTHS, _WORKING_LIFE_MONTHS = 4, 480
_DECISIVE = math.log(1.5)
"""A driver is named as a reason where it made the move at least half as likely again."""


@dataclass(frozen=True)
class SimulatedPerson:
    """A history together with what lies behind it; `true_reasons` has one entry for each position but the first."""

    history: CareerHistory
    preference: Preference
    schooling: Schooling
    true_reasons: tuple[TrueReason, ...]


def draw_person(world: World, disclosure: Disclosure, mean_positions: float, seed: int, index: int) -> SimulatedPerson:
    """Draw person number `index` of the crowd `seed` from a generator of their own."""
    random = Random(f"{seed}/{index}")
    preference = _draw_preference(world, random)
    schooling = Schooling(
        level=LEVELS[_draw(world.level_probabilities(preference), random)],
        field=world.groups[_draw(world.field_probabilities(preference), random)],
    )
    jobs = _draw_jobs(world, preference, schooling, mean_positions, random)
    history = disclosure.history(f"simulated-{seed}-{index}", preference, schooling, jobs, random)
    wants = asdict(preference)
    reasons = tuple(
        TrueReason(
            example_id=f"{history.person_id}/{position}",
            text=_true_reason(world, preference, schooling, jobs[: position + 1]),
            preference=wants,
        )
        for position in range(1, len(jobs))
    )
    return SimulatedPerson(history, preference, schooling, reasons)


def _draw_preference(world: World, random: Random) -> Preference:
    calling = random.choice(world.groups)
    interest = world.groups[_draw(world.interest_probabilities(calling), random)]
    return Preference(calling, interest, ambition=random.uniform(-1, 1), stability=random.uniform(-1, 1))


def _draw_jobs(
    world: World, preference: Preference, schooling: Schooling, mean_positions: float, random: Random
) -> list[Job]:
    extra_positions = MAX_POSITIONS - MIN_POSITIONS
    chance = (mean_positions - MIN_POSITIONS) / extra_positions
    num_positions = MIN_POSITIONS + sum(random.random() < chance for _ in range(extra_positions))
    longest_months = _WORKING_LIFE_MONTHS // num_positions
    codes = world.taxonomy.codes
    code = codes[_draw(world.start_probabilities(schooling), random)]
    jobs: list[Job] = []
    while True:
        log_months = TENURE_STABILITY * preference.stability + random.gauss(0, TENURE_NOISE)
        months = round(MEDIAN_MONTHS * math.exp(log_months))
        jobs.append(Job(code, min(max(months, _SHORTEST_MONTHS), longest_months)))
        if len(jobs) == num_positions:
            return jobs
        if random.random() >= world.stay_probability(preference, jobs[-1].months):
            held = {job.code for job in jobs}
            code = codes[_draw(world.move_probabilities(preference, code, schooling, held), random)]


def _draw(probabilities: Floats, random: Random) -> int:
    bounds = probabilities.cumsum()
    return int(bounds.searchsorted(random.random() * bounds[-1], side="right"))


def _true_reason(world: World, preference: Preference, schooling: Schooling, jobs: list[Job]) -> str:
    """What drove the step from the last job but one to the last."""
    *_, before, after = jobs
    if before.code == after.code:
        return _stay_reason(world, preference, before)
    held = {job.code for job in jobs[:-1]}
    lifts = world.move_drivers(preference, before.code, schooling, held, after.code)
    by_lift = sorted(lifts, key=lambda driver: lifts[driver], reverse=True)
    decisive = [driver for driver in by_lift[:2] if lifts[driver] >= _DECISIVE]
    clauses = [_clause(world, preference, driver, before.code, after.code) for driver in decisive]
    return (
        f"The person moved {', and also '.join(clauses) or 'by chance: nothing they wanted made this step likelier'}."
    )


def _stay_reason(world: World, preference: Preference, job: Job) -> str:
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
