from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from occpred.careers.world import LEVELS, Driver, Preference, Schooling, World
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

NURSE, PHYSICIAN, CLERK = "29-1141.00", "29-1215.00", "43-4051.00"
CALLED_TO_HEALTH = Preference(calling="29", interest="31", ambition=0.9, stability=0.0)


@pytest.fixture(scope="module")
def world(taxonomy: Taxonomy) -> World:
    return World(taxonomy, preference_strength=1.0, stay_share=0.35)


def test_all_probabilities_sum_to_one(world: World) -> None:
    for level in LEVELS:
        for group in world.groups:
            schooling = Schooling(level, group)
            preference = Preference(group, world.groups[0], ambition=-0.5, stability=0.2)
            for probabilities in (
                world.interest_probabilities(group),
                world.level_probabilities(preference),
                world.field_probabilities(preference),
                world.start_probabilities(schooling),
                world.move_probabilities(preference, CLERK, schooling, held=(CLERK, NURSE)),
                world.next_probabilities(preference, CLERK, 40, schooling),
            ):
                assert (probabilities >= 0).all()
                assert probabilities.sum() == pytest.approx(1)


def test_who_leaves_does_not_stay(world: World, taxonomy: Taxonomy) -> None:
    schooling = Schooling(4, "43")
    moving_C = world.move_probabilities(CALLED_TO_HEALTH, CLERK, schooling)
    assert moving_C[taxonomy.index(CLERK)] == 0
    stay = world.stay_probability(CALLED_TO_HEALTH, 40)
    next_C = world.next_probabilities(CALLED_TO_HEALTH, CLERK, 40, schooling)
    assert next_C[taxonomy.index(CLERK)] == stay
    np.testing.assert_allclose(
        np.delete(next_C, taxonomy.index(CLERK)), np.delete((1 - stay) * moving_C, taxonomy.index(CLERK))
    )


def test_stability_and_tenure_make_staying_likelier(world: World) -> None:
    neutral = world.stay_probability(CALLED_TO_HEALTH, 30)
    assert world.stay_probability(replace(CALLED_TO_HEALTH, stability=0.5), 30) > neutral
    assert world.stay_probability(replace(CALLED_TO_HEALTH, stability=-0.5), 30) < neutral
    assert world.stay_probability(CALLED_TO_HEALTH, 60) > neutral


def test_calling_interest_ambition_and_memory_tilt_moves(world: World, taxonomy: Taxonomy) -> None:
    schooling = Schooling(4, "29")
    health_C = np.array([taxonomy.major_group(code) == "29" for code in taxonomy.codes])
    zone_C = np.array([occupation.job_zone or 3 for occupation in taxonomy.occupations])

    def moves(**changes: object) -> np.ndarray:
        return world.move_probabilities(replace(CALLED_TO_HEALTH, **changes), CLERK, schooling)  # type: ignore[arg-type]

    assert moves()[health_C].sum() > moves(calling="47", interest="49")[health_C].sum() + 0.5
    assert moves() @ zone_C > moves(ambition=-0.9) @ zone_C + 0.5
    best = int(moves().argmax())
    again_C = world.move_probabilities(CALLED_TO_HEALTH, CLERK, schooling, held=[taxonomy.codes[best]])
    assert again_C[best] < moves()[best] / 10


def test_no_physicians_without_the_degree(world: World, taxonomy: Taxonomy) -> None:
    physician = taxonomy.index(PHYSICIAN)
    assert taxonomy[PHYSICIAN].job_zone == 5
    chances = {
        (level, field): world.move_probabilities(CALLED_TO_HEALTH, NURSE, Schooling(level, field))[physician]
        for level, field in ((5, "29"), (4, "29"), (5, "47"))
    }
    assert chances[5, "29"] > 0.01
    assert chances[4, "29"] < 1e-6
    assert chances[5, "47"] < 1e-6


def test_at_strength_zero_nobody_wants_anything(taxonomy: Taxonomy) -> None:
    world = World(taxonomy, preference_strength=0.0, stay_share=0.35)
    other = Preference(calling="47", interest="49", ambition=-1.0, stability=0.9)
    for held in ((), (NURSE,)):
        moves = [
            world.move_probabilities(preference, CLERK, schooling, held)
            for preference, schooling in ((CALLED_TO_HEALTH, Schooling(5, "29")), (other, Schooling(1, "47")))
        ]
        np.testing.assert_array_equal(moves[0], moves[1])
    assert world.stay_probability(CALLED_TO_HEALTH, 30) == world.stay_probability(other, 30)
    related = [taxonomy.index(code) for code in taxonomy[CLERK].related]
    assert moves[0][related].mean() > 5 * moves[0].mean()


def test_drivers_by_their_definition() -> None:
    """Two occupations to go to, and only the calling tells them apart: without it the odds are even."""
    taxonomy = Taxonomy(
        "three", [Occupation(code, code, job_zone=2) for code in ("a1", "b1", "c1")], {"a1": "a", "b1": "b", "c1": "c"}
    )
    world = World(taxonomy, preference_strength=0.1, stay_share=0.3)
    preference = Preference(calling="b", interest="a", ambition=0.0, stability=0.0)
    schooling = Schooling(2, "a")
    probability = world.move_probabilities(preference, "a1", schooling)[1]
    lifts = world.move_drivers(preference, "a1", schooling, ("a1",), "b1")
    assert probability > 0.75
    assert lifts[Driver.CALLING] == pytest.approx(np.log(probability / 0.5))
    assert [lifts[driver] for driver in (Driver.INTEREST, Driver.AMBITION, Driver.PATH)] == pytest.approx([0, 0, 0])


def test_mobility_row_times_tilt(taxonomy: Taxonomy) -> None:
    """With mobility the row is multiplied by a tilt that does not depend on the row's values."""
    rng = np.random.default_rng(0)
    size = len(taxonomy)
    flat_CC, drawn_CC = np.ones((size, size)), rng.random((size, size))
    schooling = Schooling(3, "29")
    row = taxonomy.index(CLERK)
    tilt_C = World(taxonomy, 1.0, 0.3, flat_CC).move_probabilities(CALLED_TO_HEALTH, CLERK, schooling)
    expected_C = tilt_C * drawn_CC[row] / (tilt_C @ drawn_CC[row])
    drawn_C = World(taxonomy, 1.0, 0.3, drawn_CC).move_probabilities(CALLED_TO_HEALTH, CLERK, schooling)
    np.testing.assert_allclose(drawn_C, expected_C)


def test_moves_never_observed_are_never_made(taxonomy: Taxonomy) -> None:
    size = len(taxonomy)
    only_nurses_CC = np.zeros((size, size))
    only_nurses_CC[taxonomy.index(CLERK), taxonomy.index(NURSE)] = 0.2
    world = World(taxonomy, 1.0, 0.3, only_nurses_CC)
    hates_it = Preference(calling="47", interest="49", ambition=-1.0, stability=0.0)
    move_C = world.move_probabilities(hates_it, CLERK, Schooling(1, "47"), held=[NURSE])
    assert move_C[taxonomy.index(NURSE)] == 1
    assert np.count_nonzero(move_C) == 1
    assert world.move_probabilities(hates_it, NURSE, Schooling(1, "47")).sum() == pytest.approx(1)
