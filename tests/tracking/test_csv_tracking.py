from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.tracking import RunIdentity, Tracker

RUN = RunIdentity(name="joint seed 1", group="demo", job_type="train", id="0123abcd", tags=("demo",))


def open_tracker(folder: Path) -> Tracker:
    return CsvTracking().open(RUN, {"lora": {"rank": 8}, "titles": ["Ökonom", None]}, folder)


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_run_in_files(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "tracking"
    with open_tracker(folder) as tracker:
        tracker.log_metrics({"loss": 2.5}, step=1)
        tracker.log_metrics({"loss": 1.25, "learning_rate": 1e-05}, step=2)
        tracker.log_metrics({"validation/AccEM": 40}, step=2)
        tracker.log_summary({"test/AccEM": 12.5, "system": "joint"})
        tracker.log_summary({"test/AccEM": 13.0, "line": "first\u2028second"})
        tracker.log_table("test/examples", ["title", "rank"], [['"Chief, of" staff', 1], ["two\nlines", None]])
    assert rows(folder / "metrics.csv") == [
        ["step", "loss", "learning_rate", "validation/AccEM"],
        ["1", "2.5", "", ""],
        ["2", "1.25", "1e-05", "40.0"],
    ]
    assert rows(folder / "test_examples.csv") == [["title", "rank"], ['"Chief, of" staff', "1"], ["two\nlines", ""]]
    summary = {"test/AccEM": 13.0, "system": "joint", "line": "first\u2028second"}
    last = {"loss": 1.25, "learning_rate": 1e-05, "validation/AccEM": 40.0}
    assert json.loads((folder / "summary.json").read_text("utf-8")) == {**last, **summary}
    assert json.loads((folder / "config.json").read_text("utf-8")) == {
        "lora": {"rank": 8},
        "titles": ["Ökonom", None],
    }
    assert json.loads((folder / "run.json").read_text("utf-8"))["id"] == "0123abcd"


def test_a_resumed_run_continues_and_doubles_no_step(tmp_path: Path) -> None:
    killed = open_tracker(tmp_path)
    killed.log_summary({"parameters": 100})
    for step in (1, 2, 3):
        killed.log_metrics({"loss": 10.0 - step, "slow": step}, step)
    with open_tracker(tmp_path) as resumed:  # from the checkpoint of step 1
        for step in (2, 3, 4):
            resumed.log_metrics({"loss": 20.0 - step}, step)
    assert rows(tmp_path / "metrics.csv") == [
        ["step", "loss", "slow"],
        ["1", "9.0", "1.0"],
        ["2", "18.0", "2.0"],
        ["3", "17.0", "3.0"],
        ["4", "16.0", ""],
    ]
    assert json.loads((tmp_path / "summary.json").read_text()) == {"loss": 16.0, "slow": 3.0, "parameters": 100}


@pytest.mark.parametrize("torn", ['{"step": 2, "val', '{"step": 2, "values": {"loss": 8.0}}', "{"])
def test_a_line_torn_by_a_crash_is_dropped(tmp_path: Path, torn: str) -> None:
    with open_tracker(tmp_path) as tracker:
        tracker.log_metrics({"loss": 9.0}, 1)
    with (tmp_path / "metrics.jsonl").open("a") as journal:
        journal.write(torn)
    with open_tracker(tmp_path) as tracker:
        tracker.log_metrics({"loss": 7.0}, 3)
    assert rows(tmp_path / "metrics.csv") == [["step", "loss"], ["1", "9.0"], ["3", "7.0"]]


def test_what_is_logged_is_on_disk_at_once(tmp_path: Path) -> None:
    tracker = open_tracker(tmp_path)
    tracker.log_metrics({"loss": float("nan")}, 1)
    assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1, "values": {"loss": NaN}}\n'
    tracker.close()
    assert rows(tmp_path / "metrics.csv") == [["step", "loss"], ["1", "nan"]]


def test_a_failed_run_is_closed_too(tmp_path: Path) -> None:
    tracker = open_tracker(tmp_path)
    tracker.log_metrics({"loss": 0.25}, 1)
    with pytest.raises(ZeroDivisionError), tracker:
        raise ZeroDivisionError
    assert rows(tmp_path / "metrics.csv") == [["step", "loss"], ["1", "0.25"]]
