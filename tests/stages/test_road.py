"""The road from careers to a report, on a small experiment."""

from __future__ import annotations

import csv
import json
import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from occpred.artifacts.store import ArtifactStore, MadeOrFound
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.rankings import Rankings
from occpred.records import JudgedReason, Reason, read_jsonl
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.road import plan
from occpred.stages.train import Train
from tests.stages.conftest import MakeExperiment, small_experiment_in

TO_LEARN_FROM = ["prepare", "reason", "judge", "select", "gather"]
TO_ANSWER = ["gather", "answer"]
STAGES = [*TO_LEARN_FROM, "train", *TO_ANSWER, "baselines", "judge", "evaluate", "report"]


def make(experiment: Experiment) -> tuple[MadeOrFound, ...]:
    return ArtifactStore(Path(experiment.store)).make_all([plan(experiment)])


def made(results: tuple[MadeOrFound, ...]) -> list[str]:
    return [result.stage for result in results if result.made]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, tuple[MadeOrFound, ...]]:
    """The small experiment, and what became of each stage when it was first made."""
    experiment = small_experiment_in(tmp_path_factory.mktemp("finished"))
    return experiment, make(experiment)


def test_the_road_is_gone_once_and_then_only_where_something_changed(
    finished: tuple[Experiment, tuple[MadeOrFound, ...]],
) -> None:
    experiment, results = finished
    small_experiment = partial(small_experiment_in, Path(experiment.store))
    assert made(results) == STAGES
    assert made(make(small_experiment())) == []
    # Where results cannot differ nothing is made anew: another folder for tracking, other checkpoints, another device.
    assert made(make(small_experiment("tracking=wandb", "trainer.checkpoint_every_steps=5"))) == []
    # A threshold redoes the selection and what follows it, and nothing before.
    after_selection = ["select", "gather", "train", *TO_ANSWER, "judge", "evaluate", "report"]
    assert made(make(small_experiment("selection.minimum_coherence=5"))) == after_selection
    assert made(make(small_experiment("evaluation.confidence=0.9"))) == ["evaluate", "report"]
    # Without a reason there is nothing of the model's own to generate; the trained model is the same.
    assert made(make(small_experiment("reason=none"))) == [*TO_ANSWER, "judge", "evaluate", "report"]
    assert "train" not in made(make(small_experiment("reason=oracle")))


def test_every_artifact_says_what_it_should(finished: tuple[Experiment, tuple[MadeOrFound, ...]]) -> None:
    experiment, _ = finished
    store, report = ArtifactStore(Path(experiment.store)), plan(experiment)
    answer, trained = report.evaluated.answer, report.evaluated.answer.predictor
    assert isinstance(trained, Train)
    selected = trained.reasons.selected
    assert selected is not None
    data = PreparedData(store.folder(trained.prepared))
    examples = data.examples(Part.TEST)

    rankings = Rankings.load(store.folder(answer))
    assert rankings.codes == data.taxonomy.codes
    assert rankings.example_ids == tuple(example.example_id for example in examples)
    assert np.isfinite(rankings.log_probs_PC).all()
    # The titles are different texts, so their probabilities cannot add up to more than one.
    assert (np.exp(rankings.log_probs_PC).sum(axis=1) <= 1).all()

    trajectory = [json.loads(line) for line in (store.folder(trained) / "trajectory.jsonl").read_text().splitlines()]
    losses = [row["train/loss"] for row in trajectory if "train/loss" in row]
    summary = json.loads((store.folder(trained) / "training.json").read_text())
    assert len(losses) == summary["steps"] == math.ceil(summary["trained_on"] / experiment.optimizer.batch_size)
    assert losses[0] == pytest.approx(math.log(4096), rel=0.02)  # random weights know nothing of the 4,096 tokens
    assert summary["trained_on"] + summary["without_reason"] + summary["too_long"] == summary["examples"]

    reasons = read_jsonl(store.folder(selected.judged.reasons) / "reasons.jsonl", Reason)
    judged = read_jsonl(store.folder(selected.judged) / "judged.jsonl", JudgedReason)
    assert [entry.reason for entry in judged] == reasons
    assert len(reasons) == summary["examples"] * experiment.teacher.num_candidates

    folder = store.folder(report)
    with (folder / "metrics.csv").open(encoding="utf-8", newline="") as file:
        systems = {row["system"] for row in csv.DictReader(file)}
    assert systems == {"joint, own reason", *(baseline.name for baseline in experiment.baselines.chosen())}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "joint, own reason" in page
    assert (folder / "metrics.tex").stat().st_size > 0


def test_too_long_examples_are_counted_and_nothing_left_is_an_error(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment("trainer.row_length=8")
    with pytest.raises(UserError, match=r"nothing to train on.*fits into trainer\.row_length=8"):
        make(experiment)


def test_a_selection_that_keeps_nothing_is_a_clear_error(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment(
        "selection.minimum_utility=5",
        "selection.minimum_coherence=5",
        "selection.exclude_leaks=true",
        "careers.num_people=5",
        "teacher.sees_target=false",
        "teacher.num_candidates=1",
    )
    with pytest.raises(UserError, match=r"of \d+ examples 0 have a selected reason"):
        make(experiment)
