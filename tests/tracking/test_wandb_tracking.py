"""W&B is real here, and offline: what it wrote is read back from the run's `.wandb` file.

Each test is a process's life of W&B (about a second), so several facts are checked on one run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from occpred.tracking.tracking import RunIdentity
from occpred.tracking.wandb_tracking import WandbMode, WandbTracking
from tests.tracking.conftest import exit_codes, history, records, run_folders, values
from tests.tracking.run_example import RUN

LivingChildren = Callable[[], list[str]]

SECRETS = {
    "OPENAI_API_KEY": "sk-do-not-write-me-1",
    "HF_TOKEN": "hf_do-not-write-me-2",
    "WANDB_API_KEY": "do-not-write-me-3".ljust(40, "0"),
    "USER": "do-not-write-me-4",
}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("occpred")]


def test_an_offline_run_keeps_what_was_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, living_children: LivingChildren
) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)
    folder = tmp_path / "tracking"
    with WandbTracking(project="reasons", entity="team").open(RUN, {"lora": {"rank": 8}}, folder) as tracker:
        assert "wandb-core" in living_children()
        tracker.log_metrics({"loss": 2.0}, 1)
        tracker.log_table("examples", ["title", "rank"], [["Chief", 1], [None, 2.5]])
        tracker.log_metrics({"loss": 1.5}, 2)
        tracker.log_summary({"test/AccEM": 12.5, "system": "joint"})
    assert living_children() == []

    (run_folder,) = run_folders(folder)
    written = list(records(run_folder))
    (run,) = [record.run for record in written if record.HasField("run")]
    assert (run.run_id, run.display_name, run.run_group, run.job_type) == (RUN.id, RUN.name, RUN.group, RUN.job_type)
    assert (run.project, run.entity, tuple(run.tags)) == ("reasons", "team", RUN.tags)
    config = values(run.config.update)
    config.pop("_wandb", None)
    assert config == {"lora": {"rank": 8}}

    assert history(run_folder, "loss") == [(1, 2.0), (2, 1.5)]
    summary: dict[str, Any] = {}
    for record in written:
        if record.HasField("summary"):
            summary |= values(record.summary.update)
    assert (summary["test/AccEM"], summary["system"], summary["loss"]) == (12.5, "joint", 1.5)
    (table,) = (run_folder / "files" / "media" / "table").glob("examples*.json")
    assert json.loads(table.read_text())["data"] == [["Chief", 1], [None, 2.5]]
    assert exit_codes(run_folder) == [0]

    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert b"do-not-write-me" not in file.read_bytes()
    assert [path.name for path in (folder / "wandb").iterdir()] == [run_folder.name], "no links that a move would break"
    assert {"requirements.txt", "wandb-metadata.json", "output.log"}.isdisjoint(os.listdir(run_folder / "files"))


def test_a_failed_run_is_finished_as_failed_and_goes_on_under_its_id(
    tmp_path: Path, living_children: LivingChildren
) -> None:
    with pytest.raises(ZeroDivisionError), WandbTracking().open(RUN, {}, tmp_path) as tracker:  # noqa: PT012
        tracker.log_metrics({"loss": 5.0}, 1)
        tracker.log_metrics({"loss": 1 / 0}, 2)
    assert living_children() == []
    (first,) = run_folders(tmp_path)
    assert exit_codes(first) == [1]

    other_run = RunIdentity("other", "demo", "evaluate", "fedcba")
    with (
        WandbTracking().open(RUN, {}, tmp_path) as tracker,
        WandbTracking().open(other_run, {}, tmp_path / "other") as other,
    ):
        other.close()
        assert "wandb-core" in living_children(), "the outer run still needs it"
        tracker.log_metrics({"loss": 3.0}, 2)
    assert living_children() == []
    (second,) = run_folders(tmp_path)
    assert second != first, "the whole run is in a new folder"
    assert [record.run.run_id for record in records(second) if record.HasField("run")] == [RUN.id]
    assert history(second, "loss") == [(1, 5.0), (2, 3.0)]
    assert exit_codes(second) == [0]


def test_a_tag_that_is_too_long_for_wandb_is_shortened(tmp_path: Path) -> None:
    long = "training_reason.generation.something=" + "x" * 64
    run = replace(RUN, tags=(long, f"{long}y", "", "seed=0"))
    WandbTracking().open(run, {}, tmp_path).close()
    (folder,) = run_folders(tmp_path)
    (tags,) = (list(record.run.tags) for record in records(folder) if record.HasField("run"))
    assert tags[2:] == ["seed=0"]
    assert [len(tag) for tag in tags[:2]] == [64, 64]
    assert len({*tags}) == 3
    assert all(tag.startswith(long[:55]) for tag in tags[:2])


def test_online_without_an_account_goes_on_offline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, living_children: LivingChildren
) -> None:
    with WandbTracking(mode=WandbMode.ONLINE).open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
    assert living_children() == []
    assert [path.name.startswith("offline-run") for path in run_folders(tmp_path)] == [True]
    assert warnings(caplog) == [
        "W&B cannot go online, so the run is kept offline; send it later with `wandb sync` "
        "(nobody is logged in; `wandb login` does that)"
    ]


def test_without_wandb_or_its_folder_the_run_goes_on(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    living_children: LivingChildren,
) -> None:
    (tmp_path / "file").touch()
    with WandbTracking().open(RUN, {}, tmp_path / "file") as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
    monkeypatch.setitem(sys.modules, "wandb", None)  # what an installation without the package looks like
    with WandbTracking(mode=WandbMode.ONLINE).open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
        tracker.log_summary({"AccEM": 1.0})
    assert ["cannot start; the run goes on without it" in warning for warning in warnings(caplog)] == [True, True]
    assert living_children() == []


def test_disabled_writes_nothing(tmp_path: Path, living_children: LivingChildren) -> None:
    with WandbTracking(mode=WandbMode.DISABLED).open(RUN, {}, tmp_path / "tracking") as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
        tracker.log_table("examples", ["a"], [["b"]])
        tracker.log_summary({"AccEM": 1.0})
    assert not list(tmp_path.rglob("*.wandb"))
    assert living_children() == []
