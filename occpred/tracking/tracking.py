"""What every kind of tracking is to the rest of the program.

Tracking never changes a result: all its settings are incidental, and a stage declares its tracking as incidental too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from occpred.settings import Settings

Scalar = float | int | str


@dataclass(frozen=True)
class RunIdentity:
    """Which run is tracked. `id` comes from the stage's signature, so that a resumed run goes on in the same place.

    `group` ties the runs of one experiment together; `job_type` is the stage's name.
    """

    name: str
    group: str
    job_type: str
    id: str
    tags: tuple[str, ...] = ()


class Tracker(ABC):
    """One open run. Used in a `with` block, it is closed whatever happens."""

    @abstractmethod
    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Record `metrics` at optimiser step `step`; a step may come in parts, and again after a resumption."""

    @abstractmethod
    def log_summary(self, summary: Mapping[str, Scalar]) -> None:
        """Record facts about the run as a whole; a later value of the same name replaces an earlier one."""

    @abstractmethod
    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        """Record a table; a later one of the same name replaces it."""

    @abstractmethod
    def close(self, *, failed: bool = False) -> None:
        """End the run. Nothing is logged afterwards."""

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=error is not None)


@dataclass
class Tracking(Settings, ABC):
    """Base of the `tracking` choices."""

    @abstractmethod
    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        """Open `run`, or go on with it where `folder` holds an interrupted one.

        Args:
            run: which run; the same `id` is the same run.
            config: the run's settings as plain values (what JSON can hold), shown beside its metrics.
            folder: where all files of the tracking go; it is made where it is missing.
        """
