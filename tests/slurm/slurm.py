"""A cluster as a user of it sees it: commands, a queue, and `occpred` on the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from occpred.artifacts.lock import Lock
from tests.stages.conftest import SMALL

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ("hydra/launcher=slurm", "hydra.launcher.poll_seconds=0.5", "hydra.launcher.cpus_per_task=1")
SMALLER = (*SMALL, *(f"baselines.{slow}=null" for slow in ("logistic", "career", "gru4rec")))
_PATIENCE_SECONDS = 600


class Slurm:
    """The cluster of one test, and the folder that its sweeps are started in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "artifacts"
        self._launched: list[subprocess.Popen[str]] = []

    def sweep(self, *overrides: str, code: Path = ROOT) -> subprocess.Popen[str]:
        """Begin `occpred -m`, with the small experiment, in a process group of its own, as a shell does."""
        command = [sys.executable, "-P", "-m", "occpred", "-m", *SMALLER, *LAUNCHER, *overrides]
        log = self.folder / f"launcher-{len(self._launched)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")])},
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                process_group=0,
            )
        self._launched.append(process)
        return process

    def output(self, process: subprocess.Popen[str]) -> str:
        """What a sweep has printed so far."""
        return (self.folder / f"launcher-{self._launched.index(process)}.log").read_text(encoding="utf-8")

    def finish(self, process: subprocess.Popen[str], code: int = 0) -> str:
        """Wait until a sweep ends, with this exit code; return what it has printed."""
        assert process.wait(_PATIENCE_SECONDS) == code, self.output(process)
        return self.output(process)

    def jobs(self) -> dict[str, str]:
        """The states of all jobs that were submitted from this test's folder."""
        text = run("squeue", "--noheader", "--array", "--states=all", "--format=%i|%T|%Z")
        rows = [line.split("|") for line in text.splitlines()]
        return {job: state for job, state, folder in rows if Path(folder) == self.folder}

    def states_at_the_end(self) -> list[str]:
        """How all jobs have ended, once SLURM has cleaned up after them: a cancelled one, too, completes first."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while "COMPLETING" in (states := sorted(self.jobs().values())):
            assert time.monotonic() < deadline, states
            time.sleep(0.1)
        return states

    def wait_for(self, is_so: Callable[[], object], while_runs: subprocess.Popen[str]) -> None:
        """Wait for something to become true; fail where the sweep ends before it does."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_so():
            assert while_runs.poll() is None, self.output(while_runs)
            assert time.monotonic() < deadline, (self.jobs(), self.output(while_runs))
            time.sleep(0.1)

    def wait_for_jobs(self, number: int, state: str, while_runs: subprocess.Popen[str]) -> list[str]:
        """Wait until there are so many jobs in this state; return their ids."""

        def found() -> list[str]:
            return [job for job, its_state in self.jobs().items() if its_state == state]

        self.wait_for(lambda: len(found()) == number, while_runs)
        return found()

    def wait_for_log(self, job: str, words: str, while_runs: subprocess.Popen[str], times: int = 1) -> None:
        """Wait until a job has said something, so many times in all its lives."""
        self.wait_for(lambda: sum(log.read_text().count(words) for log in self.logs(job)) == times, while_runs)

    def logs(self, job: str) -> list[Path]:
        """What a job writes into."""
        return list(self.folder.glob(f"runs/*/*/*/.submitit/{job}/{job}_*_log.*"))

    def processes(self, job: str) -> list[psutil.Process]:
        """The tasks of a running job, by rank."""
        tasks = {}
        for process, variables in processes_of_cluster():
            ids = [variables.get("SLURM_ARRAY_JOB_ID"), variables.get("SLURM_ARRAY_TASK_ID")]
            its_job = "_".join(ids) if all(ids) else variables.get("SLURM_JOB_ID")
            with suppress(psutil.Error):
                if its_job == job and "submitit.core._submit" in process.cmdline() and process.name() != "srun":
                    tasks[int(variables["SLURM_PROCID"])] = process
        return [tasks[rank] for rank in sorted(tasks)]

    @contextmanager
    def held(self, stages: Iterable[str]) -> Iterator[Callable[[], None]]:
        """Keep jobs from making these stages until the block ends, or what it is given is called."""
        with ExitStack() as locks:
            for stage in stages:
                name, signature = stage.split("/")
                locks.enter_context(Lock(self.store / name / f".{signature}.lock"))
            yield locks.close

    def clear(self) -> None:
        """End what this test began."""
        for process in self._launched:
            process.kill()
            process.wait()
        run("scancel", "--user=root")
        while run("squeue", "--noheader"):
            time.sleep(0.1)


def run(*command: str) -> str:
    """Run a command; return what it prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE_SECONDS).stdout


def processes_of_cluster() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """What this cluster, and no other one on this machine, runs for jobs, each with its environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            variables = process.environ()
            if variables.get("SLURM_CONF") == os.environ["SLURM_CONF"] and "SLURM_JOB_ID" in variables:
                yield process, variables
