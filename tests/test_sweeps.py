"""Sweeps by the command that a user types, through Hydra's own launcher, of experiments that take seconds."""

from __future__ import annotations

import csv
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.hydra_config import HydraConfig

from occpred.__main__ import main
from occpred.artifacts.store import ArtifactStore
from occpred.stages.prepare import Prepare
from occpred.stages.untuned import UntunedModel

FILES = {
    # The real architecture with random weights, untuned: nothing has to be trained or downloaded.
    "experiments/small.yaml": """
defaults: [demo, {override /model: untuned}, {override /selection: none}, {override /reason: none}]
name: small
careers: {num_people: 60}
backbone:
  random_init: true
  architecture:
    {model_type: qwen3, vocab_size: 4096, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 1,
     num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16}
evaluation: {bootstrap_samples: 100}
ranking: {free_text: {enabled: false}}
baselines: {repeat_last: null, markov_1: null, markov_2: null, knn: null, logistic: null, career: null, gru4rec: null}
""",
    "sweeps/shots.yaml": """
defaults: [{override /experiments: small}]
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      model.shots: -1,1
sweep:
  name: shots
  question: Which is better?
""",
}


@dataclass
class Ended:
    """What came of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def jobs(self) -> list[str]:
        """What the jobs were called, that were launched."""
        return [line for line in self.stdout.splitlines() if line.startswith("[")]

    @property
    def complaint(self) -> str:
        """The line that ends it, after all progress bars; empty where there is none."""
        return self.stderr[self.stderr.find("occpred: ") :] if "occpred: " in self.stderr else ""


@dataclass
class Command:
    """Runs `occpred` in this process."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        self.monkeypatch.setattr(sys, "argv", ["occpred", "--config-dir", str(self.folder / "conf"), *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        stdout, stderr = self.captured.readouterr()
        if isinstance(code, str):  # Python itself prints it and exits with 1
            return Ended(1, stdout, f"{stderr}{code}\n")
        assert isinstance(code, int)
        return Ended(code, stdout, stderr)


@pytest.fixture
def occpred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command, in a folder of its own with experiments and a sweep of its own."""
    for name, text in FILES.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\n{text}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    root, of_hydra = logging.getLogger(), logging.getLogger("hydra")
    before = root.handlers.copy(), root.level, of_hydra.level
    yield Command(tmp_path, monkeypatch, capsys)
    root.handlers, root.level, of_hydra.level = before
    HydraConfig.instance().cfg = None


def broken(run: Callable[[Any, Path, ArtifactStore], None], error: BaseException) -> Any:
    """A stage's `run` that an error ends where there are shots to choose."""

    def run_or_break(stage: Any, folder: Path, store: ArtifactStore) -> None:
        if getattr(stage, "shots", 1):
            raise error
        run(stage, folder, store)

    return run_or_break


def sweep_reports(folder: Path) -> list[Path]:
    return sorted((folder / "artifacts").glob("sweep/*/sweep.json"), key=lambda file: file.stat().st_mtime)


def test_what_failed_is_a_row_and_the_same_command_makes_only_what_is_missing(
    occpred: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(UntunedModel, "run", broken(UntunedModel.run, RuntimeError("a bug\ntold at length")))
        ended = occpred("sweeps=shots")
    assert ended.code == 1
    refused = "model.shots=-1: must be at least 0"
    again = "the same command runs only what is missing"
    assert ended.complaint == f"occpred: 2 of 2 runs failed: {refused} (and 1 other reason); {again}\n"
    assert ended.jobs == ["[0] prepare model.shots=1", "[1] reason model.shots=1", "[2] evaluate model.shots=1"]
    assert ended.stdout.startswith("1 run, 1 to make: 3 jobs in 3 waves\n")
    assert len(list(tmp_path.glob("artifacts/check/*/judged.jsonl"))) == 1, "the judge was checked by a job"
    (folder,) = (tmp_path / "runs" / "shots").glob("*/*")
    assert "told at length" in (folder / "2" / "traceback.txt").read_text(encoding="utf-8")
    with (sweep_reports(tmp_path)[-1].parent / "failures.csv").open(encoding="utf-8", newline="") as file:
        _, *failures = csv.reader(file)
    assert [row[-1] for row in failures] == [refused, "evaluate: RuntimeError: a bug"]

    ended = occpred("sweeps=shots")
    assert ended.jobs == ["[0] evaluate model.shots=1"]
    assert ended.complaint == f"occpred: 1 of 2 runs failed: {refused}; {again}\n"
    said = json.loads(sweep_reports(tmp_path)[-1].read_text(encoding="utf-8"))["summary"]
    assert (said["name"], said["question"], said["num_jobs"]) == ("shots", "Which is better?", 2)
    assert said["command"].startswith("occpred --config-dir ")
    assert "name: shots" in said["config"]

    # The run has a report of its own, with its own config.
    (report,) = tmp_path.glob("artifacts/report/*/provenance.json")
    assert "shots: 1\n" in json.loads(report.read_text(encoding="utf-8"))["settings"]["config"]

    plan = " ".join(occpred("sweeps=shots", "model.shots=1,2,3", "plan=true").stdout.split())
    assert "2 jobs would be launched in 1 wave, 2 if each of the 3 runs did everything itself" in plan
    assert "unknown" not in plan
    assert len(list(tmp_path.glob("runs/*/*/*"))) == 2, "a plan leaves no folder"


def test_an_interrupt_ends_everything_at_once(
    occpred: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prepare, "run", broken(Prepare.run, KeyboardInterrupt()))
    ended = occpred("-m", "experiments=small", "model.shots=1,0")
    assert ended.jobs == ["[0] prepare"]
    assert ended.code == 130
    assert ended.stderr == "occpred: interrupted; the same command goes on from here\n"
    assert not sweep_reports(tmp_path)
