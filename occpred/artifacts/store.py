"""The folder of finished results, `<root>/<stage>/<signature>/`, and the only way into it.

A result is written under another name, forced to disk and renamed last, so a folder that bears a signature is complete,
whenever and however the machine went down.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occpred.artifacts import provenance
from occpred.artifacts.disk import force_to_disk
from occpred.artifacts.legs import Legs
from occpred.artifacts.lock import Lock
from occpred.artifacts.provenance import ProvenanceRecorder
from occpred.artifacts.signature import reference
from occpred.artifacts.stage import Stage
from occpred.distributed.ranks import barrier, by_first, is_first
from occpred.errors import UserError
from occpred.interruption import postponed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MadeOrFound:
    """A finished artifact: whether this call `made` it or found it there, and how many seconds making it took."""

    stage: str
    folder: Path
    made: bool
    seconds: float

    def __str__(self) -> str:
        verb = "made" if self.made else "found"
        return f"{verb:<5} {self.stage:<10} {self.folder.name}  {self.seconds:8.1f} s"


class ArtifactStore:
    """Finished artifacts below `root`; several processes and machines may use the same root at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def is_done(self, stage: Stage) -> bool:
        """Whether the stage's artifact is there."""
        return self.has(reference(stage))

    def has(self, reference: str) -> bool:
        """Whether the artifact that is called `reference` is there."""
        return _is_finished(self.root / reference)

    def folder(self, stage: Stage) -> Path:
        """Folder of the finished artifact, to be read and never written to. Raises `UserError` where it is missing."""
        path = self._path(stage)
        if not _is_finished(path):
            raise UserError(f"{path}: no such artifact yet; run the stage {stage.name!r} first")
        return path

    def make(self, stage: Stage) -> MadeOrFound:
        """Run `stage` unless its artifact is there; its inputs must be.

        Of several processes that make the same stage one does the work, the others wait for it. Where `run` fails, its
        files stay in a hidden folder: a resumable stage goes on from there, any other starts anew.

        Raises:
            UserError: where an input is missing, something else lies in the artifact's place, or the folder cannot be
                written.
        """
        path = self._path(stage)
        made = False
        if not by_first(lambda: _is_finished(path)):
            for needed in stage.inputs():
                self.folder(needed)
            by_first(lambda: self._make_folder(path.parent))
            lock = Lock(path.with_name(f".{path.name}.lock"))
            with _held_for_all(lock):
                # Another process may have made it while this one waited.
                if not by_first(lambda: _is_finished(path)):
                    self._run(stage, path, lock)
                    made = True
        seconds = json.loads((path / provenance.FILE_NAME).read_text(encoding="utf-8"))["wall_seconds"]
        result = MadeOrFound(stage.name, path, made, seconds)
        logger.info("%s", result)
        return result

    def make_all(self, stages: Sequence[Stage]) -> tuple[MadeOrFound, ...]:
        """Make `stages` and what they need, inputs first, each once.

        A missing input is made only where an unfinished stage needs it: whoever deletes a large checkpoint after its
        evaluation does not have to train again.
        """
        results: dict[str, MadeOrFound] = {}
        for stage in stages:
            self._make_with_inputs(stage, results, needed=True)
        return tuple(results.values())

    def missing(self, stages: Sequence[Stage]) -> tuple[Stage, ...]:
        """What `make_all` would make, inputs first, each once."""
        found: dict[str, Stage | None] = {}
        for stage in stages:
            self._find_missing(stage, found)
        return tuple(stage for stage in found.values() if stage)

    def _find_missing(self, stage: Stage, found: dict[str, Stage | None]) -> None:
        key = reference(stage)
        if key in found:
            return
        if self.is_done(stage):
            found[key] = None
            return
        for each in stage.inputs():
            self._find_missing(each, found)
        found[key] = stage

    def _make_with_inputs(self, stage: Stage, results: dict[str, MadeOrFound], *, needed: bool) -> None:
        key = reference(stage)
        if key in results:
            return
        done = by_first(lambda: self.is_done(stage))
        for each in stage.inputs():
            self._make_with_inputs(each, results, needed=needed and not done)
        if done or needed:
            results[key] = self.make(stage)

    def _path(self, stage: Stage) -> Path:
        return self.root / reference(stage)

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"store={self.root}: cannot be written: {error.strerror}; give another folder") from error

    def _run(self, stage: Stage, path: Path, lock: Lock) -> None:
        partial = path.with_name(f".{path.name}.partial")
        resumed = by_first(lambda: _make_room(path, partial, keep=stage.resumable))
        recorder = ProvenanceRecorder(stage, resumed=resumed)
        legs = Legs(path.with_name(f".{path.name}.legs"), lock, resumed=resumed)
        # What can be gone on with saves itself before it heeds a signal; the rest is done anew anyway.
        with (
            legs if stage.resumable and is_first() else nullcontext(),
            postponed() if stage.resumable else nullcontext(),
        ):
            if stage.parallel:
                stage.run(partial, self)
                barrier()
            else:
                by_first(lambda: stage.run(partial, self))
            by_first(lambda: self._finish(stage, partial, path, recorder.record(legs.seconds()), lock))

    def _finish(self, stage: Stage, partial: Path, path: Path, record: dict[str, Any], lock: Lock) -> None:
        if self._path(stage) != path:
            raise UserError(f"{stage.name}: a file or setting that it reads changed while it ran; run it again")
        text = json.dumps(record, indent=2, ensure_ascii=False)
        (partial / provenance.FILE_NAME).write_text(text + "\n", encoding="utf-8")
        _force_tree_to_disk(partial)
        lock.check()
        os.replace(partial, path)
        force_to_disk(path.parent)


@contextmanager
def _held_for_all(lock: Lock) -> Iterator[None]:
    """Let the first process of a job hold `lock`; the others wait until it does, however long that takes."""
    with lock if is_first() else nullcontext():
        by_first(lambda: None)
        yield


def _make_room(path: Path, partial: Path, *, keep: bool) -> bool:
    """Make the folder `partial`, empty unless what is there is to be kept; say whether something was there."""
    if path.exists():
        raise UserError(f"{path}: lies where an artifact belongs but is not one; remove it or move it away")
    if partial.exists() and not keep:
        shutil.rmtree(partial)
    resumed = partial.exists()
    partial.mkdir(exist_ok=True)
    if resumed:
        logger.info("%s: going on from what an interrupted run left", partial)
    return resumed


def _is_finished(path: Path) -> bool:
    record = path / provenance.FILE_NAME
    if record.is_file():
        return True
    # A network file system may remember for a minute that something was not there; it asks again for a list.
    with suppress(OSError):
        os.listdir(path.parent)
    return record.is_file()


def _force_tree_to_disk(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for file in (Path(parent, name) for name in names):
            if file.is_file():  # not a link to nowhere, not a socket
                force_to_disk(file)
        force_to_disk(Path(parent))
