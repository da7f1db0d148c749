"""A job that was submitted to SLURM, and what it says of its end."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from occpred.artifacts.disk import write_whole

_TAIL_BYTES = 4096
_NOT_ITS_END = ("srun: ", "slurmstepd", "submitit ", " ")
"""How lines begin that others write, or that belong to a line before them."""
_IS_NOISE = re.compile(r"\r|Warning: ").search
"""Progress bars and warnings."""


@dataclass(frozen=True)
class Submission:
    """Where a job is to be found.

    Attributes:
        job: its id, such as `7` or, in an array, `7_0`.
        folder: the absolute path of the folder of its logs and outcomes.
        cluster: the name of the cluster.
        stages: references of what it makes.
        by: who submitted it, and on which machine.
    """

    job: str
    folder: str
    cluster: str
    stages: tuple[str, ...]
    by: str

    def failure(self) -> str | None:
        """What its first task says: why it failed, in a line, empty if it did not; `None` where it said nothing yet."""
        # A network file system notices new files when it is asked for a list, not when it is asked for a name.
        name = _outcome_name(self.job, 0)
        with suppress(FileNotFoundError):
            if name in os.listdir(self.folder):
                return _read_outcome(Path(self.folder, name))
        return None

    def failures_of_others(self) -> list[str]:
        """Why other tasks failed."""
        files = sorted(Path(self.folder).glob(_outcome_name(self.job, "*")))
        return [failure for file in files if (failure := _read_outcome(file))]

    def last_words(self) -> str:
        """The last line of its logs that is its own and no progress bar; empty where there is none."""
        # Other tasks than the first log nothing but what goes wrong.
        logs = sorted(Path(self.folder).glob(f"{self.job}_*_log.err"), reverse=True)
        return next(filter(None, map(_last_line, logs)), "")


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").split("\n")
    own = (line for line in reversed(lines) if not line.startswith(_NOT_ITS_END) and not _IS_NOISE(line))
    return next(filter(None, own), "")


def write_outcome(folder: Path, job: str, rank: int, failure: str) -> None:
    """Say how a task of a job ended: why it failed, or that it did not (an empty text). Written whole or not at all."""
    write_whole(folder / _outcome_name(job, rank), json.dumps({"failure": failure}))


def forget_outcome(folder: Path, job: str, rank: int) -> None:
    """Take back what a task said before its job was queued again."""
    (folder / _outcome_name(job, rank)).unlink(missing_ok=True)


def _outcome_name(job: str, rank: int | str) -> str:
    return f"{job}_{rank}_outcome.json"


def _read_outcome(file: Path) -> str:
    failure: str = json.loads(file.read_text(encoding="utf-8"))["failure"]
    return failure
