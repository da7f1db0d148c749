from __future__ import annotations

import gc
import pickle
import weakref
from pathlib import Path

import pytest
import torch
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from occpred.config import sweep_task
from occpred.config.sweep_task import JobError, SweepTask, in_one_line, keep_traceback
from occpred.errors import UserError
from occpred.stages import road


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("people.jsonl: no such file;\n give another"), "people.jsonl: no such file; give another"),
        (JobError("people.jsonl: no such file"), "people.jsonl: no such file"),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried it.\nMore."),
            "OutOfMemoryError: CUDA out of memory. Tried it.",
        ),
        (MemoryError(), "MemoryError"),
        (KeyError("rank"), "KeyError: 'rank'"),
        (ValueError("\n  a bug\n  told at length"), "ValueError: a bug"),
    ],
)
def test_a_failure_is_told_in_one_line(error: Exception, line: str) -> None:
    assert in_one_line(error) == line


def test_tracebacks_are_kept_one_after_the_other(tmp_path: Path) -> None:
    for number in (1, 2):
        try:
            raise ValueError(f"bug {number}")
        except ValueError as error:
            file = keep_traceback(error, tmp_path)
    assert file.parent == tmp_path
    text = file.read_text(encoding="utf-8")
    assert text.count("Traceback (most recent call last)") == 2
    assert text.index("ValueError: bug 1") < text.index("ValueError: bug 2")


def test_what_goes_to_another_process_and_comes_back_can_be_sent() -> None:
    task = SweepTask(("seed=0", "seed=1"))
    assert pickle.loads(pickle.dumps(task)) == task
    assert str(pickle.loads(pickle.dumps(JobError("seed: must be at least 0")))) == "seed: must be at least 0"


class Model:
    """Something large."""

    def __init__(self) -> None:
        self.itself = self  # a circle of references, as between a trainer and its callbacks


def test_a_job_that_failed_lets_go_of_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models: list[weakref.ref[Model]] = []

    def make(*_: object) -> None:
        model = Model()
        models.append(weakref.ref(model))
        raise MemoryError

    hydra = {"job": {"num": 0}, "runtime": {"output_dir": str(tmp_path)}}
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": hydra}))
    monkeypatch.setattr(sweep_task, "to_experiment", lambda config: config)
    monkeypatch.setattr(road, "make", make)
    gc.disable()
    try:
        # The error is kept, as a launcher keeps it until the sweep is over.
        with pytest.raises(JobError, match="MemoryError") as _caught:
            SweepTask(("seed=0",))(OmegaConf.create())
        assert [model() for model in models] == [None]
    finally:
        gc.enable()
    assert "MemoryError" in (tmp_path / "traceback.txt").read_text(encoding="utf-8")
