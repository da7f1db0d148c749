"""How processes share the cores of a machine."""

from __future__ import annotations

import os

_VARIABLE = "OMP_NUM_THREADS"


def num_cores() -> int:
    """CPU cores that this process may use, where the system tells, else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_per_process(num_processes: int, cores: int) -> dict[str, str]:
    """What to set in the environment of each of the processes that share `cores`, so that together they use no more.

    Nothing where the user has said how many threads a process is to have.
    """
    return {} if _VARIABLE in os.environ else {_VARIABLE: str(max(1, cores // num_processes))}
