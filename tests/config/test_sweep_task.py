from __future__ import annotations

import gc
import pickle
import signal
import weakref
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from occpred.config import CONF, register_schemas, to_experiment
from occpred.config.sweep_task import JobError, SweepTask, in_one_line, keep_traceback
from occpred.errors import UserError
from occpred.interruption import Interrupted
from occpred.stages import road
from occpred.stages.phase import Phase
from occpred.stages.work import Work


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DictConfig:
    """The config of job 3, as Hydra leaves it when the job begins."""
    hydra = {"job": {"num": 3}, "runtime": {"output_dir": str(tmp_path)}}
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": hydra}))
    return OmegaConf.create()


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


@pytest.fixture(scope="module")
def work() -> Work:
    """Some work of the experiment that there is by default."""
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        experiment = to_experiment(compose("config"))
    stages = ("reason/0123456789abcdef", "judge/0123456789abcdef")
    return Work(Phase.REASON, experiment, "seed: 0", stages, axes=("seed=0",))


@pytest.mark.parametrize("pickler", [pickle, cloudpickle])
def test_what_goes_to_another_process_and_comes_back_can_be_sent(work: Work, pickler: ModuleType) -> None:
    task = SweepTask({3: work})
    assert pickle.loads(pickler.dumps(task)) == task
    assert str(pickle.loads(pickler.dumps(JobError("seed: must be at least 0")))) == "seed: must be at least 0"


def test_a_job_makes_the_work_of_its_number(
    work: Work, job: DictConfig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Work] = []
    monkeypatch.setattr(road, "make_work", made.append)
    with caplog.at_level("INFO"):
        SweepTask({2: replace(work, axes=()), 3: work})(job)
    assert made == [work]
    assert caplog.messages == ["[3] reason seed=0"]


class Model:
    """Something large."""

    def __init__(self) -> None:
        self.itself = self  # a circle of references, as between a trainer and its callbacks


def test_a_job_that_failed_lets_go_of_its_memory(
    work: Work, job: DictConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models: list[weakref.ref[Model]] = []

    def make(_: Work) -> None:
        model = Model()
        models.append(weakref.ref(model))
        raise MemoryError

    monkeypatch.setattr(road, "make_work", make)
    gc.disable()
    try:
        # The error is kept, as a launcher keeps it until the sweep is over.
        with pytest.raises(JobError, match="MemoryError") as _caught:
            SweepTask({3: work})(job)
        assert [model() for model in models] == [None]
    finally:
        gc.enable()
    assert "MemoryError" in (tmp_path / "traceback.txt").read_text(encoding="utf-8")


def test_a_job_that_is_told_to_stop_does_not_count_as_failed(
    work: Work, job: DictConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_: Work) -> None:
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr(road, "make_work", make)
    with pytest.raises(Interrupted):
        SweepTask({3: work})(job)
    assert not list(tmp_path.iterdir())


def test_a_work_is_called_by_what_it_is_and_by_what_it_makes_last(work: Work) -> None:
    assert str(work) == "reason seed=0"
    assert str(replace(work, phase=Phase.SFT, role="predictor", axes=())) == "sft predictor"
    assert work.key == "judge-0123456789abcdef"
    assert replace(work, stages=work.stages[1:]).key == work.key
