"""What a run that is begun again tells W&B: all that it does not know, in order, and nothing twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from occpred.tracking.wandb_tracker import in_steps, unsent


def step(number: int, **values: float) -> dict[str, Any]:
    return {"step": number, "time": 0.0, "values": values}


SUMMARY = {"step": None, "values": {"tokens": 5}}
TABLE = {"table": "examples", "columns": ["a"], "rows": [[1]]}


def test_parts_of_a_step_become_one_and_what_has_no_step_comes_last() -> None:
    # Stopped at step 3, gone on from step 2: the later values are those of the run as it went on.
    entries = [SUMMARY, step(1, loss=3), step(2, loss=2), TABLE, step(3, loss=1), step(2, loss=2.5), step(2, slow=7)]
    assert list(in_steps(entries)) == [
        step(1, loss=3),
        step(2, loss=2.5, slow=7),
        step(3, loss=1),
        SUMMARY,
        TABLE,
    ]


def test_what_was_sent_is_not_sent_again() -> None:
    first, second, third = ({"segment": f"offline-run-{number}"} for number in (1, 2, 3))
    entries = [first, step(1), step(2), second, step(2), step(3), third, SUMMARY, step(4)]
    assert unsent(entries, set()) == (entries, 0)
    assert unsent(entries, {first["segment"]}) == (entries[3:], 3)
    assert unsent(entries, {second["segment"]}) == (entries[6:], 4)
    assert unsent(entries, {each["segment"] for each in (first, second, third)}) == ([], 5)
    assert unsent([], {"offline-run-1"}) == ([], 0)


@given(st.lists(st.one_of(st.integers(0, 9).map(step), st.booleans().map(lambda sent: {"segment": str(sent)}))))
def test_each_entry_is_at_the_server_or_told_again(entries: list[dict[str, Any]]) -> None:
    rest, next_step = unsent(entries, {"True"})
    sent = entries[: len(entries) - len(rest)]
    assert entries[len(sent) :] == rest
    assert next_step == max([0, *(entry["step"] + 1 for entry in sent if "step" in entry)])
    assert not any(entry.get("segment") == "True" for entry in rest)
