"""Titles are found exactly, normalised or by alternate title, and never guessed."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.errors import UserError
from occpred.records import Occupation
from occpred.taxonomy.major_groups import SOC_MAJOR_GROUPS
from occpred.taxonomy.normalise import normalise
from occpred.taxonomy.taxonomy import Match, MatchKind, Taxonomy, UnknownTitleError

INFANTRY = Occupation("55-3016.00", "Infantry", alternate_titles=("Rifleman", "Squad Leader"))
INFANTRY_OFFICERS = Occupation("55-1016.00", "Infantry Officers", alternate_titles=("Platoon Leader",))
SPECIAL_FORCES = Occupation("55-3018.00", "Special Forces", alternate_titles=("Squad Leader", "Green Beret"))
SPECIAL_FORCES_OFFICERS = Occupation("55-1017.00", "Special Forces Officers")
CARPENTERS = Occupation("47-2031.00", "Carpenters", 2, related=("47-3012.00",), alternate_titles=("Joiner's Mate",))
HELPERS = Occupation("47-3012.00", "Helpers--Carpenters", 2, related=("47-2031.00",), alternate_titles=("Carpenters",))
OCCUPATIONS = (INFANTRY, INFANTRY_OFFICERS, SPECIAL_FORCES, SPECIAL_FORCES_OFFICERS, CARPENTERS, HELPERS)


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return Taxonomy("six", OCCUPATIONS)


def test_occupations_are_sorted_and_indexed_by_code(taxonomy: Taxonomy) -> None:
    assert taxonomy.codes == (
        "47-2031.00",
        "47-3012.00",
        "55-1016.00",
        "55-1017.00",
        "55-3016.00",
        "55-3018.00",
    )
    assert len(taxonomy) == 6
    assert [taxonomy.index(code) for code in taxonomy.codes] == list(range(6))
    assert taxonomy["55-3016.00"] is INFANTRY
    assert "55-3016.00" in taxonomy
    assert "55-3016.01" not in taxonomy
    with pytest.raises(KeyError):
        taxonomy["55-3016.01"]


def test_major_groups_of_soc_codes(taxonomy: Taxonomy) -> None:
    assert taxonomy.major_group("47-2031.00") == "47"
    assert taxonomy.major_group_title("47-2031.00") == "Construction and Extraction"
    assert taxonomy.major_group_title("55-3016.00") == "Military Specific"
    assert len(SOC_MAJOR_GROUPS) == 23


def test_major_groups_of_another_taxonomy() -> None:
    taxonomy = Taxonomy("ict", [Occupation("a", "A"), Occupation("b", "B")], {"a": "x", "b": "y"}, {"x": "The X"})
    assert [taxonomy.major_group(code) for code in taxonomy.codes] == ["x", "y"]
    assert [taxonomy.major_group_title(code) for code in taxonomy.codes] == ["The X", "y"]


@pytest.mark.parametrize(
    ("title", "code", "how"),
    [
        ("Infantry", "55-3016.00", MatchKind.EXACT),
        ("Infantry Officers", "55-1016.00", MatchKind.EXACT),
        ("Special Forces", "55-3018.00", MatchKind.EXACT),
        ("Special Forces Officers", "55-1017.00", MatchKind.EXACT),
        ("infantry", "55-3016.00", MatchKind.NORMALISED),
        ("  INFANTRY\tofficers. ", "55-1016.00", MatchKind.NORMALISED),
        ("Helpers, Carpenters", "47-3012.00", MatchKind.NORMALISED),
        ("Cärpenters", "47-2031.00", MatchKind.NORMALISED),
        ("\uff29\uff4efantry", "55-3016.00", MatchKind.NORMALISED),
        ("Rifleman", "55-3016.00", MatchKind.ALTERNATE),
        ("green-beret", "55-3018.00", MatchKind.ALTERNATE),
        ("Joiner\u2019s mate", "47-2031.00", MatchKind.ALTERNATE),
        ("Carpenters", "47-2031.00", MatchKind.EXACT),
    ],
)
def test_lookup_says_how_a_title_was_found(taxonomy: Taxonomy, title: str, code: str, how: MatchKind) -> None:
    assert taxonomy.lookup(title) == Match(code, how)


def test_find_exact_is_to_the_letter(taxonomy: Taxonomy) -> None:
    assert taxonomy.find_exact("Infantry") == "55-3016.00"
    assert taxonomy.find_exact("infantry") is None
    assert taxonomy.find_exact("Rifleman") is None


def test_a_prefix_or_a_near_miss_is_refused_with_suggestions(taxonomy: Taxonomy) -> None:
    with pytest.raises(UnknownTitleError) as caught:
        taxonomy.lookup("Infantry Office")
    assert caught.value.candidates == ("Infantry Officers", "Infantry")
    assert str(caught.value) == (
        'no occupation in six is titled \'Infantry Office\': did you mean "Infantry Officers", "Infantry"?'
    )


def test_suggestions_know_alternate_titles(taxonomy: Taxonomy) -> None:
    with pytest.raises(UnknownTitleError) as caught:
        taxonomy.lookup("Green Barret")
    assert caught.value.candidates == ("Special Forces",)


def test_an_alternate_title_of_several_occupations_is_refused_with_their_names(taxonomy: Taxonomy) -> None:
    with pytest.raises(UnknownTitleError, match="'squad leader' is a title of 2 occupations in six") as caught:
        taxonomy.lookup("squad leader")
    assert caught.value.candidates == ("Infantry", "Special Forces")


def test_official_titles_that_differ_in_case_alone_are_both_found_but_not_by_a_third_spelling() -> None:
    taxonomy = Taxonomy("two", [Occupation("a", "Cook"), Occupation("b", "COOK")])
    assert taxonomy.lookup("Cook") == Match("a", MatchKind.EXACT)
    assert taxonomy.lookup("COOK") == Match("b", MatchKind.EXACT)
    with pytest.raises(UnknownTitleError, match="2 occupations"):
        taxonomy.lookup("cook")


@pytest.mark.parametrize("title", ["", " ", "...", "\n", "\ud800", "x" * 100_000])
def test_a_title_without_sense_is_unknown_in_one_short_line(taxonomy: Taxonomy, title: str) -> None:
    with pytest.raises(UnknownTitleError) as caught:
        taxonomy.lookup(title)
    assert caught.value.candidates == ()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("occupations", "message"),
    [
        ([], "no occupations"),
        ([INFANTRY, Occupation("55-3016.00", "Other")], "two occupations have the code '55-3016.00'"),
        ([INFANTRY, Occupation("55-3099.00", "Infantry")], "two occupations have the title 'Infantry'"),
    ],
)
def test_an_ambiguous_or_empty_taxonomy_is_refused(occupations: list[Occupation], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Taxonomy("bad", occupations)


def test_related_and_grouped_codes_must_be_in_the_taxonomy() -> None:
    with pytest.raises(ValueError, match=r"47-2031.00 is related to 47-3012.00"):
        Taxonomy("bad", [CARPENTERS])
    with pytest.raises(ValueError, match="groups"):
        Taxonomy("bad", [INFANTRY], {"55-3016.00": "55", "11-1011.00": "11"})


def test_a_taxonomy_can_be_sent_to_another_process(taxonomy: Taxonomy) -> None:
    copy = pickle.loads(pickle.dumps(taxonomy))
    assert copy.occupations == taxonomy.occupations
    assert copy.lookup("Rifleman") == taxonomy.lookup("Rifleman")
    assert copy.major_group_title("55-3016.00") == "Military Specific"


@settings(deadline=None)
@given(st.text(st.characters(), max_size=30) | st.sampled_from([occupation.title for occupation in OCCUPATIONS]))
def test_lookup_answers_or_raises_unknown_title_and_nothing_else(title: str) -> None:
    taxonomy = Taxonomy("six", OCCUPATIONS)
    try:
        match = taxonomy.lookup(title)
    except UnknownTitleError:
        assert taxonomy.find_exact(title) is None
    else:
        found = taxonomy[match.code]
        assert normalise(title) in map(normalise, (found.title, *found.alternate_titles))


@settings(deadline=None)
@given(st.lists(st.text(st.characters(), min_size=1), min_size=1, max_size=20, unique=True))
def test_every_official_title_is_found_exactly(titles: list[str]) -> None:
    taxonomy = Taxonomy("any", [Occupation(f"{number:02}", title) for number, title in enumerate(titles)])
    for number, title in enumerate(titles):
        assert taxonomy.lookup(title) == Match(f"{number:02}", MatchKind.EXACT)
