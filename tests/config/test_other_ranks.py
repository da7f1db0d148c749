"""A run that is started as two processes, which here refuse to work before they would have to meet."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TORCHRUN = {"TORCHELASTIC_RUN_ID": "run", "LOCAL_RANK": "0", "GROUP_RANK": "0", "MASTER_ADDR": "", "MASTER_PORT": "0"}


@pytest.mark.parametrize(
    ("rank", "files"),
    [(0, {".hydra/config.yaml", ".hydra/hydra.yaml", ".hydra/overrides.yaml", "occpred.log"}), (1, set())],
)
def test_only_the_first_process_leaves_files(rank: int, files: set[str], tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "occpred", "trainer.devices=3", "hydra.run.dir=run"],
        cwd=tmp_path,
        env={**os.environ, **TORCHRUN, "WORLD_SIZE": "2", "RANK": str(rank), "HYDRA_FULL_ERROR": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "started as 2 processes" in ended.stderr
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {f"run/{name}" for name in files}
    assert (tmp_path / "run").exists() == bool(files)
