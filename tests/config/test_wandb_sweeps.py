"""Sweeps that W&B deals out: each file is what W&B takes, and each point of it is an experiment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig

from occpred.config import CONF, to_experiment
from occpred.evaluation.intervals import GROUPS
from occpred.evaluation.measures import MEASURES
from occpred.tracking.wandb_tracking import WandbMode, WandbTracking

FOLDER = CONF.parent / "sweeps" / "wandb"
FILES = sorted(FOLDER.glob("*.yaml"))
OF_TESTING = {f"{group}/{measure}" for group in GROUPS for measure in MEASURES}
OF_TRAINING = {"validation/acc_em", "validation/loss", "train/loss"}


def extremes(parameter: dict[str, Any]) -> list[Any]:
    return parameter.get("values") or [parameter["min"], parameter["max"]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_point_is_an_experiment(composed: Callable[..., DictConfig], file: Path) -> None:
    sweep = yaml.safe_load(file.read_text(encoding="utf-8"))
    program, *fixed, arguments = sweep["command"]
    assert (program, arguments) == ("occpred", "${args_no_hyphens}")
    for place in (0, -1):
        point = [f"{name}={extremes(parameter)[place]}" for name, parameter in sweep["parameters"].items()]
        experiment = to_experiment(composed(*fixed, *point))
        assert isinstance(experiment.tracking, WandbTracking)
        assert experiment.tracking.mode is WandbMode.ONLINE
        assert (experiment.tracking.project, experiment.tracking.group) == (sweep["project"], sweep["name"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_sought_is_measured_and_not_on_test_people(file: Path) -> None:
    sweep = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert sweep["name"] == file.stem
    assert sweep["metric"]["goal"] in ("maximize", "minimize")
    chooses = sweep["method"] != "grid"
    assert sweep["metric"]["name"] in (OF_TRAINING if chooses else OF_TRAINING | OF_TESTING)
    assert not chooses or sweep["run_cap"] > 0
    assert all("values" in each or "distribution" in each for each in sweep["parameters"].values())


def test_wandb_takes_them(tmp_path: Path) -> None:
    # In a process of its own: to look for credentials W&B starts a process, and here there are none.
    program = (
        "import sys, yaml; from wandb.apis.public.sweeps import _validate_config_and_fill_distribution as check;"
        "[check(yaml.safe_load(open(file))) for file in sys.argv[1:]]"
    )
    subprocess.run([sys.executable, "-c", program, *map(str, FILES)], check=True, cwd=tmp_path)


def test_the_batch_script_is_a_script() -> None:
    script = FOLDER / "agent.sbatch"
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert 'srun --kill-on-bad-exit=1 wandb agent --forward-signals "$1"' in script.read_text(encoding="utf-8")
