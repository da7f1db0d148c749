from __future__ import annotations

import pytest

from occpred.chat.plan import PlannedCalls
from occpred.report.planned_calls import print_planned_calls


def planned(question: str, calls: int, example: str = "Why?", *, priced: bool = True) -> PlannedCalls:
    return PlannedCalls(
        question=question,
        model="large",
        destination="https://models.example.org/v1",
        leaves="degrees; not employers",
        calls=calls,
        answered=calls // 2,
        prompt_tokens=1000 * calls,
        completion_tokens=100 * calls,
        cost={"USD": 0.5 * calls} if priced else {},
        example=example,
    )


def shown(capsys: pytest.CaptureFixture[str], *plans: tuple[str, list[PlannedCalls]]) -> list[str]:
    print_planned_calls(dict(plans))
    return [" ".join(line.replace("│", " ").split()) for line in capsys.readouterr().out.splitlines()]


def test_stages_of_one_name_share_rows_and_all_are_summed(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(
        capsys,
        ("reason/a", [planned("reason", 4)]),
        ("judge/b", [planned("utility", 6), planned("coherence", 0)]),
        ("judge/c", [planned("utility", 2)]),
    )
    assert "reason reason large 4 2 4,000 400 2.00 USD" in lines
    assert "judge utility large 8 4 8,000 800 4.00 USD" in lines
    assert "all 12 6 12,000 1,200 6.00 USD" in lines
    assert not [line for line in lines if "coherence" in line], "of what is not asked nothing is shown"
    assert lines.count("to https://models.example.org/v1: degrees; not employers") == 1


def test_a_cost_that_is_not_known_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, ("reason/a", [planned("reason", 4, priced=False)]), ("judge/b", [planned("utility", 6)]))
    assert "reason reason large 4 2 4,000 400 –" in lines
    assert "all 10 5 10,000 1,000 3.00 USD" in lines


def test_a_prompt_is_shown_as_it_is_and_once_for_each_question(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[bold]x[/bold] [link=https://evil.example.org]y[/link] [/] :boom:"
    lines = shown(capsys, ("judge/a", [planned("utility", 1, hostile)]), ("judge/b", [planned("utility", 1, "other")]))
    assert hostile in lines
    assert "other" not in lines


def test_where_nothing_would_be_asked_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, ("judge/a", []), ("judge/b", [planned("utility", 0)]))
    assert line == "dry run: nothing that is missing of this experiment would ask a chat model"
