"""A SLURM of each test process's own; several run at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.slurm import ROOT, Slurm


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a running SLURM. Skips where it cannot be had, with the reason."""
    folder = tmp_path_factory.mktemp("slurm")
    with (folder / "lab.err").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.slurm.lab", str(folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    with process:  # which ends its standard input, and waits for it
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if said != "ready":
            assert said, (folder / "lab.err").read_text(encoding="utf-8")
            pytest.skip(f"needs SLURM: {said}")
        yield folder


@pytest.fixture
def slurm(lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    """The cluster, with nothing to do but for this test."""
    monkeypatch.setenv("SLURM_CONF", str(lab / "slurm.conf"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    cluster = Slurm(tmp_path)
    try:
        yield cluster
    finally:
        cluster.clear()
