"""A sweep's report from the artifacts of its jobs. The systems are untuned: nothing has to be trained for it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from occpred.artifacts.signature import reference
from occpred.artifacts.store import ArtifactStore
from occpred.stages.phase import Phase
from occpred.stages.road import goals, make, make_work, plan
from occpred.stages.sweep import SweepJob, finish, with_judge_check
from occpred.stages.sweep_findings import SweepFindings
from occpred.stages.sweep_works import SweepRun
from occpred.stages.work import Work
from tests.stages.conftest import MakeExperiment, small_experiment_in

OVERRIDES = [(f"reason={reason}", f"seed={seed}") for reason in ("none", "masked", "oracle") for seed in (0, 1)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of three reason sources, two seeds each."""
    store = tmp_path_factory.mktemp("made") / "artifacts"
    for each in OVERRIDES:
        make(small_experiment_in(store, "model=untuned", *each), "")
    return store


@pytest.fixture
def jobs(small_experiment: MakeExperiment, made: Path, tmp_path: Path) -> list[SweepJob]:
    """The jobs of a copy of that store, and one that failed."""
    shutil.copytree(made, tmp_path / "artifacts")
    finished = [SweepJob(each, small_experiment("model=untuned", *each)) for each in OVERRIDES]
    return [*finished, SweepJob(("reason=generated", "seed=0"), finished[0].experiment, "MemoryError: too much of it")]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_one_row_a_system_and_one_for_what_failed(
    jobs: list[SweepJob], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    finish(jobs, name="sources", question="Which?", command="occpred ...", config="seed: 0")
    [folder] = (tmp_path / "artifacts" / "sweep").iterdir()
    assert jobs[0].experiment is not None
    baselines = [baseline.name for baseline in jobs[0].experiment.baselines.chosen()]

    metrics = [row for row in rows(folder / "metrics.csv") if (row["group"], row["metric"]) == ("all", "acc_em")]
    assert [row["system"] for row in metrics] == ["reason=none", "reason=masked", "reason=oracle", *baselines]
    assert {row["n"] for row in metrics} == {"12"}, "neither an untuned model nor a baseline has a seed"

    tests = rows(folder / "tests.csv")
    assert {row["reference"] for row in tests} == {"reason=none"}
    assert {row["system"] for row in tests} == {"reason=masked", "reason=oracle", *baselines}
    [failure] = rows(folder / "failures.csv")
    assert "MemoryError: too much of it" in failure.values()
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert re.search(
        r"<dt>Data</dt><dd>\d+ people; .*, 150 candidates; 0 of \d+ rows \(one person each\) rejected<", page
    )

    printed = capsys.readouterr().out
    assert "MemoryError: too much of it" in printed
    assert str(folder / "report.html") in printed.replace("\n", "")


def test_again_it_is_found_and_another_failure_makes_another(jobs: list[SweepJob], tmp_path: Path) -> None:
    for chosen in (jobs, jobs, jobs[:-1]):
        finish(chosen, name="sources", question="Which?", command="", config="")
    assert len(list((tmp_path / "artifacts" / "sweep").iterdir())) == 2


def test_rows_of_other_people_are_not_compared(small_experiment: MakeExperiment, tmp_path: Path) -> None:
    jobs = []
    for seed in (0, 1):
        settings = ("model=untuned", "reason=none", f"split.seed={seed}")
        experiment = small_experiment(*settings)
        make(experiment, "")
        jobs.append(SweepJob(settings[2:], experiment))
    finish(jobs, name="splits", question="", command="", config="")
    [folder] = (tmp_path / "artifacts" / "sweep").iterdir()
    data = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    assert data["reference"] == "split.seed=0"
    assert "split.seed=1" in data["not_compared"]
    assert all(label.endswith("split.seed=1") for label in data["not_compared"])
    assert {test["system"] for test in data["tests"]}.isdisjoint(data["not_compared"])


def test_nobody_is_asked_for_the_report(jobs: list[SweepJob], tmp_path: Path) -> None:
    experiment = jobs[0].experiment
    assert experiment is not None
    store = ArtifactStore(Path(experiment.store))
    facts = []
    for check in (False, True):
        if check:  # as a work of the sweep
            (run, *others) = with_judge_check([SweepRun(each, tuple(goals(each))) for each in [experiment] * 2])
            assert [each.goals for each in others] == [run.goals]
            make_work(Work(Phase.REASON, experiment, "", (reference(run.goals[-1]),), ()))
        before = {path.parent for path in store.root.glob("*/*/provenance.json")}
        finish(jobs, name=f"checked {check}", question="", command="", config="")
        (folder,) = {path.parent for path in store.root.glob("*/*/provenance.json")} - before
        facts.append(json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["facts"])
    assert [fact["name"] for fact in facts[1]] == ["AUC of the judge's utility", *(fact["name"] for fact in facts[0])]


def test_an_override_with_a_space_is_one_override(small_experiment: MakeExperiment, tmp_path: Path) -> None:
    overrides = ("reason=none", "prompts.joint='Say why.'")
    finish(
        [SweepJob(overrides, small_experiment(), "MemoryError")], name="all_failed", question="", command="", config=""
    )
    [folder] = (tmp_path / "artifacts" / "sweep").iterdir()
    [failure] = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))["failures"]
    assert failure["overrides"] == list(overrides)


def test_what_the_oracle_adds_and_what_of_it_is_leak(jobs: list[SweepJob]) -> None:
    experiment = jobs[0].experiment
    assert experiment is not None
    runs = {
        job.label(): (plan(job.experiment),)
        for job in jobs
        if job.experiment and not job.failure and "seed=0" in job.overrides
    }
    found = SweepFindings(
        ArtifactStore(Path(experiment.store)), runs, None, experiment.comparison, experiment.evaluation
    )
    added, leaked = found.facts()
    assert added.name == "AccEM of reason=oracle minus reason=none"
    assert leaked.name == "AccEM of reason=oracle minus reason=masked"
    accuracy = {label: 100 * scores.acc_em_P.mean() for label, scores in found.systems.items()}
    assert added.estimate.value == pytest.approx(accuracy["reason=oracle"] - accuracy["reason=none"])
    assert leaked.estimate.value == pytest.approx(accuracy["reason=oracle"] - accuracy["reason=masked"])


def test_rows_are_named_by_what_they_do_not_share() -> None:
    assert SweepJob(("experiments=joint", "seed=1"), None).label() == "joint"
    assert SweepJob(("experiments=joint", "lora.rank=8", "seed=1"), None).label() == "joint, lora.rank=8"
    assert SweepJob(("seed=1",), None).label() == "all jobs"
