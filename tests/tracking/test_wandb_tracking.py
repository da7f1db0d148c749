"""W&B is real here, and offline: what it wrote is read back from the run's `.wandb` file.

Each test is a process's life of W&B (about a second), so several facts are checked on one run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
from wandb.proto.wandb_internal_pb2 import Record

from occpred.tracking.tracking import RunIdentity
from occpred.tracking.wandb_tracking import WandbMode, WandbTracking

RUN = RunIdentity(name="joint seed 1", group="demo", job_type="train", id="0123456789abcdef", tags=("a", "b"))
SECRETS = {
    "OPENAI_API_KEY": "sk-do-not-write-me-1",
    "HF_TOKEN": "hf_do-not-write-me-2",
    "WANDB_API_KEY": "do-not-write-me-3".ljust(40, "0"),
    "USER": "do-not-write-me-4",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without W&B credentials, where W&B may keep its logs and caches."""
    for name in [name for name in os.environ if name.startswith(("WANDB", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def records(run_folder: Path) -> Iterator[Record]:
    """All records of an offline run: a LevelDB log (blocks of 32 KiB, chunks with a header of 7 bytes)."""
    (file,) = run_folder.glob("*.wandb")
    content, place, whole = file.read_bytes(), 7, b""
    while place < len(content):
        if (left := 32768 - place % 32768) < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a full record, or the last part of one
            yield Record.FromString(whole)
            whole = b""


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def run_folders(folder: Path) -> list[Path]:
    return sorted((folder / "wandb").glob("*run-*"))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("occpred")]


@pytest.fixture(autouse=True)
def older_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that other libraries, imported by other tests, keep are not W&B's."""
    monkeypatch.setattr(
        sys.modules[__name__], "_older", {child.pid for child in psutil.Process().children(recursive=True)}
    )


_older: set[int] = set()


def living_children() -> list[str]:
    children = (child for child in psutil.Process().children(recursive=True) if child.pid not in _older)
    return [child.name() for child in children if child.status() != psutil.STATUS_ZOMBIE]


def test_an_offline_run_keeps_what_was_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert (run.project, run.entity, list(run.tags)) == ("reasons", "team", ["a", "b"])
    config = values(run.config.update)
    config.pop("_wandb", None)
    assert config == {"lora": {"rank": 8}}

    history = [values(record.history.item) for record in written if record.HasField("history")]
    assert [(row["_step"], row["loss"]) for row in history if "loss" in row] == [(1, 2.0), (2, 1.5)]
    summary: dict[str, Any] = {}
    for record in written:
        if record.HasField("summary"):
            summary |= values(record.summary.update)
    assert (summary["test/AccEM"], summary["system"], summary["loss"]) == (12.5, "joint", 1.5)
    (table,) = (run_folder / "files" / "media" / "table").glob("examples*.json")
    assert json.loads(table.read_text())["data"] == [["Chief", 1], [None, 2.5]]
    assert [record.exit.exit_code for record in written if record.HasField("exit")] == [0]

    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert b"do-not-write-me" not in file.read_bytes()
    assert [path.name for path in (folder / "wandb").iterdir()] == [run_folder.name], "no links that a move would break"
    assert {"requirements.txt", "wandb-metadata.json", "output.log"}.isdisjoint(os.listdir(run_folder / "files"))


def test_a_failed_run_is_finished_as_failed_and_resumes_under_its_id(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), WandbTracking().open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 1 / 0}, 1)
    assert living_children() == []
    (first,) = run_folders(tmp_path)
    assert [record.exit.exit_code for record in records(first) if record.HasField("exit")] == [1]

    with (
        WandbTracking().open(RUN, {}, tmp_path) as tracker,
        WandbTracking().open(RunIdentity("other", "demo", "evaluate", "fedcba"), {}, tmp_path / "other") as other,
    ):
        other.close()
        assert "wandb-core" in living_children(), "the outer run still needs it"
        tracker.log_metrics({"loss": 3.0}, 1)
    assert living_children() == []
    (second,) = (folder for folder in run_folders(tmp_path) if folder != first)
    assert [record.run.run_id for record in records(second) if record.HasField("run")] == [RUN.id]


def test_a_broken_wandb_warns_once_and_fails_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with WandbTracking().open(RUN, {}, tmp_path) as tracker:
        for process in psutil.Process().children(recursive=True):
            process.kill()
            process.wait()
        for step in range(5):
            tracker.log_metrics({"loss": 1.0}, step)
        tracker.log_table("examples", ["a"], [["b"]])
        tracker.log_summary({"AccEM": 1.0})
    (warning,) = warnings(caplog)
    assert warning.startswith("W&B failed; the run goes on without it (")


def test_online_without_an_account_goes_on_offline(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with WandbTracking(mode=WandbMode.ONLINE).open(RUN, {}, tmp_path) as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
    assert living_children() == []
    assert [path.name.startswith("offline-run") for path in run_folders(tmp_path)] == [True]
    assert warnings(caplog) == [
        "W&B cannot go online, so the run is kept offline; send it later with `wandb sync` "
        "(nobody is logged in; `wandb login` does that)"
    ]


def test_without_wandb_or_its_folder_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
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


def test_disabled_writes_nothing(tmp_path: Path) -> None:
    with WandbTracking(mode=WandbMode.DISABLED).open(RUN, {}, tmp_path / "tracking") as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
        tracker.log_table("examples", ["a"], [["b"]])
        tracker.log_summary({"AccEM": 1.0})
    assert not list(tmp_path.rglob("*.wandb"))
    assert living_children() == []
