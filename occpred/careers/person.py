"""One simulated person: who they are, and how their career went."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from occpred.careers.disclosure import Disclosure, Job
from occpred.careers.source import MIN_POSITIONS
from occpred.careers.world import (
    LEVELS,
    MEDIAN_MONTHS,
    TENURE_NOISE,
    TENURE_STABILITY,
    Floats,
    Preference,
    Schooling,
    World,
)
from occpred.records import CareerHistory

MAX_POSITIONS = 12
_SHORTEST_MONTHS, _WORKING_LIFE_MONTHS = 4, 480


@dataclass(frozen=True)
class SimulatedPerson:
    """A history together with what lies behind it."""

    history: CareerHistory
    preference: Preference
    schooling: Schooling
    jobs: tuple[Job, ...]
    """One for each position of the history."""


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
    return SimulatedPerson(history, preference, schooling, jobs)


def _draw_preference(world: World, random: Random) -> Preference:
    calling = random.choice(world.groups)
    interest = world.groups[_draw(world.interest_probabilities(calling), random)]
    return Preference(calling, interest, ambition=random.uniform(-1, 1), stability=random.uniform(-1, 1))


def _draw_jobs(
    world: World, preference: Preference, schooling: Schooling, mean_positions: float, random: Random
) -> tuple[Job, ...]:
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
            return tuple(jobs)
        if random.random() >= world.stay_probability(preference, jobs[-1].months):
            held = {job.code for job in jobs}
            code = codes[_draw(world.move_probabilities(preference, code, schooling, held), random)]


def _draw(probabilities: Floats, random: Random) -> int:
    bounds = probabilities.cumsum()
    return int(bounds.searchsorted(random.random() * bounds[-1], side="right"))
