"""A SLURM that all test processes share; one test at a time has it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.slurm import ROOT, Slurm


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running SLURM. The first process that wants one starts it; the last one that goes ends it.

    Skips where it cannot be had, with the reason.
    """
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "slurm"
    folder.mkdir(exist_ok=True)
    with (folder / "users").open("a") as users, (folder / "starting").open("a") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not (folder / "ready").exists() and not (folder / "failed").exists():
            command = [sys.executable, "-m", "tests.slurm.lab", str(folder)]
            with (folder / "lab.out").open("ab") as output:
                process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
            while not (folder / "ready").exists() and process.poll() is None:
                time.sleep(0.1)
        fcntl.flock(starting, fcntl.LOCK_UN)
        if (folder / "failed").exists():
            pytest.skip(f"needs SLURM: {(folder / 'failed').read_text(encoding='utf-8')}")
        assert (folder / "ready").exists(), (folder / "lab.out").read_text(encoding="utf-8")
        yield folder


@pytest.fixture
def slurm(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """The cluster, empty and for this test alone."""
    with (lab / "user").open("a") as user:
        fcntl.flock(user, fcntl.LOCK_EX)
        monkeypatch.setenv("SLURM_CONF", str(lab / "slurm.conf"))
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        cluster = Slurm(tmp_path)
        try:
            yield cluster
        finally:
            cluster.clear()
