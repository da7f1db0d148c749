from __future__ import annotations

import pytest

from occpred.reasons.vocabulary import MentionKind, Vocabulary, vocabulary_of
from occpred.records import Occupation
from occpred.taxonomy.taxonomy import Taxonomy

ARMY = Taxonomy(
    "army",
    [
        Occupation("55-3016.00", "Infantry", alternate_titles=("Owner", "Rifle Lead", "Trooper")),
        Occupation("55-1017.00", "Infantry Officers", alternate_titles=("Platoon Leader", "Trooper")),
        Occupation("35-2014.00", "Cooks, Restaurant"),
        Occupation("23-1011.00", "Lawyers"),
        Occupation("15-1252.00", "Software Developers"),
    ],
)


def found(text: str) -> list[tuple[MentionKind, str]]:
    return [(mention.kind, text[mention.start : mention.end]) for mention in Vocabulary(ARMY).mentions(text)]


def test_the_longest_title_wins() -> None:
    assert found("From Infantry to Infantry Officers.") == [
        (MentionKind.OFFICIAL, "Infantry"),
        (MentionKind.OFFICIAL, "Infantry Officers"),
    ]


@pytest.mark.parametrize("text", ["a restaurant cook", "Restaurant Cooks", "COOKS, RESTAURANT", "cook - restaurant"])
def test_inverted_titles_and_other_spellings_are_found(text: str) -> None:
    (mention,) = Vocabulary(ARMY).mentions(text)
    assert mention.names("35-2014.00")


def test_a_title_cut_off_by_the_end_of_the_text_is_not_found() -> None:
    assert found("the restaurant") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("he is the owner of his time", []),
        ("he worked as owner", [(MentionKind.ALTERNATE, "owner")]),
        ("he was an Owner", [(MentionKind.ALTERNATE, "Owner")]),
        ("Owner of his time", []),
        ("all kinds of rifle lead", [(MentionKind.ALTERNATE, "rifle lead")]),
        ("a legal matter", []),
        ("drawn to Legal", [(MentionKind.FIELD, "Legal")]),
    ],
)
def test_single_everyday_words_count_only_as_names(text: str, expected: list[tuple[MentionKind, str]]) -> None:
    assert found(text) == expected


def test_a_shared_alternate_title_names_nobody() -> None:
    (mention,) = Vocabulary(ARMY).mentions("She was a trooper.")
    assert mention.is_ambiguous
    assert not mention.names("55-3016.00")


def test_the_nearest_field_shares_most_words(taxonomy: Taxonomy) -> None:
    vocabulary = vocabulary_of(taxonomy)
    assert vocabulary.nearest_field(("nursing",)) == "Healthcare Practitioners and Technical"
    assert vocabulary.nearest_field(("computer", "science")) == "Computer and Mathematical"
    assert vocabulary.nearest_field(("teaching",)) == "Educational Instruction and Library"
    assert vocabulary.nearest_field(("astrology",)) is None
    assert vocabulary.nearest_field(()) is None


def test_the_vocabulary_is_made_once(taxonomy: Taxonomy) -> None:
    assert vocabulary_of(taxonomy) is vocabulary_of(taxonomy)
