"""Limits per minute hold in every minute, whoever asks when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.pace import WINDOW_SECONDS, Pace


def send(pace: Pace, now: float, tokens: int = 1) -> float:
    """Send as early as possible; returns when that is."""
    while seconds := pace.wait(now, tokens):
        now += seconds
    pace.take(now, tokens)
    return now


def test_requests_are_evenly_spaced() -> None:
    pace = Pace(requests_per_minute=30, tokens_per_minute=0)
    assert [send(pace, 100.0) for _ in range(4)] == [100, 102, 104, 106]
    assert send(pace, 200.0) == 200  # time that passed unused is not made up for
    assert send(pace, 200.0) == 202


def test_tokens_wait_until_enough_of_them_are_a_minute_old() -> None:
    pace = Pace(requests_per_minute=0, tokens_per_minute=100)
    assert [send(pace, 0.0, 40), send(pace, 10.0, 50), send(pace, 20.0, 10)] == [0, 10, 20]
    assert send(pace, 30.0, 30) == 60  # 40 + 50 + 10 + 30 is too much; from 60 on the first 40 are gone
    assert send(pace, 60.0, 20) == 70


def test_what_was_not_used_is_free_again() -> None:
    pace = Pace(requests_per_minute=0, tokens_per_minute=100)
    turn = pace.take(0.0, 80)
    assert pace.wait(1.0, 60) == 59
    pace.correct(turn, 30)
    assert pace.wait(1.0, 60) == 0
    pace.correct(turn, 50)
    assert pace.wait(1.0, 60) == 59


def test_a_correction_that_comes_late_changes_nothing() -> None:
    pace = Pace(requests_per_minute=0, tokens_per_minute=100)
    turn = pace.take(0.0, 80)
    assert send(pace, 61.0, 90) == 61
    pace.correct(turn, 10)
    assert pace.wait(62.0, 20) == 59


def test_a_request_beyond_the_limit_goes_alone() -> None:
    pace = Pace(requests_per_minute=0, tokens_per_minute=100)
    assert [send(pace, 0.0, 500), send(pace, 0.0, 1), send(pace, 60.0, 500)] == [0, 60, 120]


def test_a_pause_holds_all_and_a_shorter_one_does_not_end_it() -> None:
    pace = Pace(requests_per_minute=0, tokens_per_minute=0)
    assert pace.pause(100.0, 30) == 30
    assert pace.pause(110.0, 5) == 0
    assert pace.pause(110.0, 50) == 30
    assert pace.wait(120.0, 1) == 40
    assert pace.wait(160.0, 1) == 0


def test_no_limits_no_waiting() -> None:
    pace = Pace(0, 0)
    assert {send(pace, 0.0, 10**9) for _ in range(1000)} == {0.0}


attempts = st.lists(
    st.tuples(st.floats(0, 40), st.integers(1, 60), st.floats(0, 1), st.floats(0, 90), st.none() | st.floats(0, 100)),
    max_size=60,
)
"""For each: how much later it is asked for, its tokens, what share it really uses, how long it takes, a pause after."""


@given(st.integers(1, 40), st.integers(60, 300), attempts)
def test_no_minute_ever_holds_more_than_the_limits(
    requests: int, tokens: int, plan: list[tuple[float, int, float, float, float | None]]
) -> None:
    pace, now = Pace(requests, tokens), 0.0
    sent, under_way, paused_until = [], [], 0.0
    for delay, estimate, share, duration, pause in plan:
        now = send_at = now + delay
        while seconds := pace.wait(send_at, estimate):
            send_at += seconds
        now = send_at
        for ready in [entry for entry in under_way if entry[0] <= now]:
            under_way.remove(ready)
            pace.correct(ready[1], ready[2])
        turn = pace.take(now, estimate)
        sent.append(turn)
        under_way.append((now + duration, turn, int(estimate * share)))
        assert now >= paused_until
        if pause is not None:
            pace.pause(now, pause)
            paused_until = max(paused_until, now + pause)
    for turn in sent:
        # A hair less than a minute, as times are rounded.
        window = [other for other in sent if turn.time <= other.time < turn.time + WINDOW_SECONDS - 1e-6]
        assert len(window) <= requests
        assert sum(other.tokens for other in window) <= tokens


@pytest.mark.parametrize("limit", [7, 60, 333])
def test_a_limit_is_used_up(limit: int) -> None:
    pace, now = Pace(limit, 0), 0.0
    for _ in range(limit):
        now = send(pace, now)
    assert now == pytest.approx(WINDOW_SECONDS * (limit - 1) / limit)
