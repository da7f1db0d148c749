from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from occpred.careers.chronology import check_dates
from occpred.careers.person import SimulatedPerson
from occpred.careers.phrases import FLAVOURS
from occpred.careers.simulated import SimulatedCareers
from occpred.errors import UserError
from occpred.records import Occupation
from occpred.settings import SettingError
from occpred.taxonomy.taxonomy import Taxonomy

PEOPLE = range(300)


def simulate(taxonomy: Taxonomy, **settings: Any) -> list[SimulatedPerson]:
    return list(SimulatedCareers(seed=11, **settings).simulate(taxonomy, PEOPLE))


@pytest.fixture(scope="module")
def people(taxonomy: Taxonomy) -> list[SimulatedPerson]:
    return simulate(taxonomy)


@pytest.fixture(scope="module")
def indifferent_people(taxonomy: Taxonomy) -> list[SimulatedPerson]:
    return simulate(taxonomy, preference_strength=0.0)


def codes(person: SimulatedPerson) -> list[str]:
    return [position.occupation_code for position in person.history.positions]


def steps(people: list[SimulatedPerson]) -> list[tuple[SimulatedPerson, str, str]]:
    return [(person, before, after) for person in people for before, after in pairwise(codes(person))]


def mean(values: list[float]) -> float:
    assert len(values) > 30
    return sum(values) / len(values)


def stay_share(people: list[SimulatedPerson]) -> float:
    return mean([before == after for _, before, after in steps(people)])


def share_at_calling(people: list[SimulatedPerson], taxonomy: Taxonomy) -> float:
    return mean([taxonomy.major_group(codes(person)[-1]) == person.preference.calling for person in people])


def check_person(person: SimulatedPerson, taxonomy: Taxonomy) -> None:
    history = person.history
    assert 2 <= len(history.positions) <= 12
    assert all(code in taxonomy for code in codes(person))
    assert history.education
    check_dates("education", history.education)
    check_dates("positions", history.positions)
    months = [date for position in history.positions for date in (position.start, position.end)]
    assert months[-1] is None
    dated = [date for date in months if date is not None]
    assert len(dated) == len(months) - 1
    assert dated == sorted(dated), "positions overlap"
    assert max(entry.end or "" for entry in history.education) <= dated[0]
    assert (history.education[0].start or "") > "1920"
    assert dated[-1] < "2025-01"
    for position in history.positions:
        occupation = taxonomy[position.occupation_code]
        assert position.title in (occupation.title, *occupation.alternate_titles)
        assert position.employer
    assert codes(person) == [job.code for job in person.jobs]


def test_same_seed_gives_the_same_people(taxonomy: Taxonomy) -> None:
    first, second = (SimulatedCareers(num_people=20, seed=5).read(taxonomy) for _ in range(2))
    assert first == second
    assert SimulatedCareers(num_people=20, seed=6).read(taxonomy).people != first.people


def test_a_person_does_not_depend_on_the_others(taxonomy: Taxonomy) -> None:
    crowd = SimulatedCareers(num_people=30, seed=5).read(taxonomy)
    few = SimulatedCareers(num_people=8, seed=5).read(taxonomy)
    assert few.people == crowd.people[:8]
    backwards = list(SimulatedCareers(seed=5).simulate(taxonomy, [29, 3]))
    assert [person.history for person in backwards] == [crowd.people[29], crowd.people[3]]


def test_read_gives_everybody_with_their_reasons(taxonomy: Taxonomy) -> None:
    data = SimulatedCareers(num_people=40, seed=1).read(taxonomy)
    assert len(data.people) == len({person.person_id for person in data.people}) == data.rows_read == 40
    assert not data.rejected
    pairs = [pair for person in data.people for pair in pairwise(person.positions)]
    assert len(data.true_reasons) == len({reason.example_id for reason in data.true_reasons}) == len(pairs)
    stays = sum(before.occupation_code == after.occupation_code for before, after in pairs)
    assert data.facts["stay_share"] == stays / len(pairs)
    assert data.facts["positions_mean"] == (len(pairs) + 40) / 40


def test_everybody_is_well_formed(people: list[SimulatedPerson], taxonomy: Taxonomy) -> None:
    for person in people:
        check_person(person, taxonomy)
    lengths = Counter(len(person.history.positions) for person in people)
    assert sum(lengths[length] for length in range(3, 8)) > 0.85 * len(people)


@hypothesis_settings(max_examples=25)
@given(
    seed=st.integers(0, 2**40),
    index=st.integers(0, 2**40),
    mean_positions=st.floats(2, 12),
    stay_share=st.floats(0, 1, exclude_max=True),
    preference_strength=st.floats(0, 50),
    disclosure=st.floats(0, 1),
    alternate_title_share=st.floats(0, 1),
)
def test_any_setting_gives_a_well_formed_person(taxonomy: Taxonomy, seed: int, index: int, **settings: Any) -> None:
    (person,) = SimulatedCareers(seed=seed, **settings).simulate(taxonomy, [index])
    check_person(person, taxonomy)


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    count = draw(st.integers(2, 6))
    all_codes = [f"item-{number}" for number in range(count)]
    occupations = [
        Occupation(
            code=code,
            title=f"Occupation {code}",
            job_zone=draw(st.none() | st.integers(1, 5)),
            related=tuple(draw(st.lists(st.sampled_from(all_codes), unique=True, max_size=3))),
        )
        for code in all_codes
    ]
    return Taxonomy("drawn", occupations, groups={code: draw(st.sampled_from("abc")) for code in all_codes})


@hypothesis_settings(max_examples=25)
@given(taxonomy=taxonomies())
def test_any_taxonomy_can_be_lived_in(taxonomy: Taxonomy) -> None:
    for person in SimulatedCareers().simulate(taxonomy, range(3)):
        check_person(person, taxonomy)


def test_one_occupation_is_refused() -> None:
    lonely = Taxonomy("lonely", [Occupation("1", "Hermits")])
    with pytest.raises(UserError, match="lonely has one occupation"):
        SimulatedCareers().read(lonely)


@pytest.mark.parametrize("wanted", [0.0, 0.35, 0.6])
def test_people_stay_as_often_as_asked(taxonomy: Taxonomy, wanted: float) -> None:
    assert stay_share(simulate(taxonomy, stay_share=wanted)) == pytest.approx(wanted, abs=0.04)


def test_careers_are_as_long_as_asked(taxonomy: Taxonomy) -> None:
    lengths = [float(len(person.history.positions)) for person in simulate(taxonomy, mean_positions=3.5)]
    assert mean(lengths) == pytest.approx(3.5, abs=0.15)
    assert {len(person.history.positions) for person in simulate(taxonomy, mean_positions=2)} == {2}


def test_calling_drives_where_people_end(
    people: list[SimulatedPerson], indifferent_people: list[SimulatedPerson], taxonomy: Taxonomy
) -> None:
    assert share_at_calling(people, taxonomy) > 0.45
    # At strength 0 only the education, which the calling has shaped, still leads there.
    assert share_at_calling(indifferent_people, taxonomy) < 0.15


def test_ambition_drives_the_job_zone(people: list[SimulatedPerson], taxonomy: Taxonomy) -> None:
    def rise(person: SimulatedPerson) -> float:
        first, *_, last = (taxonomy[code].job_zone or 3 for code in codes(person))
        return last - first

    ambitious = mean([rise(person) for person in people if person.preference.ambition > 0.5])
    unhurried = mean([rise(person) for person in people if person.preference.ambition < -0.5])
    assert ambitious > unhurried + 0.5


def test_stability_drives_stays_and_tenure(people: list[SimulatedPerson]) -> None:
    stable = [person for person in people if person.preference.stability > 0.5]
    restless = [person for person in people if person.preference.stability < -0.5]
    assert stay_share(stable) > stay_share(restless) + 0.5
    first_years = {}
    for name, group in (("stable", stable), ("restless", restless)):
        firsts = [person.history.positions[0] for person in group]
        first_years[name] = mean([float(int((first.end or "")[:4]) - int((first.start or "")[:4])) for first in firsts])
    assert first_years["stable"] > first_years["restless"] + 1


def test_same_occupation_leads_elsewhere_for_other_callings(people: list[SimulatedPerson], taxonomy: Taxonomy) -> None:
    """Who works elsewhere moves to their own calling far more often than to another person's."""
    moves = [step for step in steps(people) if step[1] != step[2]]
    called = [step for step in moves if taxonomy.major_group(step[1]) != step[0].preference.calling]
    arrived = mean([taxonomy.major_group(after) == person.preference.calling for person, _, after in called])
    others = [called[index - 1][0].preference.calling for index in range(len(called))]
    by_chance = mean([taxonomy.major_group(step[2]) == other for step, other in zip(called, others, strict=True)])
    assert arrived > by_chance + 0.3


def test_zone_five_asks_for_the_degree(people: list[SimulatedPerson], taxonomy: Taxonomy) -> None:
    reached = [person for person in people if any(taxonomy[code].job_zone == 5 for code in codes(person))]
    assert len(reached) > 5
    for person in reached:
        assert person.history.education[-1].degree in ("Master's degree", "Doctoral degree")


def test_history_hints_at_the_calling(people: list[SimulatedPerson]) -> None:
    group_of = {like: group for group, flavour in FLAVOURS.items() for like in flavour.likes}
    assert len(group_of) == sum(len(flavour.likes) for flavour in FLAVOURS.values()), "a phrase hints at two groups"
    liked = [
        (group, person.preference.calling)
        for person in people
        for position in person.history.positions
        for like, group in group_of.items()
        if like in position.description
    ]
    assert 0.5 < mean([group == calling for group, calling in liked]) < 0.8
    field_of = {field: group for group, flavour in FLAVOURS.items() for field in flavour.fields}
    studied = [field_of[person.history.education[-1].field] == person.preference.calling for person in people]
    assert 0.4 < mean([float(hit) for hit in studied]) < 0.75


def test_nothing_is_disclosed_where_nothing_is_asked(taxonomy: Taxonomy) -> None:
    described = [
        position.description for person in simulate(taxonomy, disclosure=0.0) for position in person.history.positions
    ]
    assert set(described) == {""}


def test_history_never_tells_the_preference(people: list[SimulatedPerson], taxonomy: Taxonomy) -> None:
    titles = {taxonomy.major_group(code): taxonomy.major_group_title(code) for code in taxonomy.codes}
    for person in people:
        text = json.dumps(asdict(person.history), ensure_ascii=False)
        descriptions = " ".join(position.description for position in person.history.positions)
        assert repr(person.preference.ambition) not in text
        assert repr(person.preference.stability) not in text
        assert titles[person.preference.calling] not in descriptions


def test_titles_vary_as_often_as_asked(taxonomy: Taxonomy) -> None:
    for wanted in (0.0, 0.5):
        official = [
            position.title == taxonomy[position.occupation_code].title
            for person in simulate(taxonomy, alternate_title_share=wanted)
            for position in person.history.positions
            if taxonomy[position.occupation_code].alternate_titles
        ]
        assert mean([float(hit) for hit in official]) == pytest.approx(1 - wanted, abs=0.04)


def test_settings_arrive_from_a_config() -> None:
    config = OmegaConf.merge(OmegaConf.structured(SimulatedCareers), {"num_people": 7, "mobility_path": "edges.csv"})
    assert OmegaConf.to_object(config) == SimulatedCareers(num_people=7, mobility_path="edges.csv")


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_people", 0), ("seed", -1), ("mean_positions", 1.5), ("stay_share", 1.0), ("disclosure", 1.1)],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(SettingError, match=f"SimulatedCareers.{name}={value}"):
        SimulatedCareers(**{name: value})  # type: ignore[arg-type]
