"""Whether a server lives, told from attempts."""

from __future__ import annotations

from occpred.chat.health import Health


def is_away(health: Health, now: float) -> bool:
    return health.is_away(now, patience_seconds=10, most_failures=3)


def test_long_silence_and_many_failures_make_an_outage() -> None:
    health = Health(quiet_since=100.0)
    for _ in range(2):
        health.fails(is_unreachable=False)
    assert not is_away(health, 1000.0)
    health.fails(is_unreachable=False)
    assert not is_away(health, 109.9)
    assert is_away(health, 110.0)


def test_a_sign_of_life_begins_anew() -> None:
    health = Health(quiet_since=100.0)
    for _ in range(3):
        health.fails(is_unreachable=False)
    health.lives(111.0)
    assert health.signs == 1
    assert not is_away(health, 130.0)


def test_pauses_do_not_count_as_silence() -> None:
    health = Health(quiet_since=100.0)
    for _ in range(3):
        health.fails(is_unreachable=False)
        health.excuse(20.0)
    assert not is_away(health, 169.9)
    assert is_away(health, 170.0)


def test_a_server_is_reached_by_whatever_came_of_it() -> None:
    health = Health(quiet_since=0.0)
    health.fails(is_unreachable=True)
    assert not health.is_reached
    health.fails(is_unreachable=False)
    health.fails(is_unreachable=True)
    assert health.is_reached
