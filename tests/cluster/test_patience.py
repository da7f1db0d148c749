from __future__ import annotations

from collections.abc import Callable

import pytest

from occpred.cluster import patience
from occpred.cluster.patience import SECONDS_OF_PATIENCE, patiently

BUSY = "Batch job submission failed: Socket timed out on send/recv operation"


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in place of waiting."""
    seconds: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", seconds.append)
    return seconds


def that_fails(*messages: str) -> Callable[[], str]:
    """Something that raises these errors, one at a call, before it answers."""
    left = list(messages)

    def ask() -> str:
        if left:
            raise RuntimeError(left.pop(0))
        return "answer"

    return ask


def test_what_will_pass_is_asked_again_and_told_of_once(slept: list[float], caplog: pytest.LogCaptureFixture) -> None:
    words = [BUSY, "error: Slurm temporarily unable to accept job", "Unable to contact slurm\n controller", BUSY]
    assert patiently(that_fails(*words)) == "answer"
    assert slept == [1, 2, 4, 8]
    assert caplog.messages == [f"{BUSY}; trying again, for 5 minutes"]


def test_what_will_not_pass_is_raised_at_once(slept: list[float]) -> None:
    with pytest.raises(RuntimeError, match="invalid partition"):
        patiently(that_fails(BUSY, "invalid partition specified: nowhere"))
    assert slept == [1]


def test_patience_ends(slept: list[float]) -> None:
    with pytest.raises(RuntimeError, match="Socket timed out"):
        patiently(that_fails(*[BUSY] * 100))
    assert sum(slept) == SECONDS_OF_PATIENCE == 301
