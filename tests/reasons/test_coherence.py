from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.reasons.coherence import mark_coherence
from occpred.reasons.stances import Stance, stances_in

GOOD = [
    "She studied nursing. Then she worked as a nurse. Finally she led a ward and now she wants to move up.",
    "First she was a cook, then a baker, and finally a chef who will probably stay.",
    "In 2010 she began. In 2012 she moved. It suggests a person who is likely to leave.",
    "She works as a chef. Before that, in 1999, she was a cook in a small place.",
    "First-line supervisors lead. She was a nurse before.",
    "She left two jobs and changed field, but now she wants to stay.",
    "She would rather stay than leave the ward she knows so well.",
    "She is more likely to stay than to leave the ward.",
    "She is unlikely to stay and wants to leave the ward.",
    "She wants to stay in the same field but change occupation.",
    "She may stay or leave: both are likely enough for her.",
    "Building and Grounds Cleaning and Maintenance twice, then Building and Grounds Cleaning and Maintenance.",
]
FLAWED = [
    # one issue, one mark
    ("She worked as a nurse. Finally, she led a ward. First, she studied nursing.", 4, "'first' after 'finally'"),
    ("In 2015 she was a chef. In 2010 she was a cook.", 4, "2010 is told after 2015"),
    ("She was a nurse from 2015 to 2010 in one place.", 4, "2015 to 2010 runs backwards"),
    ("Wants to stay put.", 4, "too short to argue anything"),
    ("She was a nurse and she will probably", 4, "breaks off in mid-sentence"),
    ("She likes the ward. She likes the ward.", 4, "says the same sentence twice"),
    # two issues
    ("Finally, she led. Then, she worked as a nurse. First, she studied.", 3, "'then' after 'finally'"),
    # a contradiction costs two
    ("She wants to stay in her occupation. She will probably leave it.", 3, "contradiction: both stay and leave"),
    ("She is ready for a step up and hopes for a step down.", 3, "contradiction: both up and down"),
    (
        "She wants to stay in the field and seeks another field.",
        3,
        "contradiction: both same field and other field",
    ),
    # a loop costs two
    ("She is a nurse who is who is who is there.", 3, "repeats itself in a loop"),
    # all together
    (
        "Finally, 2015. Then, 2010. She wants to stay and wants to leave and is a is a is a",
        1,
        "breaks off in mid-sentence",
    ),
]


@pytest.mark.parametrize("reason", GOOD)
def test_coherent_reasons(reason: str) -> None:
    mark = mark_coherence(reason)
    assert mark.errors == ()
    assert mark.score == 5


@pytest.mark.parametrize(("reason", "score", "issue"), FLAWED)
def test_flaws_cost_marks(reason: str, score: int, issue: str) -> None:
    mark = mark_coherence(reason)
    assert issue in mark.errors
    assert mark.score == score


@pytest.mark.parametrize(
    ("reason", "order"),
    [
        ("In 2010 this, in 2012 that.", "good"),
        ("This was in 2012. That was in 2010.", "problematic"),
        ("This was in 2012. That was in 2010. More in 2008.", "broken"),
    ],
)
def test_the_order_of_time_is_told(reason: str, order: str) -> None:
    assert f"The order of time is {order};" in mark_coherence(reason).justification


@pytest.mark.parametrize(
    ("conclusion", "stances"),
    [
        ("to stay in the occupation", {Stance.STAY}),
        ("to change occupation", {Stance.LEAVE}),
        ("unlikely to stay", {Stance.LEAVE}),
        ("does not want to leave", {Stance.STAY}),
        ("won't leave", {Stance.STAY}),
        ("prefers to stay rather than leave", {Stance.STAY}),
        ("to stay or to leave", set()),
        ("whether to leave", set()),
        ("to remain in the same field", {Stance.SAME_FIELD}),
        ("to change the field", {Stance.OTHER_FIELD}),
        ("a step up to job zone 4", {Stance.UP}),
        ("a lower job zone", {Stance.DOWN}),
        ("to cook", set()),
    ],
)
def test_stances(conclusion: str, stances: set[Stance]) -> None:
    assert stances_in(conclusion) == stances


@given(
    st.text()
    | st.lists(st.sampled_from(["stay ", "leave ", "or ", "will ", "2015", "2010 ", "first, ", ". "])).map("".join)
)
def test_any_text_gets_a_mark(reason: str) -> None:
    mark = mark_coherence(reason)
    assert 1 <= mark.score <= 5
    assert (mark.score == 5) == (not mark.errors)
