"""A whole experiment made by two processes, against the same one made by one."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from occpred.artifacts.store import ArtifactStore
from occpred.experiment import Experiment
from occpred.stages import prefer
from occpred.stages.road import make, plan
from occpred.stages.train_preference import TrainOnPreferences
from tests.stages.conftest import MakeExperiment
from tests.stages.test_systems import half_right

# Rows so short that either process has some in each step, and more than one: the sum of two numbers has but one order.
SETTINGS = (
    "careers.num_people=25",
    "trainer.row_length=448",
    "optimizer.batch_size=5",
    "preference_optimizer.batch_size=5",
    "preference=outcome",
    "preference.sampling.num_samples=2",
)


def make_by(num_processes: int, experiment: Experiment) -> ArtifactStore:
    make(replace(experiment, trainer=replace(experiment.trainer, devices=num_processes)), config="")
    return ArtifactStore(Path(experiment.store))


def trajectory(folder: Path) -> list[dict[str, float]]:
    """What was logged, but for how many rewards are above zero: before the first step all are zero, to rounding."""
    rows = map(json.loads, (folder / "trajectory.jsonl").read_text(encoding="utf-8").splitlines())
    return [{name: value for name, value in row.items() if not name.endswith("reward_accuracy")} for row in rows]


def test_two_processes_make_what_one_makes(
    small_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = small_experiment(*SETTINGS)
    evaluated = plan(experiment).evaluated
    sharpened = evaluated.answer.predictor
    assert isinstance(sharpened, TrainOnPreferences)
    with monkeypatch.context() as patch:
        patch.setattr(prefer, "write_completions", half_right)
        alone = make_by(1, replace(experiment, store=str(tmp_path / "alone")))
    answered = (evaluated.answer.reasons, evaluated.answer, evaluated, plan(experiment))
    both = copy_without(alone, tmp_path / "both", sharpened.start, sharpened, *answered)
    make_by(2, replace(experiment, store=str(both.root)))

    # The same losses, to rounding, for gradients are summed up in another order.
    for stage in (sharpened.start, sharpened):
        curve, expected = trajectory(both.folder(stage)), trajectory(alone.folder(stage))
        assert [row.keys() for row in curve] == [row.keys() for row in expected]
        for row, expected_row in zip(curve, expected, strict=True):
            assert row == pytest.approx(expected_row, rel=1e-4, abs=1e-5)
        weights, expected_weights = (
            load_file(store.folder(stage) / "checkpoint" / "adapter_model.safetensors") for store in (both, alone)
        )
        torch.testing.assert_close(weights, expected_weights, rtol=1e-3, atol=1e-5)
        assert any(not torch.equal(weights[name], expected_weights[name]) for name in weights), "nothing was divided"

    # Given the same model, the same answers and metrics to the last bit.
    again = copy_without(both, tmp_path / "again", *answered)
    make_by(1, replace(experiment, store=str(again.root)))
    for stage, files in (
        (evaluated.answer.reasons, ["reasons.jsonl"]),
        (evaluated.answer, ["log_probs.safetensors", "rankings.json"]),
        (evaluated, ["metrics.jsonl", "calibration.jsonl", "differences.jsonl"]),
    ):
        for file in files:
            assert (again.folder(stage) / file).read_bytes() == (both.folder(stage) / file).read_bytes(), file


def copy_without(store: ArtifactStore, root: Path, *stages: object) -> ArtifactStore:
    shutil.copytree(store.root, root)
    copied = ArtifactStore(root)
    for stage in stages:
        shutil.rmtree(copied.folder(stage))  # type: ignore[arg-type]
    return copied
