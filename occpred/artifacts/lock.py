"""A lock on one artifact, held among processes and machines that share a file system.

The lock is a folder that holds one file, named by a token that no other holder ever has. Three operations on it are all
there is, each atomic on local and network file systems:

- take: rename a folder of one's own, already holding one's file, onto the lock. It fails while the lock holds a file.
- release: remove one's file. An empty lock is free.
- take over from the dead: remove the dead holder's file. As it bears the dead holder's name, this can never remove the
  file of one who took the lock meanwhile, and it does not matter how many do it: whoever renames first has the lock.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from occpred.artifacts.owner import Owner
from occpred.errors import UserError
from occpred.interruption import end_at_once

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0
"""Seconds between two looks at a lock that somebody else holds, at most."""

_NOT_MINE = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}
"""How a rename fails where somebody was faster (or, `ENOENT`, where a network file system asked its server twice)."""

_GONE = {errno.ENOENT, errno.ESTALE}
"""How looking at a file fails that somebody has removed; `ESTALE` where a network file system had remembered it."""


class Lock:
    """Context manager, used once, that holds the lock at `path`; entering it waits until the lock is free.

    While it is held, a thread renews the file's modification time every `heartbeat_seconds`. The lock of a process that
    is known to be dead is taken over at once, that of one known to live never. Where this cannot be told (the holder is
    on another machine), the lock is taken over when its heartbeat has not changed for `silence_seconds` as this process
    counts them, so machines' clocks need not agree.

    A holder that was silent for so long and yet lives (a job suspended by its cluster) is interrupted when it finds its
    lock taken, and saves nothing any more.

    Raises:
        UserError: at the end of the `with` block, where the lock was lost meanwhile.
    """

    def __init__(self, path: Path, *, heartbeat_seconds: float = 5.0, silence_seconds: float = 120.0) -> None:
        self.path = path
        self.heartbeat_seconds = heartbeat_seconds
        self.silence_seconds = silence_seconds
        self._token = uuid4().hex
        self._file = path / self._token
        self._released = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"heartbeat of {path.name}", daemon=True)

    def __enter__(self) -> Lock:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        holders = _Watch(self.path, self.silence_seconds)
        pause = LONGEST_PAUSE / 64
        while not self._take():
            holders.remove_dead()
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._heart.join()
        try:
            self._file.unlink()
        except FileNotFoundError:
            raise self._loss() from error
        with suppress(OSError):  # the next holder may have it already
            self.path.rmdir()

    def check(self) -> None:
        """Raise `UserError` where the lock is no longer this process's."""
        if not self._file.exists():
            raise self._loss()

    def _take(self) -> bool:
        if _holder_files(self.path):
            return False
        own = self.path.with_name(f"{self.path.name}.{self._token}")
        try:
            own.mkdir()
            (own / self._token).write_text(Owner.this_process().to_json(), encoding="utf-8")
            own.rename(self.path)
        except OSError as error:
            if error.errno not in _NOT_MINE:
                raise
        finally:
            shutil.rmtree(own, ignore_errors=True)
        # Asked rather than concluded: a network file system may report failure for a rename that it did.
        return self._file.exists()

    def _beat(self) -> None:
        while not self._released.wait(self.heartbeat_seconds):
            try:
                os.utime(self._file)
            except FileNotFoundError:
                # Another process is at work in the same folder now, so this one must not write one more file.
                end_at_once()
                return
            except OSError:
                continue  # a network file system has its moments

    def _loss(self) -> UserError:
        return UserError(
            f"{self.path}: this process was silent for so long that another took its lock and does the same work; "
            "run the command again when that one has finished"
        )


class _Watch:
    """What a waiting process has seen of a lock's holders."""

    def __init__(self, path: Path, silence_seconds: float) -> None:
        self.path = path
        self.silence_seconds = silence_seconds
        self._announced = False
        self._beats: dict[Path, tuple[int, float]] = {}  # a holder's last heartbeat, and when it was first seen

    def remove_dead(self) -> None:
        """Remove what dead holders left; say, once, for whom this process waits."""
        for file in _holder_files(self.path):
            try:
                with file.open(encoding="utf-8") as stream:  # opening makes network file systems fetch the true time
                    owner, beat = Owner.from_json(stream.read()), os.fstat(stream.fileno()).st_mtime_ns
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                continue  # released meanwhile
            if self._is_dead(file, owner, beat):
                logger.info("%s: taken over from %s, which is dead", self.path, owner or "an unknown process")
                file.unlink(missing_ok=True)
            elif not self._announced:
                logger.info("%s: held by %s; waiting", self.path, owner or "an unknown process")
                self._announced = True

    def _is_dead(self, file: Path, owner: Owner | None, beat: int) -> bool:
        alive = owner.is_alive() if owner else None
        if alive is not None:
            return not alive
        now = time.monotonic()
        last_beat, seen = self._beats.get(file, (None, now))
        if beat != last_beat:
            seen = now
        self._beats[file] = (beat, seen)
        return now - seen > self.silence_seconds


def _holder_files(path: Path) -> list[Path]:
    """The files that hold the lock: one, or none. Names with a dot are a network file system's own."""
    try:
        return [path / name for name in os.listdir(path) if not name.startswith(".")]
    except OSError as error:
        if error.errno not in _GONE:
            raise
        return []
