"""Sweeps on a cluster, as a user starts them."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from occpred.artifacts.signature import reference
from occpred.experiment import Experiment
from occpred.stages.prepare import Part
from occpred.stages.road import Road, make
from tests.slurm.slurm import ROOT, SMALLER, Slurm, run
from tests.stages.conftest import small_experiment_in

pytestmark = pytest.mark.slurm


def experiment_in(store: Path, *overrides: str) -> Experiment:
    return small_experiment_in(store, *SMALLER, *overrides)


def results(store: Path) -> dict[str, str]:
    """A hash of every file of every artifact of a run, but for what tells how it was made, and the order of a set."""
    others = {"provenance.json", "report.html", "adapter_config.json"}
    files = [path for path in store.glob("[!.]*/[!.]*/**/*") if path.is_file() and path.name not in others]
    return {
        str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.parent.name != "tracking"
    }


def test_a_sweep_gives_what_it_gives_in_one_process(slurm: Slurm, tmp_path: Path) -> None:
    fewer = ("careers.num_people=30", "trainer.validation_examples=0")
    output = slurm.finish(slurm.sweep(*fewer, "seed=0,1", "reason=generated,none"))
    assert "report: artifacts/sweep/" in output
    assert set(slurm.states_at_the_end()) == {"COMPLETED"}
    assert len(slurm.jobs()) == 9, "prepare, reasons to learn from and none to answer with, 2 trainings, 4 evaluations"
    (folder,) = slurm.folder.glob("runs/sweep/*/*")
    assert {path.name for path in folder.iterdir() if path.name.isdigit()} == set(map(str, range(9)))
    alone = tmp_path / "alone"
    for seed in (0, 1):
        for reason in ("generated", "none"):
            make(experiment_in(alone, *fewer, f"seed={seed}", f"reason={reason}"), "")
    expected, found = results(alone), results(slurm.store)
    assert expected.keys() <= found.keys()
    assert {"train", "answer", "evaluate"} <= {Path(name).parts[0] for name in expected}
    assert [name for name in expected if expected[name] != found[name]] == []


def test_work_is_submitted_once_whatever_becomes_of_launchers(slurm: Slurm) -> None:
    sweep = ["careers.seed=1,2"]
    roads = [Road(experiment_in(slurm.store, axis)) for axis in ("careers.seed=1", "careers.seed=2")]
    prepare = [reference(road.prepared) for road in roads]
    reason = [reference(stage) for road in roads for stage in road.selected(Part.TRAIN).inputs()]
    submitted, found = "2 SLURM jobs submitted, 0 found", "0 SLURM jobs submitted, 2 found"
    with slurm.held(reason), slurm.held(prepare) as let_go:
        first = slurm.sweep(*sweep)
        slurm.wait_for(lambda: submitted in slurm.output(first), while_runs=first)
        jobs = slurm.jobs()
        first.kill()
        others = slurm.sweep(*sweep), slurm.sweep(*sweep)
        for each in others:
            slurm.wait_for(lambda each=each: found in slurm.output(each), while_runs=each)
        assert slurm.jobs().keys() == jobs.keys()
        let_go()
        for each in others:
            slurm.wait_for(lambda each=each: slurm.output(each).count("SLURM jobs submitted") == 2, while_runs=each)
        assert len(slurm.jobs()) == 4, "of two launchers, one has submitted each work of the second wave"
        (own,) = [each for each in others if submitted in slurm.output(each)]
        (other,) = [each for each in others if each is not own]
        slurm.wait_for_jobs(2, "RUNNING", while_runs=own)
        own.send_signal(signal.SIGINT)
        assert "cancelled 2 SLURM jobs that this command submitted" in slurm.finish(own, code=130)
        slurm.wait_for(lambda: submitted in slurm.output(other), while_runs=other)
        assert len(slurm.jobs()) == 6, "whoever waited for what was cancelled has submitted it anew, once"
        slurm.wait_for_jobs(2, "RUNNING", while_runs=other)
        assert len(list(slurm.store.glob("submitted/*.json"))) == 4, "of jobs that have ended, and of those"
        other.send_signal(signal.SIGINT)
        output = slurm.finish(other, code=130)
        assert output.count("failed: cancelled (scancel)") == 2
        assert "cancelled 2 SLURM jobs that this command submitted" in output
    assert slurm.states_at_the_end() == ["CANCELLED"] * 4 + ["COMPLETED"] * 2
    assert len(list(slurm.store.glob("submitted/*.json"))) == 2, "whoever comes next submits the cancelled ones anew"


def test_failures_are_rows_that_say_why(slurm: Slurm) -> None:
    held = [f"careers.num_people={number}" for number in (60, 61)]
    with slurm.held(reference(Road(experiment_in(slurm.store, people)).prepared) for people in held):
        sweep = slurm.sweep("careers.num_people=1,60,61")
        (failed,) = slurm.wait_for_jobs(1, "FAILED", while_runs=sweep)
        array = failed.partition("_")[0]
        slurm.wait_for_log(f"{array}_1", "held by", while_runs=sweep)
        slurm.wait_for_log(f"{array}_2", "held by", while_runs=sweep)
        run("scancel", f"{array}_1")
        for process in slurm.processes(f"{array}_2"):
            process.kill()
        output = slurm.finish(sweep, code=1)
    assert "3 of 3 runs failed: prepare: SplitByPerson: 1 people give no train example" in output
    assert f"SLURM job {array}_1: failed: cancelled (scancel)" in output
    assert re.search(rf"SLURM job {array}_2: failed: ended by SLURM: FAILED, see /.*/.submitit/{array}_2\n", output)
    refused = slurm.finish(slurm.sweep("careers.num_people=2,3", "hydra.launcher.partition=nowhere"), code=1)
    assert "2 of 2 runs failed: prepare: SLURM refused the job: invalid partition specified: nowhere; " in refused


def test_jobs_run_the_code_that_was_submitted(slurm: Slurm) -> None:
    code = slurm.folder / "checkout"
    for part in ("occpred", "conf", "experiments", "sweeps"):
        shutil.copytree(ROOT / part, code / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "submitted"]):
        subprocess.run(["git", *command], cwd=code, check=True)
    stage = code / "occpred" / "stages" / "prepare.py"
    stage.write_text(stage.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
    refused = slurm.sweep("hydra.launcher.dirty_tree=REFUSE", code=code)
    assert "hydra.launcher.dirty_tree=REFUSE: the package has changes" in slurm.finish(refused, code=1)
    assert slurm.jobs() == {}
    sweep = slurm.sweep("+hydra.launcher.additional_parameters.hold=true", code=code)
    (job,) = slurm.wait_for_jobs(1, "PENDING", while_runs=sweep)
    stage.write_text("raise RuntimeError('edited while the job was waiting')\n", encoding="utf-8")
    run("scontrol", "release", job)
    slurm.wait_for_jobs(1, "COMPLETED", while_runs=sweep)
    (record,) = slurm.store.glob("prepare/[!.]*/provenance.json")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=code, capture_output=True, text=True, check=True).stdout
    made_by = json.loads(record.read_text(encoding="utf-8"))["code"]
    assert made_by == {"commit": commit.strip(), "dirty": True}
    slurm.wait_for_jobs(1, "PENDING", while_runs=sweep)  # the next wave is on hold, too
    sweep.send_signal(signal.SIGINT)
    slurm.finish(sweep, code=130)
    assert slurm.states_at_the_end() == ["CANCELLED", "COMPLETED"]


def test_a_job_goes_on_until_it_comes_no_further(slurm: Slurm) -> None:
    with slurm.held([reference(Road(experiment_in(slurm.store)).prepared)]):
        sweep = slurm.sweep("seed=0", "hydra.launcher.timeout_min=5")
        (job,) = slurm.wait_for_jobs(1, "RUNNING", while_runs=sweep)
        slurm.wait_for_log(job, "held by", while_runs=sweep)
        run("scontrol", "requeue", job)
        slurm.wait_for_log(job, "held by", while_runs=sweep, times=2)
        run("scancel", "--signal=USR2", job)
        slurm.wait_for_log(job, "held by", while_runs=sweep, times=3)
        run("scancel", "--signal=USR2", job)
        output = slurm.finish(sweep, code=1)
    assert "ran out of time twice without getting any further; raise hydra.launcher.timeout_min=5" in output
    assert list(slurm.jobs()) == [job]
