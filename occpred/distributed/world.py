"""Joining the processes of a job, and ending all of them when one fails."""

from __future__ import annotations

import logging
import os
import pickle
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from occpred.distributed.place import Place
from occpred.distributed.ranks import alone, membership
from occpred.errors import UserError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store, TCPStore

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_FAILURE = "failure"
_TRACE = "trace of the failure"
_LOOK_EVERY_SECONDS = 1.0
_TIME_TO_HEAR_OF_FAILURE = 5.0
_TIME_TO_FIND_EACH_OTHER = timedelta(minutes=5)


class World:
    """The processes of a job, as one of them sees them.

    Small things go through a key-value store, where a process may wait for as long as it takes: the first one may be
    asking a chat model for hours. Tensors go through `torch.distributed`: gloo on the CPU, NCCL between GPUs.
    """

    def __init__(self, place: Place, store: Store) -> None:
        self.place = place
        self._store = store
        self._turn = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._end_with_the_others, name="watch over other ranks", daemon=True)
        self._watch.start()

    def by_first(self, work: Callable[[], Result]) -> Result:
        """See `occpred.distributed.ranks.by_first`."""
        self._turn += 1
        key = f"turn {self._turn}"
        if self.place.rank == 0:
            outcome = _outcome(work)
            self._store.set(key, pickle.dumps(outcome))  # type: ignore[arg-type]
        else:
            self._wait(key)
            outcome = pickle.loads(self._store.get(key))  # from a process of this job, which runs the same code
        if isinstance(outcome, UserError):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    def gather(self, value: Any) -> list[Any]:
        """What each process gives, by rank."""
        import torch.distributed as dist

        everybody: list[Any] = [None] * self.place.world_size
        dist.all_gather_object(everybody, value)
        return everybody

    def fail(self, error: Exception) -> None:
        """Tell the others why this process cannot go on; they end."""
        self.stop_watching()
        who = f"process {self.place.rank} of {self.place.world_size}"
        reason = f"{who} failed: {type(error).__name__}: {error}"
        if report_failure(self._store, reason) == reason:
            self._store.set(_TRACE, "".join(traceback.format_exception(error)))
        if self.place.hosts_store:
            time.sleep(_TIME_TO_HEAR_OF_FAILURE)

    def leave(self) -> None:
        """Go, in peace, when all have come so far."""
        import torch.distributed as dist

        self.gather(None)
        self.stop_watching()
        dist.destroy_process_group()

    def stop_watching(self) -> None:
        """Let the others end as they will: this process is about to."""
        self._ended.set()

    def _wait(self, key: str) -> None:
        while not self._store.check([key]):
            time.sleep(_LOOK_EVERY_SECONDS / 50)

    def _end_with_the_others(self) -> None:
        """A process that waits for a dead one inside a collective operation cannot be ended in any gentler way."""
        while not self._ended.wait(_LOOK_EVERY_SECONDS):
            try:
                failed = self._store.get(_FAILURE).decode() if self._store.check([_FAILURE]) else ""
            except Exception:
                failed = "the first process is gone"
            if failed and not self._ended.is_set():
                logger.error("rank %d ends: %s", self.place.rank, failed)
                logging.shutdown()
                os._exit(1)


def open_store(address: str, port: int, *, is_host: bool) -> TCPStore:
    """Open the store by which the processes of a job find each other, as its host (port 0: any free one) or not.

    Raises:
        UserError: the processes do not find each other.
    """
    from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]

    try:
        return TCPStore(address, port, is_master=is_host, timeout=_TIME_TO_FIND_EACH_OTHER, wait_for_workers=False)
    except DistError as error:
        raise UserError(
            f"{address}:{port}: the processes of this job do not find each other there; where its first node has "
            "another address for the others, export MASTER_ADDR=..., as in hydra.launcher.setup"
        ) from error


def report_failure(store: Store, reason: str) -> str:
    """Tell all processes to end for this reason, unless there is one already; return the reason that there is."""
    return str(store.compare_set(_FAILURE, "", reason), "utf-8")


def trace_of_failure(store: Store) -> str:
    """The traceback of the process that failed first; empty where none said one, as when it was killed."""
    return str(store.get(_TRACE), "utf-8") if store.check([_TRACE]) else ""


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        with alone():
            return work()
    except UserError as error:
        return error


@contextmanager
def joined(place: Place) -> Iterator[World]:
    """Be one of the processes of a job inside the `with` block.

    An exception in one process ends all; `UserError`s that all raise alike end each in its own time.
    """
    store = open_store(place.address, place.port, is_host=place.hosts_store)
    world = World(place, store)  # from here on, others hear of a failure
    membership.world = world
    try:
        _found_group(place, store)
        yield world
        world.leave()
    except Exception as error:
        world.fail(error)
        raise
    finally:
        world.stop_watching()
        membership.world = None


def _found_group(place: Place, store: Store) -> None:
    import torch
    import torch.distributed as dist
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]

    if place.local_rank < torch.cuda.device_count():
        torch.cuda.set_device(place.local_rank)
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore("group", store),
        rank=place.rank,
        world_size=place.world_size,
    )
