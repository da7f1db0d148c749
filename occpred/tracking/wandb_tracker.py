"""One tracked run at W&B, whatever becomes of W&B's process.

What is logged goes into a journal first, and from there to W&B. So a run can be begun again: by a job that resumes an
interrupted one, or by the same job, after a signal meant for the job has ended W&B's process as well. Offline, each
beginning makes a new folder, which holds the whole run and takes the place of the one before it; only what was sent to
the server meanwhile is not written once more, since the server would take it for further steps.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from occpred.tracking.journal import Journal
from occpred.tracking.tracking import Ending, Scalar, Tracker
from occpred.tracking.wandb_session import Session, kill_process, need_process, no_longer_need_process, warn

_LATER = "failed; it is told what it missed when the run ends"
_FAILED = "failed; the run goes on without it"


class WandbTracker(Tracker):
    """Tells W&B what it can be told, and drops the rest.

    Args:
        session: the run.
        patience_seconds: how long closing an interrupted run may take.
    """

    def __init__(self, session: Session, patience_seconds: float) -> None:
        self._session, self._patience_seconds = session, patience_seconds
        self._journal: Journal | None = None
        self._run: Any = None
        self._may_begin_again = False
        self._warned: set[str] = set()
        self._is_closed = False
        self._step = 0  # the first that W&B takes
        self._attempt(self._open, "cannot start; the run goes on without it")

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Log at W&B step `step`; a step before the last one, as is logged after a resumption, is there already."""
        self._log(step=step, time=time.time(), values=dict(metrics))

    def log_summary(self, summary: Mapping[str, Scalar]) -> None:
        """Update the run's summary."""
        self._log(step=None, values=dict(summary))

    def log_table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Scalar | None]]) -> None:
        """Log a W&B table."""
        self._log(table=name, columns=list(columns), rows=list(map(list, rows)))

    def close(self, ending: Ending = Ending.FINISHED) -> None:
        """Finish the run as succeeded, failed or preempted, and end W&B's process where no other run needs it."""
        if self._is_closed:
            return
        self._is_closed = True
        if ending is Ending.INTERRUPTED:
            self._within_patience(partial(self._end, ending))
        else:
            self._end(ending)
        no_longer_need_process(self)

    def _open(self) -> None:
        self._session.folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(self._session.folder / "wandb.jsonl")
        self._begin()
        self._may_begin_again = True

    def _begin(self) -> None:
        """Start the run and tell it all that is in the journal and not at the server."""
        assert self._journal is not None
        no_longer_need_process(self)
        entries = list(self._journal.entries())
        run = self._session.start()
        need_process(self)
        if run.offline:
            entries, self._step = unsent(entries, self._sent(entries))
        else:
            self._step = run.starting_step
        self._attempt(partial(_use, run, self._session.run.inputs), "cannot link the run to its inputs")
        for entry in in_steps(entries):
            self._tell(run, **entry)
        for former in _segments(entries) - self._sent(entries):
            shutil.rmtree(self._segment(former), ignore_errors=True)
        self._journal.add(segment=Path(run.dir).parent.name)
        self._run = run

    def _log(self, **entry: Any) -> None:
        if self._journal is not None and not self._attempt(partial(self._journal.add, **entry)):
            self._journal = None  # what follows half a line could not be read
        if self._run is not None and not self._attempt(partial(self._tell, self._run, **entry), _LATER):
            self._run = None

    def _tell(self, run: Any, **entry: Any) -> None:
        import wandb

        match entry:
            case {"table": name, "columns": columns, "rows": rows}:
                table = wandb.Table(columns=columns, data=rows, allow_mixed_types=True)
                run.log({name: table}, commit=False)  # a table belongs to no step and must not advance it
            case {"step": None, "values": values}:
                run.summary.update(values)
            case {"step": step, "values": values} if step >= self._step:
                self._step = step
                run.log({**values, "_timestamp": entry["time"]}, step=step)

    def _end(self, ending: Ending) -> None:
        if self._run is not None and self._attempt(partial(self._finish, ending), _LATER):
            return
        if self._may_begin_again and self._journal is not None and self._attempt(self._begin):
            self._attempt(partial(self._finish, ending))

    def _finish(self, ending: Ending) -> None:
        if ending is Ending.INTERRUPTED:
            self._run.mark_preempting()
        if ending is Ending.FINISHED and self._session.run.output:
            self._attempt(partial(_make, self._run, self._session.run.output), "cannot link the run to its result")
        self._run.finish(exit_code=int(ending is not Ending.FINISHED))
        if ending is Ending.FINISHED and self._journal is not None:
            self._journal.close()
            self._journal.path.unlink()

    def _within_patience(self, action: Callable[[], None]) -> None:
        thread = Thread(target=action, daemon=True)
        thread.start()
        thread.join(self._patience_seconds)
        if thread.is_alive():
            self._may_begin_again = False
            self._warn("took too long; what is missing is added when the run is resumed", TimeoutError("timeout"))
            kill_process()

    def _attempt(self, action: Callable[[], object], outcome: str = _FAILED) -> bool:
        try:
            action()
        except Exception as error:
            self._warn(outcome, error)
            return False
        return True

    def _warn(self, outcome: str, error: Exception) -> None:
        if outcome not in self._warned:
            warn(outcome, error)
        self._warned.add(outcome)

    def _segment(self, name: str) -> Path:
        return self._session.folder / "wandb" / name

    def _sent(self, entries: Iterable[dict[str, Any]]) -> Set[str]:
        """The segments that the server has, sent as they were written or by `wandb sync`."""
        return {
            name
            for name in _segments(entries)
            if not name.startswith("offline-") or any(self._segment(name).glob("*.wandb.synced"))
        }


def _segments(entries: Iterable[dict[str, Any]]) -> Set[str]:
    return {entry["segment"] for entry in entries if "segment" in entry}


def unsent(entries: Iterable[dict[str, Any]], sent: Set[str]) -> tuple[list[dict[str, Any]], int]:
    """Return the entries of a journal that the server has not, and the first step that it has not.

    Args:
        entries: all of them; `{"segment": name}` stands where a folder of W&B begins, which also holds what was
            logged before it.
        sent: the names of the folders that the server has.
    """
    segment, rest, next_step = "", [], 0
    for entry in entries:
        segment = entry.get("segment", segment)
        rest.append(entry)
        if segment in sent:
            next_step = max([next_step, *(each["step"] + 1 for each in rest if each.get("step") is not None)])
            rest = []
    return rest, next_step


def in_steps(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps in order, their parts put together and later values in the place of earlier ones; then the rest."""
    steps: dict[int, dict[str, Any]] = {}
    others = []
    for entry in entries:
        step = entry.get("step")
        if step is None:
            others.append(entry)
        else:
            steps[step] = {**entry, "values": steps.get(step, {}).get("values", {}) | entry["values"]}
    yield from (steps[step] for step in sorted(steps))
    yield from others


def _artifact(reference: str) -> Any:
    """An artifact of W&B that stands for one of ours; its content stays where it is."""
    import wandb

    stage, signature = reference.split("/")
    return wandb.Artifact(f"{stage}-{signature}", type=stage)


def _make(run: Any, output: str) -> None:
    run.log_artifact(_artifact(output))


def _use(run: Any, inputs: Iterable[str]) -> None:
    for reference in inputs:
        # What the public `use_artifact` does, which refuses to do it offline and waits for the server online.
        run._log_artifact(_artifact(reference), is_user_created=True, use_after_commit=True)
