from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import pairwise

import pytest

from occpred.careers.person import SimulatedPerson
from occpred.careers.simulated import SimulatedCareers
from occpred.careers.true_reason import true_reasons
from occpred.records import TrueReason
from occpred.taxonomy.taxonomy import Taxonomy


def explained(taxonomy: Taxonomy, preference_strength: float) -> list[tuple[SimulatedPerson, list[TrueReason]]]:
    careers = SimulatedCareers(seed=12, preference_strength=preference_strength)
    world = careers.world(taxonomy)
    return [(person, list(true_reasons(world, person))) for person in careers.simulate(taxonomy, range(200))]


@pytest.fixture(scope="module")
def people(taxonomy: Taxonomy) -> list[tuple[SimulatedPerson, list[TrueReason]]]:
    return explained(taxonomy, 1.0)


Explained = list[tuple[SimulatedPerson, list[TrueReason]]]


def test_every_step_has_its_reason(people: Explained) -> None:
    for person, reasons in people:
        expected = [f"{person.history.person_id}/{index}" for index in range(1, len(person.history.positions))]
        assert [reason.example_id for reason in reasons] == expected
        assert all(reason.preference == asdict(person.preference) for reason in reasons)


def test_reasons_fit_the_step(people: Explained, taxonomy: Taxonomy) -> None:
    for person, reasons in people:
        for (before, after), reason in zip(pairwise(person.jobs), reasons, strict=True):
            stayed = before.code == after.code
            assert reason.text.startswith("The person stayed" if stayed else "The person moved")
            assert taxonomy[after.code].title not in reason.text
            rise = (taxonomy[after.code].job_zone or 3) - (taxonomy[before.code].job_zone or 3)
            assert rise > 0 or "wish to rise" not in reason.text
            assert rise < 0 or "asks for less" not in reason.text


def test_coming_to_the_calling_is_credited_to_it(people: Explained, taxonomy: Taxonomy) -> None:
    """Nearly always: a move that other wishes made sure of needed no calling."""
    credited = [
        "because they feel called to the field of" in reason.text
        for person, reasons in people
        for (before, after), reason in zip(pairwise(person.jobs), reasons, strict=True)
        if taxonomy.major_group(after.code) == person.preference.calling != taxonomy.major_group(before.code)
    ]
    assert sum(credited) > 0.9 * len(credited) > 90


def test_reasons_of_moves_vary(people: Explained) -> None:
    texts = Counter(reason.text for _, reasons in people for reason in reasons if "moved" in reason.text)
    assert texts.most_common(1)[0][1] < 0.1 * texts.total()


def test_histories_never_hold_a_reason(people: Explained) -> None:
    for person, reasons in people:
        assert not any(reason.text in repr(person.history) for reason in reasons)


def test_wishes_without_strength_are_no_reasons(taxonomy: Taxonomy) -> None:
    texts = {reason.text for _, reasons in explained(taxonomy, 0.0) for reason in reasons}
    assert not any(word in text for text in texts for word in ("called", "drawn", "rise", "preparation", "settled"))
