from __future__ import annotations

import pytest

from occpred.evaluation.matching import exact_match, related_match, related_place, related_titles

RELATED = {"Cook": ("Waiter", "Baker"), "Baker": ("Cook",), "Clerk": ()}


@pytest.mark.parametrize(
    ("predicted", "true", "place", "earned"),
    [
        ("Cook", "Cook", 0, 1.0),
        ("Waiter", "Cook", 1, 1 / 2),
        ("Baker", "Cook", 2, 1 / 3),
        ("Cook", "Baker", 1, 1 / 2),
        ("Cook", "Waiter", None, 0.0),
        ("Clerk", "Clerk", 0, 1.0),
        ("Cook", "Clerk", None, 0.0),
        ("cook", "Cook", None, 0.0),
        ("Cook ", "Cook", None, 0.0),
        ("", "Cook", None, 0.0),
    ],
)
def test_only_the_list_of_the_true_title_counts(predicted, true, place, earned):
    assert related_place(predicted, true, RELATED) == place
    assert related_match(predicted, true, RELATED) == earned
    assert exact_match(predicted, true) == (place == 0)


def test_the_lists_come_from_the_taxonomy(taxonomy):
    assert related_titles(taxonomy) == {
        "Baker": ("Cook", "Waiter"),
        "Cook": ("Waiter", "Baker"),
        "Waiter": ("Baker",),
        "Soldier": (),
    }
