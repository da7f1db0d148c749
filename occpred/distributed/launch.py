"""Doing work in all processes of a job: those that a cluster or torchrun started, or our own."""

from __future__ import annotations

import logging
import logging.handlers
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, TypeVar

from occpred.distributed.place import Place
from occpred.distributed.threads import num_cores, threads_per_process
from occpred.errors import UserError
from occpred.interruption import Interrupted, heeded

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

Result = TypeVar("Result")

_TIME_TO_FOLLOW = 20.0
"""Seconds that processes have to end after one that ended before its time."""


class ProcessError(Exception):
    """One of the processes of a job failed; its note is the traceback of the one that failed first."""


def together(num_processes: int, work: Callable[[], Result], *, num_nodes: int = 1) -> Result:
    """Do `work` in each of the processes of a job, and return what it returns in the first.

    A process that was started as one of several joins the others; one that was started alone, and is to be one of
    several, starts them all and waits.

    Args:
        num_processes: how many there are to be, on all nodes.
        work: what can be pickled, and does the same in all processes.
        num_nodes: on how many nodes.

    Raises:
        UserError: this process is one of another number of processes than there are to be; or what `work` raises.
        ProcessError: `work` failed in one of the processes; all have ended.
    """
    place = Place.given()
    if place is None and num_nodes > 1:
        raise UserError(
            f"trainer.num_nodes={num_nodes}: processes on other nodes must be started there; use srun, torchrun or "
            "hydra/launcher=slurm_nodes, or trainer.num_nodes=1"
        )
    if place is None:
        return work() if num_processes == 1 else _in_own_processes(num_processes, work)
    if place.world_size != num_processes:
        raise UserError(
            f"trainer.devices x trainer.num_nodes = {num_processes}: this job was started as {place.world_size} "
            "processes; let the launcher's tasks per node equal trainer.devices, and its nodes trainer.num_nodes"
        )
    from occpred.distributed.world import joined

    with joined(place):
        return work()


def _in_own_processes(num_processes: int, work: Callable[[], Result]) -> Result:
    from occpred.distributed.world import open_store, report_failure, trace_of_failure

    # The store lives in this process: when it dies, all others notice and end.
    store = open_store("localhost", 0, is_host=True)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    with _records_from(context.Queue()) as records, _shared_cores(num_processes):
        processes = [
            context.Process(
                target=_be_rank, args=(rank, num_processes, store.port, work, sender if rank == 0 else None, records)
            )
            for rank in range(num_processes)
        ]
        with _deaf_to_ctrl_c():
            for process in processes:
                process.start()
        sender.close()
        try:
            killed, outcome = _wait(processes, receiver, lambda reason: report_failure(store, reason))
        finally:
            _end(processes)
    if outcome.is_users:
        raise UserError(outcome.failure)
    if killed or outcome.failure:
        # What failed first: in the others an exchange with a process that is gone fails. Who was killed may be why that
        # one failed, or was ended by PyTorch for want of it.
        first = report_failure(store, killed or outcome.failure)
        error = ProcessError("; ".join(dict.fromkeys(filter(None, (killed, first)))))
        if trace := trace_of_failure(store):
            error.add_note(trace)
        raise error
    result: Result = outcome.value
    return result


@dataclass(frozen=True)
class _Outcome:
    """What came of the work in the first process."""

    value: Any
    failure: str = ""
    is_users: bool = False


def _be_rank(
    rank: int, world_size: int, port: int, work: Callable[[], Any], sender: Connection | None, records: Any
) -> None:
    """The life of one process; the first one has a `sender` for what came of it."""
    from occpred.distributed.world import joined

    root = logging.getLogger()
    root.handlers = [logging.handlers.QueueHandler(records)]
    root.setLevel(logging.INFO if rank == 0 else logging.WARNING)
    place = Place(rank, world_size, rank, node_rank=0, address="localhost", port=port, hosts_store=False)
    with heeded(signal.SIGTERM):
        try:
            with joined(place):
                outcome = _Outcome(work())
        except UserError as error:
            outcome = _Outcome(None, str(error), is_users=True)
        except Exception as error:
            outcome = _Outcome(None, f"{type(error).__name__}: {error}")
        except Interrupted as interrupted:
            records.close()
            records.join_thread()
            os._exit(
                interrupted.exit_code
            )  # at its usual end, Python would wait for exchanges with those that are gone
        if sender is not None:
            sender.send(outcome)


def _wait(
    processes: Sequence[SpawnProcess], receiver: Connection, report: Callable[[str], object]
) -> tuple[str, _Outcome]:
    """Wait until all have ended; say which one was killed, and what came of the first.

    Where one ended before its time, the others are told to.
    """
    living = list(processes)
    lost = killed = ""
    outcome = None
    while living:
        # Who sends more than a pipe holds ends only when it is read.
        unread = [receiver] if outcome is None else []
        # Those that are told to stop agree on it, and end together. Who does not may wait for one that is gone.
        ready = connection.wait([*unread, *(process.sentinel for process in living)], _TIME_TO_FOLLOW if lost else None)
        if not ready:
            report(lost)
        if receiver in ready:
            outcome = _received(receiver)
        for process in [each for each in living if not each.is_alive()]:
            living.remove(process)
            who = f"process {processes.index(process)} of {len(processes)}"
            if process.exitcode and process.exitcode < 0:
                lost = killed = killed or f"{who} was ended by {signal.Signals(-process.exitcode).name}"
                report(killed)
            elif process.exitcode:
                lost = lost or f"{who} ended with exit code {process.exitcode}"
    return killed, outcome or _received(receiver)


def _end(processes: Sequence[SpawnProcess]) -> None:
    """Where this process is told to stop, let the others save what they can, and end."""
    for process in processes:
        if process.is_alive():
            process.terminate()
    try:
        for process in processes:
            process.join()
    except BaseException:  # told again
        for process in processes:
            process.kill()
        raise


def _received(receiver: Connection) -> _Outcome:
    try:
        outcome: _Outcome = receiver.recv()
    except (EOFError, OSError):  # the first process is gone, perhaps in the midst of it
        return _Outcome(None, "a process ended without a word")
    return outcome


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that are started here inherit to ignore SIGINT, from before they can do so themselves.

    The terminal sends Ctrl-C to all processes; it is the parent that decides what becomes of it.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _records_from(queue: Any) -> Iterator[Any]:
    """Let what other processes log into `queue` be handled as if it was logged here."""
    listener = logging.handlers.QueueListener(queue, *logging.getLogger().handlers, respect_handler_level=True)
    listener.start()
    try:
        yield queue
    finally:
        listener.stop()


@contextmanager
def _shared_cores(num_processes: int) -> Iterator[None]:
    """Let processes that are started here use no more threads than there are cores for them."""
    limit = threads_per_process(num_processes, num_cores())
    os.environ |= limit
    try:
        yield
    finally:
        for name in limit:
            del os.environ[name]
