"""The command as a user types it, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def occpred(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "occpred", *arguments],
        cwd=folder,
        env={**os.environ, "HYDRA_FULL_ERROR": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("override", "beginning"),
    [
        ("lora.rank=abc", "occpred: lora.rank=abc: must be a whole number, at least 1\n"),
        ("lora.rank=0", "occpred: lora.rank=0: must be at least 1\n"),
        ("teacher=templat", "occpred: teacher=templat: no such choice, did you mean template?; allowed: "),
    ],
)
def test_a_mistake_ends_with_one_line_and_exit_code_1(tmp_path: Path, override: str, beginning: str) -> None:
    ended = occpred(tmp_path, override)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(beginning)
    assert ended.stderr.count("\n") == 1


def test_a_missing_value_in_a_sweep_ends_with_one_line_too(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "-m", "taxonomy=onet", "seed=0,1")
    assert ended.returncode == 1
    missing = "taxonomy.path: must be given, as in taxonomy.path=VALUE"
    again = "the same command runs only what is missing"
    assert ended.stderr == f"occpred: 2 of 2 runs failed: {missing}; {again}\n"


def test_a_launcher_without_a_sweep_is_refused(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "experiments=demo", "hydra/launcher=slurm")
    assert ended.returncode == 1
    what_to_do = "launches the jobs of a sweep; add -m, also for a sweep of one run"
    assert ended.stderr == f"occpred: hydra/launcher=slurm: {what_to_do}\n"


def test_the_traceback_can_be_had(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "lora.rank=abc", HYDRA_FULL_ERROR="1")
    assert ended.returncode == 1
    assert "Traceback (most recent call last)" in ended.stderr


def test_help_lists_groups_with_their_choices_and_nothing_else(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "--help")
    assert ended.returncode == 0
    assert "\nlora: fp8_r16, full, " in ended.stdout
    assert "\nexperiments: demo" in ended.stdout
    assert "schema" not in ended.stdout
    assert not list(tmp_path.iterdir())


def test_the_config_is_shown_without_running_it(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "experiments=demo", "lora.rank=3", "--cfg", "job")
    assert ended.returncode == 0
    assert "  rank: 3\n" in ended.stdout
    assert not list(tmp_path.iterdir())


def test_where_values_come_from_is_shown(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "experiments=demo", "--info", "defaults")
    assert ended.returncode == 0
    assert "backbone/tiny" in ended.stdout
    assert "experiments/demo" in ended.stdout


def test_the_environment_stays_out_of_dumps(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "question=${oc.env:WANDB_API_KEY}", "--cfg", "job", "--resolve", WANDB_API_KEY="s3cret")
    assert ended.returncode == 1
    assert "s3cret" not in ended.stdout + ended.stderr


HEAVY = {"torch", "transformers", "lightning", "pandas", "matplotlib", "scipy", "sklearn", "peft", "datasets", "wandb"}
SLOW = {"pydantic", "jinja2", "rich", "asyncio", "httpx", "openai"}
"""Not heavy, but `occpred --help` need not wait for them."""


def test_nothing_heavy_is_loaded_before_the_config_is_right() -> None:
    program = "import sys, occpred.__main__; print(' '.join(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not (HEAVY | SLOW) & set(ended.stdout.split())
