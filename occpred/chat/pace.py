"""How fast a server may be asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 60.0
"""Limits are per minute: in no span of this length may more be sent."""


@dataclass
class Turn:
    """One attempt that was sent at `time`, and the tokens it is taken to use."""

    time: float
    tokens: int


class Pace:
    """Tells when the next attempt may be sent. Whoever asks says what time it is, in seconds on any clock.

    Attempts are evenly spaced, so that a limit that a server enforces by the second is kept as well. Their tokens are
    estimated before and corrected after, so those of the last minute are added up.

    Args:
        requests_per_minute: 0 is no limit.
        tokens_per_minute: read and written together; 0 is no limit. An attempt beyond it goes when it is alone.
    """

    def __init__(self, requests_per_minute: float, tokens_per_minute: int) -> None:
        self._spacing = WINDOW_SECONDS / requests_per_minute if requests_per_minute else 0.0
        self._most_tokens = tokens_per_minute
        self._next = 0.0
        self._paused_until = 0.0
        self._turns: deque[Turn] = deque()  # of the last minute, while tokens are limited
        self._tokens = 0  # of all of them

    def wait(self, now: float, tokens: int) -> float:
        """Seconds until an attempt of so many tokens may be sent, to be asked again then; 0 where it may be now."""
        until = max(self._next, self._paused_until)
        if until > now:
            return until - now
        while self._turns and self._turns[0].time + WINDOW_SECONDS <= now:
            self._tokens -= self._turns.popleft().tokens
        if self._turns and self._tokens + tokens > self._most_tokens:
            return self._turns[0].time + WINDOW_SECONDS - now
        return 0.0

    def take(self, now: float, tokens: int) -> Turn:
        """Note that an attempt of so many tokens is sent now, for which `wait` has just given 0."""
        turn = Turn(now, tokens)
        self._next = now + self._spacing
        if self._most_tokens:
            self._turns.append(turn)
            self._tokens += tokens
        return turn

    def correct(self, turn: Turn, tokens: int) -> None:
        """Note how many tokens an attempt has really used."""
        if self._turns and turn.time >= self._turns[0].time:
            self._tokens += tokens - turn.tokens
        turn.tokens = tokens

    def pause(self, now: float, seconds: float) -> float:
        """Send nothing for so many seconds from now, as the server asks; returns by how much that delays all."""
        earlier = max(self._paused_until, now)
        self._paused_until = max(earlier, now + seconds)
        return self._paused_until - earlier
