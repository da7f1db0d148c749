from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from occpred.report.sweep_plan_table import PlannedPhase, PlannedSweep, print_plan

SFT = PlannedPhase("sft joint", {"seed": 3}, jobs=3, to_make=3, found=0, hours=6.0, gpu_hours=12.0, unknown=0)
DPO = PlannedPhase("dpo", {"seed": 3, "beta": 4}, jobs=12, to_make=12, found=1, hours=1.5, gpu_hours=0.004, unknown=2)
EVALUATE = PlannedPhase("evaluate", {}, jobs=1, to_make=2, found=0, hours=0.0, gpu_hours=0.0, unknown=2)
SWEEP = PlannedSweep(
    phases=(SFT, DPO, EVALUATE),
    runs=12,
    waves=3,
    jobs_alone=40,
    hours_side_by_side=3.5,
    unknown=("dpo", "answer"),
    store="artifacts",
)


def printed(plan: PlannedSweep) -> list[str]:
    text = io.StringIO()
    print_plan(plan, Console(file=text, width=160))
    return text.getvalue().splitlines()


def cells(lines: list[str]) -> dict[str, list[str]]:
    """By the first cell of a row the others."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return {name: others for name, *others in rows}


def test_a_row_a_phase_and_a_sum() -> None:
    assert cells(printed(SWEEP)) == {
        "sft joint": ["seed (3)", "3", "3", "0", "6.00", "12.00"],
        "dpo": ["seed (3), beta (4)", "12", "12", "1", "1.50 + unknown", "< 0.01 + unknown"],
        "evaluate": ["", "1", "2", "0", "unknown", "unknown"],
        "all": ["", "16", "17", "1", "7.50 + unknown", "12.00 + unknown"],
    }


def test_what_it_comes_to_and_what_that_rests_on() -> None:
    text = "\n".join(printed(SWEEP))
    assert "16 jobs would be launched in 3 waves, 40 if each of the 12 runs did everything itself" in text
    assert "medians over finished stages of the same name, backbone and components in artifacts" in text
    assert "unknown for 4 stages (dpo, answer): none like it is there yet" in text
    assert "from start to end" not in text
    known = printed(replace(SWEEP, phases=(SFT,), unknown=()))
    assert "from start to end: 3.50 hours, where all jobs of a wave run side by side" in known
    assert not [line for line in known if "unknown" in line]


def test_nothing_is_told_by_nothing() -> None:
    text = "\n".join(printed(replace(SWEEP, phases=(EVALUATE,), unknown=("answer",))))
    assert "1 job would be launched" in text
    assert "medians" not in text


def test_a_single_run_has_no_jobs() -> None:
    lines = printed(replace(SWEEP, runs=1))
    assert cells(lines)["dpo"] == ["12", "1", "1.50 + unknown", "< 0.01 + unknown"]
    assert not [line for line in lines if "job" in line]


@pytest.mark.parametrize("runs", [1, 12])
def test_where_all_is_there_it_says_so(runs: int) -> None:
    done = replace(SFT, differs_in={}, jobs=0, to_make=0, found=3, hours=0.0, gpu_hours=0.0)
    lines = printed(replace(SWEEP, phases=(done,), runs=runs, waves=0, unknown=()))
    assert "all of it is there already" in lines
    assert cells(lines)["all"][-4:] == ["0", "3", "0.00", "0.00"]
