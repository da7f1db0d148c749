from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from occpred.artifacts.signature import identity, reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.experiment import Experiment
from occpred.language_model.adaptation import FullFineTuning
from occpred.reasons.source import NoReason
from occpred.stages.durations import Duration, Durations
from occpred.stages.road import goals, plan
from occpred.stages.stage_graph import StageGraph
from tests.stages.conftest import MakeExperiment


@pytest.fixture
def experiment(small_experiment: MakeExperiment) -> Experiment:
    return small_experiment()


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def stages_of(experiment: Experiment, name: str) -> list[Stage]:
    graph = StageGraph(ArtifactStore(Path(experiment.store)), [goals(experiment)])
    return [stage for stage in graph.stages.values() if stage.name == name]


Finish = Callable[..., None]


@pytest.fixture
def finish(store: ArtifactStore) -> Finish:
    """Puts the record of a stage that took some hours into the store."""

    def write(stage: Stage, hours: float, **facts: Any) -> None:
        record = {
            "identity": identity(stage),
            "inputs": list(map(reference, stage.inputs())),
            "wall_seconds": 3600 * hours,
            "peak_gpu_memory_mib": 5.0,
            "resumed": False,
        }
        folder = store.root / reference(stage)
        folder.mkdir(parents=True)
        (folder / "provenance.json").write_text(json.dumps(record | facts), encoding="utf-8")

    return write


def with_seed(experiment: Experiment, seed: int) -> Stage:
    return plan(replace(experiment, seed=seed)).evaluated.answer.predictor


def test_it_is_the_median_of_those_that_are_alike(experiment: Experiment, store: ArtifactStore, finish: Finish) -> None:
    asked = with_seed(experiment, 0)
    assert Durations(store).expect(asked, 1) is None
    for seed, hours in ((1, 2.0), (2, 3.0), (3, 10.0)):
        finish(with_seed(experiment, seed), hours)
    # None of these is: one went on after an interruption, others have another backbone, adaptation or role.
    finish(with_seed(experiment, 4), 0.1, resumed=True)
    finish(with_seed(experiment, 7), 0.1, resumed=True, legs_seconds=[None, 360.0])
    other_backbone = replace(experiment.backbone, revision="other")
    finish(with_seed(replace(experiment, backbone=other_backbone), 5), 0.2)
    finish(with_seed(replace(experiment, lora=FullFineTuning()), 6), 0.3)
    finish(replace(asked, role=next(role for role in type(asked.role) if role is not asked.role)), 0.4)  # type: ignore[attr-defined, call-arg]
    assert Durations(store).expect(asked, 1) == Duration(hours=3.0, gpu_hours=3.0)


def test_all_legs_of_a_training_that_was_interrupted_count(
    experiment: Experiment, store: ArtifactStore, finish: Finish
) -> None:
    finish(with_seed(experiment, 1), 3.0, resumed=True, legs_seconds=[7200.0, 3600.0])
    assert Durations(store).expect(with_seed(experiment, 0), 1) == Duration(hours=3.0, gpu_hours=3.0)


def test_what_is_under_way_does_not_count(experiment: Experiment, store: ArtifactStore, finish: Finish) -> None:
    finish(with_seed(experiment, 1), 2.0)
    (folder,) = (store.root / "train").iterdir()
    folder.rename(folder.with_name(f".{folder.name}.partial"))
    assert Durations(store).expect(with_seed(experiment, 0), 1) is None


def test_stages_that_use_a_model_are_judged_by_its_backbone(
    experiment: Experiment, store: ArtifactStore, finish: Finish
) -> None:
    (asked,) = stages_of(experiment, "answer")
    other = replace(experiment, seed=1)
    (alike,) = stages_of(other, "answer")
    finish(alike, 2.0)
    assert Durations(store).expect(asked, 1) is None, "the model, and so its backbone, was removed"
    finish(with_seed(other, 1), 5.0)
    for stage in stages_of(other, "prepare") + stages_of(other, "gather"):
        finish(stage, 0.0, peak_gpu_memory_mib=None)
    assert Durations(store).expect(asked, 1) == Duration(hours=2.0, gpu_hours=2.0)


def test_without_a_gpu_no_gpu_hours(experiment: Experiment, store: ArtifactStore, finish: Finish) -> None:
    for name in ("prepare", "reason", "judge", "select", "gather"):
        for stage in stages_of(replace(experiment, reason=NoReason()), name):
            finish(stage, 1.0, peak_gpu_memory_mib=None)
    to_learn_from, to_answer_with = stages_of(experiment, "gather")
    durations = Durations(store)
    assert durations.expect(to_learn_from, 1) == Duration(hours=1.0, gpu_hours=0.0)
    assert durations.expect(to_answer_with, 1) is None, "a model writes these reasons"


@pytest.mark.parametrize(
    ("parallel", "expected"),
    [(True, Duration(hours=1.5, gpu_hours=12.0)), (False, Duration(hours=6.0, gpu_hours=48.0))],
)
def test_only_what_all_processes_work_on_is_faster_with_more_of_them(
    experiment: Experiment,
    store: ArtifactStore,
    finish: Finish,
    monkeypatch: pytest.MonkeyPatch,
    parallel: bool,
    expected: Duration,
) -> None:
    asked = with_seed(experiment, 0)
    monkeypatch.setattr(type(asked), "parallel", parallel)
    finish(with_seed(experiment, 1), 6.0, processes=2)
    assert Durations(store).expect(asked, 8) == expected
