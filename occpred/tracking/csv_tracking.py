"""Tracking in plain files, readable by everything and complete without a network.

`metrics.jsonl` is written while the run goes on, a line at a time, so that a killed run loses nothing. When the run is
closed `metrics.csv` (one row a step) and `summary.json` are made from it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from occpred.tracking.journal import Journal
from occpred.tracking.tracking import Ending, RunIdentity, Scalar, Tracker, Tracking


@dataclass
class CsvTracking(Tracking):
    """Metrics, summary, tables and settings of a run as CSV and JSON files in its folder."""

    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        """Open the files in `folder`; those of an interrupted run are continued."""
        folder.mkdir(parents=True, exist_ok=True)
        _write_json(folder / "run.json", asdict(run))
        _write_json(folder / "config.json", config)
        return CsvTracker(folder)


class CsvTracker(Tracker):
    """Writer of one run's files.

    A step logged again, as happens where a run resumes from a checkpoint older than its last line, is the same row with
    the later values.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = Journal(folder / "metrics.jsonl")

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Append one line to `metrics.jsonl`."""
        self._journal.add(step=step, values={name: float(value) for name, value in metrics.items()})

    def log_summary(self, summary: Mapping[str, Scalar]) -> None:
        """Append one line, of no step, to `metrics.jsonl`."""
        self._journal.add(step=None, values=dict(summary))

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        """Write `<name>.csv`; slashes of the name become underscores."""
        _write_csv(self._folder / f"{name.replace('/', '_')}.csv", columns, rows)

    def close(self, ending: Ending = Ending.FINISHED) -> None:
        """Write `metrics.csv` and `summary.json`, of an interrupted run too."""
        self._journal.close()
        steps = self._values_by_step()
        summary = steps.pop(None, {})
        last = {name: value for values in steps.values() for name, value in values.items()}
        _write_json(self._folder / "summary.json", {**last, **summary})
        rows = ([step, *(values.get(name) for name in last)] for step, values in steps.items())
        _write_csv(self._folder / "metrics.csv", ["step", *last], rows)

    def _values_by_step(self) -> dict[int | None, dict[str, Scalar]]:
        steps: dict[int | None, dict[str, Scalar]] = {}
        for entry in self._journal.entries():
            steps.setdefault(entry["step"], {}).update(entry["values"])
        return steps


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Scalar | None]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
