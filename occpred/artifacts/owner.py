"""Who holds a lock, and whether that process still lives."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process, described so that others can tell whether it is alive.

    `process_table` names the machine, its boot and its process namespace: only where it is the reader's own do process
    numbers mean the same (two containers may share a host name, but not this). `started` tells a process from a later
    one that was given the same number. Both are `None` where the system does not tell. `cluster_job` names the job of
    SLURM that the process belongs to, if any, and `restarts` says how often the cluster had started that job before.
    """

    host: str
    pid: int
    since: str
    process_table: str | None
    started: int | None
    cluster_job: str | None = None
    restarts: int = 0

    @classmethod
    def this_process(cls) -> Owner:
        """The running process, as of now."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            since=since,
            process_table=_process_table(),
            started=_start_of(os.getpid()),
            cluster_job=_cluster_job(),
            restarts=_restarts(),
        )

    @classmethod
    def from_json(cls, text: str) -> Owner | None:
        """Read what `to_json` wrote; `None` where the text is damaged (power may fail while it is written)."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {self.since}"

    def is_alive(self) -> bool | None:
        """Whether the process runs, or `None` where this cannot be told from here (it is on another machine)."""
        if self.cluster_job is not None and self.cluster_job == _cluster_job() and self.restarts < _restarts():
            return False  # a cluster starts a job again only when it has ended, wherever that was
        if self.process_table is None or self.started is None or self.process_table != _process_table():
            return None
        return _start_of(self.pid) == self.started


def _process_table() -> str | None:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


def _cluster_job() -> str | None:
    job = os.environ.get("SLURM_JOB_ID")
    return job and f"{os.environ.get('SLURM_CLUSTER_NAME', '')}/{job}"


def _restarts() -> int:
    return int(os.environ.get("SLURM_RESTART_COUNT", "0"))


def _start_of(pid: int) -> int | None:
    """When process `pid` started, in clock ticks since boot; `None` where there is none or only a zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = status[status.rindex(")") + 1 :].split()  # the name before it may itself hold spaces and brackets
    return None if state in "ZX" else int(rest[18])
