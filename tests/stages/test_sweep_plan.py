from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from occpred.artifacts.signature import identity, reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.experiment import Experiment
from occpred.stages.road import goals
from occpred.stages.stage_graph import StageGraph
from occpred.stages.sweep import with_judge_check
from occpred.stages.sweep_plan import plan_of
from occpred.stages.sweep_works import SweepRun
from tests.stages.conftest import MakeExperiment


def run_of(experiment: Experiment, *axes: str) -> SweepRun:
    return SweepRun(experiment, tuple(goals(experiment)), axes=axes)


def finish(store: ArtifactStore, stage: Stage, hours: float) -> None:
    record = {
        "identity": identity(stage),
        "inputs": list(map(reference, stage.inputs())),
        "wall_seconds": 3600 * hours,
        "peak_gpu_memory_mib": 5.0 if stage.name in ("reason", "train", "answer") else None,
        "resumed": False,
    }
    folder = store.root / reference(stage)
    folder.mkdir(parents=True)
    (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")


def test_it_counts_what_is_missing_and_judges_it_by_what_is_there(
    small_experiment: MakeExperiment, tmp_path: Path
) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    one = replace(small_experiment(), trainer=replace(small_experiment().trainer, num_nodes=2))
    runs = [run_of(replace(one, seed=seed), f"seed={seed}") for seed in (0, 1, 2)]
    plan = plan_of(store, runs)
    assert {phase.name: (phase.jobs, phase.to_make, phase.found) for phase in plan.phases} == {
        "prepare": (1, 2, 0),
        "reason": (1, 4, 0),
        "sft joint": (3, 3, 0),
        "evaluate": (3, 15, 0),
    }
    with_check = {phase.name: phase for phase in plan_of(store, with_judge_check(runs)).phases}["reason"]
    assert (with_check.jobs, with_check.to_make) == (1, 5)
    assert {phase.name: phase.differs_in for phase in plan.phases if phase.differs_in} == {
        "sft joint": {"seed": 3},
        "evaluate": {"seed": 3},
    }
    assert (plan.runs, plan.waves, plan.jobs_alone) == (3, 4, 12)
    assert plan.total("hours") == 0
    assert plan.total("unknown") == plan.total("to_make") == 24

    # The first run has been made, on one process, in two hours a stage.
    for stage in StageGraph(store, [runs[0].goals]).stages.values():
        finish(store, stage, 2.0)
    plan = plan_of(store, runs)
    assert {phase.name: (phase.jobs, phase.to_make, phase.found) for phase in plan.phases} == {
        "prepare": (0, 0, 2),
        "reason": (0, 0, 4),
        "sft joint": (2, 2, 1),
        "evaluate": (2, 10, 5),
    }
    assert (plan.waves, plan.jobs_alone, plan.unknown) == (2, 4, ())
    # Two processes train, and answer, in an hour what one needs two for; both are counted.
    assert (plan.phases[2].hours, plan.phases[2].gpu_hours) == (2.0, 4.0)
    assert plan.hours_side_by_side * 2 == plan.total("hours")


def test_what_is_not_shared_keeps_one_process_busy(small_experiment: MakeExperiment, tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    one = small_experiment()
    for stage in StageGraph(store, [run_of(one).goals]).stages.values():
        finish(store, stage, 2.0)
    others = replace(one.careers, num_people=one.careers.num_people + 1)  # type: ignore[call-arg, attr-defined]
    many = replace(one, careers=others, trainer=replace(one.trainer, devices=8))
    hours = {phase.name: (phase.hours, phase.gpu_hours) for phase in plan_of(store, [run_of(many)]).phases}
    assert hours["reason"] == (8.0, 2.0), "of four stages, a model of this machine gives the reasons"
    assert hours["sft joint"] == (0.25, 2.0)
