"""Multiruns, as typed in a terminal, of jobs that are several processes each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stages.conftest import SMALL
from tests.test_torchrun import FEWER

UNCOUNTED = [f"baselines.{name}=null" for name in ("repeat_last", "markov_1", "markov_2", "knn")]


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "local"])
def test_processes_of_a_job_leave_one_folder_and_nothing_beside_it(launcher: str, tmp_path: Path) -> None:
    """Other frameworks leave a folder for each process, or start the multirun anew in each."""
    alone = ("model=untuned", "reason=none", "trainer.accelerator=cpu", *UNCOUNTED)  # nothing has to be trained
    overrides = (*SMALL, *FEWER, *alone, "trainer.devices=2", f"hydra/launcher={launcher}")
    ended = subprocess.run(
        [sys.executable, "-m", "occpred", "-m", *overrides, "model.shots=0,1"],
        cwd=tmp_path,
        env={**os.environ, "HYDRA_FULL_ERROR": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert {entry.name for entry in tmp_path.iterdir()} == {"artifacts", "runs"}
    (sweep,) = tmp_path.glob("runs/*/*/*")
    jobs = sorted(entry.name for entry in sweep.iterdir() if entry.is_dir())
    assert jobs == sorted(map(str, range(len(jobs))))
    made = [json.loads(file.read_text()) for file in tmp_path.glob("artifacts/answer/*/provenance.json")]
    assert [each["processes"] for each in made] == [2, 2]
    assert len(list(tmp_path.glob("artifacts/sweep/*/report.html"))) == 1
