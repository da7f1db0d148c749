"""Who leaves files: of two processes, which here refuse to work before they would have to meet, the first; no plan."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from occpred.config import CONF, register_schemas

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


def test_a_plan_leaves_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "occpred", "plan=true"],
        cwd=tmp_path,
        env={**os.environ, "HYDRA_FULL_ERROR": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "plan: nothing was made" in ended.stdout
    assert not list(tmp_path.iterdir())


def test_two_commands_of_one_second_have_folders_of_their_own() -> None:
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        configs = [compose("config", return_hydra_config=True).hydra for _ in range(2)]
    assert len({config.run.dir for config in configs}) == 2
    assert len({config.sweep.dir for config in configs}) == 2
    assert configs[0].sweep.dir == configs[0].sweep.dir
