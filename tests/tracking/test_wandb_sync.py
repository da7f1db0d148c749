"""The real `wandb sync`, and real online runs, with a server of our own: what a user will see."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import yaml

from occpred.tracking.tracking import RunIdentity, Tracker
from occpred.tracking.wandb_tracking import WandbMode, WandbTracking
from tests.servers.server_process import ROOT, RunningServer
from tests.servers.wandb_server import wandb_server
from tests.tracking.conftest import run_folders
from tests.tracking.run_example import RUN

CONFIG = {"train": {"adaptation": {"rank": 8}}, "axes": {"lora_rank": 8, "model": "joint"}}


@pytest.fixture(scope="module")
def running_server() -> Iterator[RunningServer]:
    with wandb_server() as server:
        yield server


@pytest.fixture
def server(running_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    """A server that knows of no run, to which the user is logged in."""
    running_server.reset()
    monkeypatch.setenv("WANDB_BASE_URL", running_server.url)
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    return running_server


def log_steps(tracker: Tracker, *steps: int) -> None:
    for step in steps:
        tracker.log_metrics({"loss": 10.0 - step}, step)
        if step % 2 == 0:
            tracker.log_metrics({"validation": step / 10}, step)


def first_part(tracking: WandbTracking, folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.open(RUN, CONFIG, folder) as tracker:  # noqa: PT012
        log_steps(tracker, 1, 2, 3, 4, 5)
        raise KeyboardInterrupt


def second_part(tracking: WandbTracking, folder: Path) -> None:
    """From the checkpoint of step 3 on."""
    with tracking.open(RUN, CONFIG, folder) as tracker:
        log_steps(tracker, 4, 5, 6, 7)
        tracker.log_summary({"trained_on": 42})
        tracker.log_table("examples", ["title", "rank"], [["Chief", 1], ["<b>two</b>", None]])


def sync(folder: Path) -> None:
    command = [str(Path(sys.executable).with_name("wandb")), "sync", str(folder / "wandb")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "ERROR" not in ended.stderr, ended.stderr


def run_at(server: RunningServer) -> dict[str, Any]:
    stats = server.stats()
    assert stats["unknown"] == []
    (run,) = stats["runs"].values()
    return dict(run)


def assert_whole(run: dict[str, Any]) -> None:
    assert (run["id"], run["name"], run["group"], run["job_type"]) == (RUN.id, RUN.name, RUN.group, RUN.job_type)
    assert (run["project"], run["entity"], tuple(run["tags"])) == ("occpred", "team", RUN.tags)
    assert {name: run["config"][name] for name in CONFIG} == CONFIG
    losses = [(row["_step"], row["loss"]) for row in run["history"] if "loss" in row]
    assert losses == [(step, 10.0 - step) for step in range(1, 8)]
    assert [(row["_step"], row["validation"]) for row in run["history"] if "validation" in row] == [
        (step, step / 10) for step in (2, 4, 6)
    ]
    summary = {name: run["summary"][name] for name in ("loss", "validation", "trained_on")}
    assert summary == {"loss": 3.0, "validation": 0.6, "trained_on": 42}
    (table,) = (text for name, text in run["files"].items() if name.startswith("media/table/examples"))
    assert b"<b>two</b>" in b64decode(table)
    assert (run["state"], run["exit_code"]) == ("finished", 0)


def assert_linked(artifacts: dict[str, Any]) -> None:
    for reference in RUN.inputs:
        artifact = artifacts[reference.replace("/", "-")]
        assert (artifact["type"], artifact["state"]) == (reference.split("/")[0], "COMMITTED")
        assert {*artifact["used_by"]} == {RUN.id}
    assert artifacts["train-0123456789abcdef"]["logged_by"] == RUN.id


def test_an_offline_run_that_was_interrupted_is_whole_when_it_is_synced(server: RunningServer, tmp_path: Path) -> None:
    tracking = WandbTracking(entity="team")
    first_part(tracking, tmp_path)
    second_part(tracking, tmp_path)
    sync(tmp_path)
    assert_whole(run_at(server))
    assert_linked(server.stats()["artifacts"])


def test_a_run_synced_in_between_is_continued_there(server: RunningServer, tmp_path: Path) -> None:
    tracking = WandbTracking(entity="team")
    first_part(tracking, tmp_path)
    sync(tmp_path)
    assert run_at(server)["state"] == "preempted"
    second_part(tracking, tmp_path)
    sync(tmp_path)
    assert_whole(run_at(server))


def test_an_online_run_loses_and_doubles_nothing(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], living_children: Callable[[], list[str]]
) -> None:
    tracking = WandbTracking(entity="team", mode=WandbMode.ONLINE)
    first_part(tracking, tmp_path)
    assert run_at(server)["state"] == "preempted"
    with pytest.raises(KeyboardInterrupt), tracking.open(RUN, CONFIG, tmp_path) as tracker:  # noqa: PT012
        log_steps(tracker, 5)
        for process in psutil.Process().children(recursive=True):
            if process.name() == "wandb-core":
                process.kill()
                process.wait()
        log_steps(tracker, 6)
        raise KeyboardInterrupt
    second_part(tracking, tmp_path)
    assert living_children() == []
    run = run_at(server)
    assert_whole(run)
    assert_linked(server.stats()["artifacts"])
    told = {name: run["told"][name] for name in ("host", "program", "repo", "commit") if run["told"][name]}
    assert told == {"program": "occpred"}
    assert "wandb" not in "".join(capsys.readouterr())


def test_a_checkpoint_is_linked_to_what_rests_on_it(server: RunningServer, tmp_path: Path) -> None:
    evaluated = RunIdentity("joint", "demo", "evaluate", "fedcba", inputs=(RUN.output,), output="evaluate/fedcba")
    tracking = WandbTracking(entity="team", mode=WandbMode.ONLINE)
    second_part(tracking, tmp_path)
    tracking.open(evaluated, {}, tmp_path / "evaluated").close()
    checkpoint = server.stats()["artifacts"]["train-0123456789abcdef"]
    assert (checkpoint["logged_by"], checkpoint["used_by"]) == (RUN.id, [evaluated.id])


def test_the_outcome_is_in_the_run_that_an_agent_waits_for(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = tmp_path / "config.yaml"
    parameters.write_text("wandb_version: 1\nlora.rank:\n  value: 8\n", encoding="utf-8")
    told_by_agent = {"SWEEP_ID": "grid1234", "RUN_ID": "point1", "PROJECT": "sweeps", "ENTITY": "team"}
    for name, value in {**told_by_agent, "SWEEP_PARAM_PATH": str(parameters)}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    tracking = WandbTracking(entity="team", mode=WandbMode.ONLINE)
    assert tracking.is_awaited()
    assert not WandbTracking(mode=WandbMode.DISABLED).is_awaited()
    second_part(tracking, tmp_path)
    with tracking.open(replace(RUN, id="fedcba", is_outcome=True), CONFIG, tmp_path / "evaluated") as tracker:
        tracker.log_summary({"movers/acc_em": 25.0})
    runs = server.stats()["runs"]
    assert {name: (run["project"], run["sweep"]) for name, run in runs.items()} == {
        RUN.id: ("occpred", None),
        "point1": ("sweeps", "grid1234"),
    }
    assert runs["point1"]["summary"]["movers/acc_em"] == 25.0
    assert runs["point1"]["config"]["lora.rank"] == 8
    assert runs["point1"]["config"]["axes"] == CONFIG["axes"]
    assert {"WANDB_SWEEP_ID", "WANDB_RUN_ID"} < os.environ.keys(), "they are only hidden from other runs"


@pytest.mark.slow
def test_a_real_agent_runs_a_real_sweep(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; from pathlib import Path; from dataclasses import replace;"
        "from tests.tracking.run_example import RUN; from occpred.tracking.wandb_tracking import *;"
        "tracker = WandbTracking(mode=WandbMode.ONLINE).open(replace(RUN, is_outcome=True), {}, Path(sys.argv[1]));"
        "tracker.log_summary({'movers/acc_em': float(sys.argv[2].partition('=')[2])}); tracker.close()"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    sweep = {
        "method": "grid",
        "project": "sweeps",
        "entity": "team",
        "metric": {"name": "movers/acc_em", "goal": "maximize"},
        "parameters": {"lora.rank": {"values": [4, 8]}},
        "command": [sys.executable, "-c", program, str(tmp_path / "tracking"), "${args_no_hyphens}"],
    }
    (tmp_path / "sweep.yaml").write_text(yaml.dump(sweep), encoding="utf-8")
    wandb = str(Path(sys.executable).with_name("wandb"))
    for command in ([wandb, "sweep", "sweep.yaml"], [wandb, "agent", "--count", "2", "team/sweeps/grid1234"]):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
    runs = server.stats()["runs"]
    outcomes = {name: (run["sweep"], run["summary"]["movers/acc_em"], run["state"]) for name, run in runs.items()}
    assert outcomes == {"point1": ("grid1234", 4.0, "finished"), "point0": ("grid1234", 8.0, "finished")}


def test_an_unreachable_server_leaves_an_offline_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    tracking = WandbTracking(entity="team", mode=WandbMode.ONLINE, start_timeout_seconds=1.0)
    second_part(tracking, tmp_path)
    assert [folder.name for folder in run_folders(tmp_path) if folder.name.startswith("offline-")]
    assert "cannot go online, so the run is kept offline" in caplog.text
