"""What the processes of a job do in tests; by its name, for it has to be found in new processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from occpred.distributed import ranks
from occpred.errors import UserError


def share() -> dict[str, Any]:
    """Everything that processes do together, once."""
    own_pid = os.getpid()
    first_pid = ranks.by_first(os.getpid)
    divided = list(ranks.divided(list("abcdefg"), lambda letter: (letter.upper(), ranks.rank())))
    with ranks.alone():
        by_itself = (ranks.world_size(), ranks.by_first(os.getpid) == own_pid, list(ranks.divided([1, 2], str)))
    return {
        "divided": divided,
        "first": ranks.gathered((first_pid, ranks.is_first(), by_itself)),
        "pids": ranks.gathered(own_pid),
        "largest": ranks.largest(ranks.rank() * 10),
        "nothing": list(ranks.divided([], str)),
    }


def never() -> None:
    raise AssertionError("the processes never found each other")


def refuse() -> None:
    ranks.by_first(_complain)


def _complain() -> None:
    raise UserError("no such thing; give another")


def fail(rank: int) -> None:
    if ranks.rank() == rank:
        raise ValueError("it broke")
    ranks.barrier()


def fail_at_length() -> None:
    """With more to say than fits into a pipe."""
    raise ValueError("x" * 34_000 + " at length")


def give(length: int) -> str:
    return "x" * length


def threads() -> str:
    return os.environ["OMP_NUM_THREADS"]


def die(rank: int) -> None:
    if ranks.rank() == rank:
        os.kill(os.getpid(), signal.SIGKILL)
    ranks.barrier()


def fail_and_abort() -> None:
    """The first process says why it failed, and the other one, for want of it, is ended in its own way."""
    if ranks.rank() == 0:
        raise ValueError("it broke")
    assert ranks.membership.world is not None
    ranks.membership.world.stop_watching()
    time.sleep(2)
    os.abort()


def work_long(folder: Path) -> None:
    """Say that one is there, and wait for the end."""
    (folder / str(os.getpid())).touch()
    time.sleep(120)


def leave(rank: int) -> None:
    """Go without a word, while the others wait."""
    if ranks.rank() == rank:
        sys.exit(3)
    time.sleep(600)
