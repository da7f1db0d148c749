"""What attempts tell of the server they went to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Health:
    """Whether a server lives, by the attempts to ask it. Times are in seconds on any clock.

    `signs` counts signs of life: answers, and refusals for a reason. `is_reached`: whether a connection was ever made.
    """

    quiet_since: float
    """The last sign of life, or the beginning; pauses that the server asked for are left out."""
    signs: int = 0
    failures: int = 0
    """Failed attempts since the last sign of life."""
    is_reached: bool = False

    def lives(self, now: float) -> None:
        """Note a sign of life."""
        self.signs += 1
        self.failures = 0
        self.quiet_since = now
        self.is_reached = True

    def fails(self, *, is_unreachable: bool) -> None:
        """Note a failed attempt."""
        self.failures += 1
        self.is_reached |= not is_unreachable

    def excuse(self, seconds: float) -> None:
        """Leave a pause out of account."""
        self.quiet_since += seconds

    def is_away(self, now: float, *, patience_seconds: float, most_failures: int) -> bool:
        """Whether nothing was heard for so long, although it was tried so often."""
        return self.failures >= most_failures and now - self.quiet_since >= patience_seconds
