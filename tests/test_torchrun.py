"""The command as torchrun starts it: as several processes that find each other, or that have no business together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.stages.conftest import SMALL

FEWER = (
    "careers.num_people=20",
    "trainer.validation_examples=0",
    "ranking.free_text.enabled=false",
    *(f"baselines.{slow}=null" for slow in ("logistic", "career", "gru4rec")),
)


def torchrun(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Begin two processes on this machine."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "occpred", *arguments],
        cwd=folder,
        env={**os.environ, "HYDRA_FULL_ERROR": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_processes_make_one_run(tmp_path: Path) -> None:
    ended = torchrun(tmp_path, *SMALL, *FEWER, "trainer.devices=2")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("report: ") == 1
    assert len(list(tmp_path.glob("runs/*/*/*"))) == 1
    made = {file.parts[-3]: json.loads(file.read_text()) for file in tmp_path.glob("artifacts/*/*/provenance.json")}
    assert (made["train"]["processes"], made["answer"]["processes"]) == (2, 2)


def test_a_sweep_is_refused_in_one_line(tmp_path: Path) -> None:
    ended = torchrun(tmp_path, "-m", "seed=0,1")
    assert ended.returncode != 0
    (line, *_) = [line for line in ended.stderr.splitlines() if line.startswith("occpred: ")]
    assert line.startswith("occpred: a sweep launches processes of its own; start it without torchrun or srun, and say")
    assert 'File "' + str(Path(__file__).parents[1] / "occpred") not in ended.stderr, "a traceback of the package"
    assert not list(tmp_path.iterdir())
