"""Sweeps by the command that a user types, with jobs that take no time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from hydra.core.hydra_config import HydraConfig

from occpred.__main__ import main
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.careers.source import Careers
from occpred.experiment import Experiment
from occpred.stages import road, sweep
from occpred.stages.sweep import SweepJob

FILES = {
    "experiments/first.yaml": "name: first",
    "experiments/second.yaml": "defaults: [{override /careers: jsonl}]\nname: second\ncareers: {path: people.jsonl}",
    "sweeps/both.yaml": """
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      experiments: first,second
      seed: 0,1
sweep:
  name: both
  question: Which is better?
""",
}


@dataclass(frozen=True)
class Quick(Stage):
    """Stands for all stages of an experiment."""

    name: ClassVar[str] = "quick"

    careers: Careers
    seed: int

    def run(self, folder: Path, store: ArtifactStore) -> None:
        (folder / "seed.txt").write_text(str(self.seed), encoding="utf-8")


@dataclass
class Command:
    """Runs `occpred` in this process and keeps what comes of it."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    faults: dict[int, BaseException] = field(default_factory=dict)
    """What the job of a seed raises."""
    made: list[tuple[str, int]] = field(default_factory=list)
    """Name and seed of the jobs that were run by the last command."""
    rows: Sequence[SweepJob] = ()
    said: dict[str, str] = field(default_factory=dict)
    stdout: str = ""
    stderr: str = ""

    def __call__(self, *arguments: str) -> int:
        """Return the exit code."""
        self.made, self.rows, self.said = [], (), {}
        self.monkeypatch.setattr(sys, "argv", ["occpred", "--config-dir", str(self.folder / "conf"), *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        self.stdout, self.stderr = self.captured.readouterr()
        if isinstance(code, str):  # Python itself prints it and exits with 1
            self.stderr += f"{code}\n"
            return 1
        assert isinstance(code, int)
        return code

    def make(self, experiment: Experiment, config: str) -> None:
        self.made.append((experiment.name, experiment.seed))
        if experiment.seed in self.faults:
            raise self.faults[experiment.seed]
        ArtifactStore(Path(experiment.store)).make(quick_plan(experiment))

    def finish(self, jobs: Sequence[SweepJob], **said: str) -> None:
        self.rows, self.said = jobs, said

    def failures(self) -> dict[tuple[str, ...], str]:
        return {row.overrides: row.failure for row in self.rows if row.failure}


def quick_plan(experiment: Experiment) -> Quick:
    return Quick(experiment.careers, experiment.seed)


@pytest.fixture
def occpred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """The command, in a folder of its own with experiments and a sweep of its own."""
    for name, text in FILES.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# @package _global_\n{text}\n", encoding="utf-8")
    command = Command(tmp_path, monkeypatch, capsys)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr(road, "plan", quick_plan)
    monkeypatch.setattr(road, "make", command.make)
    monkeypatch.setattr(sweep, "finish", command.finish)
    root, of_hydra = logging.getLogger(), logging.getLogger("hydra")
    before = root.handlers.copy(), root.level, of_hydra.level
    yield command
    root.handlers, root.level, of_hydra.level = before
    HydraConfig.instance().cfg = None


def test_what_failed_is_a_row_and_the_same_command_runs_only_that(occpred: Command, tmp_path: Path) -> None:
    occpred.faults[1] = RuntimeError("a bug\ntold at length")
    assert occpred("sweeps=both") == 1
    assert occpred.made == [("first", 0), ("first", 1)]
    assert [row.overrides for row in occpred.rows] == [
        ("experiments=first", "seed=0"),
        ("experiments=first", "seed=1"),
        ("experiments=second", "seed=0"),
        ("experiments=second", "seed=1"),
    ]
    missing = occpred.failures()["experiments=second", "seed=0"]
    assert "people.jsonl" in missing
    assert occpred.failures() == {
        ("experiments=first", "seed=1"): "RuntimeError: a bug",
        ("experiments=second", "seed=0"): missing,
        ("experiments=second", "seed=1"): missing,
    }
    assert occpred.stderr == (
        "occpred: 3 of 4 jobs failed: RuntimeError: a bug (and 1 other reason); "
        "the same command runs only what is missing\n"
    )
    (traceback,) = (tmp_path / "runs" / "both").glob("*/*/1/traceback.txt")
    assert "told at length" in traceback.read_text(encoding="utf-8")
    assert occpred.stdout.splitlines() == [
        "4 jobs, 2 to run",
        "[1/2] experiments=first seed=0",
        occpred.stdout.splitlines()[2],
        "[2/2] experiments=first seed=1",
        f"failed: RuntimeError: a bug (traceback in {traceback})",
    ]
    assert occpred.stdout.splitlines()[2].startswith("made  quick")

    occpred.faults.clear()
    (tmp_path / "people.jsonl").touch()
    assert occpred("sweeps=both") == 0
    assert occpred.made == [("first", 1), ("second", 0), ("second", 1)]
    assert not occpred.failures()

    assert occpred("sweeps=both") == 0
    assert not occpred.made
    assert (occpred.stdout, occpred.stderr) == ("4 jobs, 0 to run\n", "")
    # The sweep has its own name, and its experiments keep theirs.
    assert (occpred.said["name"], occpred.said["question"]) == ("both", "Which is better?")
    assert occpred.said["command"].startswith("occpred --config-dir ")
    assert "name: both" in occpred.said["config"]
    assert [row.experiment and row.experiment.name for row in occpred.rows] == ["first", "first", "second", "second"]


def test_an_interrupt_ends_everything_at_once(occpred: Command) -> None:
    occpred.faults[1] = KeyboardInterrupt()
    assert occpred("-m", "seed=0,1,2") == 130
    assert [seed for _, seed in occpred.made] == [0, 1]
    assert not occpred.rows
    assert occpred.stderr == "occpred: interrupted; the same command goes on from here\n"
