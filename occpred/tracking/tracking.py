"""What every kind of tracking is to the rest of the program.

Tracking never changes a result: all its settings are incidental, and a stage declares its tracking as incidental too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType

from occpred.interruption import requested
from occpred.settings import Settings, setting

Scalar = float | int | str


@dataclass(frozen=True)
class RunIdentity:
    """Which run is tracked.

    Attributes:
        name: what lists show.
        group: ties the runs of one experiment or sweep together.
        job_type: the stage's name.
        id: comes from the stage's signature, so that a resumed run goes on in the same place.
        tags: words to find the run by, such as `lora.rank=8`.
        inputs: references (`train/0123456789abcdef`) of the artifacts that the run's result rests on.
        output: the reference of its result; empty where nothing else rests on it.
        is_outcome: whether the experiment's headline numbers are in this run.
    """

    name: str
    group: str
    job_type: str
    id: str
    tags: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    output: str = ""
    is_outcome: bool = False


class Ending(Enum):
    """How a run ended. One that was interrupted is going to be resumed."""

    FINISHED = "finished"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


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
    def close(self, ending: Ending = Ending.FINISHED) -> None:
        """End the run. Nothing is logged afterwards. The summary then has each metric's last value as well."""

    def __enter__(self) -> Tracker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(_ending(error))


class NullTracker(Tracker):
    """Records nothing: for all processes of a job but the first, which tracks for all of them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Record nothing."""

    def log_summary(self, summary: Mapping[str, Scalar]) -> None:
        """Record nothing."""

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        """Record nothing."""

    def close(self, ending: Ending = Ending.FINISHED) -> None:
        """Nothing is open."""


@dataclass
class Tracking(Settings, ABC):
    """Base of the `tracking` choices."""

    group: str = setting("", incidental=True)
    """What ties runs together; the experiment's name where it is empty. A sweep puts its own name here."""
    tags: list[str] = setting([], incidental=True)
    """Words to find runs by. A sweep puts its axes here (`lora.rank=8`), those that all jobs of a run agree on."""
    examples: int = setting(200, minimum=0, incidental=True)
    """How many test people's histories, reasons and answers are shown, drawn at random; 0 keeps all texts out."""

    @abstractmethod
    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        """Open `run`, or go on with it where `folder` holds an interrupted one.

        Args:
            run: which run; the same `id` is the same run.
            config: the run's settings as plain values (what JSON can hold), shown beside its metrics.
            folder: where all files of the tracking go; it is made where it is missing.
        """

    def is_awaited(self) -> bool:
        """Whether somebody outside waits for the outcome of this process, even where there is nothing left to do."""
        return False


def _ending(error: BaseException | None) -> Ending:
    if error is None:
        return Ending.FINISHED
    # An error that comes up after a signal came counts as interrupted, too (see `occpred.interruption.postponed`).
    return Ending.FAILED if isinstance(error, Exception) and not requested() else Ending.INTERRUPTED
