"""The sweeper by itself, with jobs that need no config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext
from omegaconf import OmegaConf

from occpred.artifacts.store import ArtifactStore
from occpred.config import CONF, register_schemas, sweeper
from occpred.config.sweeper import TableSweeper
from occpred.errors import UserError
from occpred.stages import road, sweep
from occpred.stages.sweep import SweepJob

Batch = tuple[int, list[list[str]]]


class Recorder:
    """A launcher that runs nothing."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        self.batches.append((initial_job_idx, list(map(list, job_overrides))))
        return [JobReturn(status=JobStatus.COMPLETED) for _ in job_overrides]


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(Plugins, "instantiate_launcher", lambda *_, **__: recorder)
    return recorder


@pytest.fixture
def context(launcher: Recorder) -> Iterator[HydraContext]:
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield HydraContext(config_loader=GlobalHydra.instance().config_loader(), callbacks=Callbacks())


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The jobs whose result is there, by their overrides."""
    names: set[str] = set()
    monkeypatch.setattr(sweeper, "JobComposer", lambda *_: " ".join)
    monkeypatch.setattr(sweeper, "to_experiment", lambda name: SimpleNamespace(store=".", name=name, merge=False))
    monkeypatch.setattr(road, "plan", lambda experiment: experiment.name)
    monkeypatch.setattr(ArtifactStore, "is_done", lambda _, name: name in names)
    return names


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[SweepJob]:
    """What the report of a sweep is told."""
    told: list[SweepJob] = []
    monkeypatch.setattr(sweep, "finish", lambda jobs, **_: told.extend(jobs))
    return told


def run(kind: type[Any], context: HydraContext, folder: Path, arguments: list[str], **settings: Any) -> None:
    config = OmegaConf.create(
        {
            "dry_run": False,
            "hydra": {"sweep": {"dir": str(folder)}},
            "sweep": {"name": "seeds", "question": "How much do seeds matter?"},
        }
    )
    settings = {"max_batch_size": None, "params": None} | settings
    one = kind(**settings)
    one.setup(hydra_context=context, task_function=print, config=config)
    one.sweep(arguments)


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["seed=2,0", "lora.rank=choice(4,8)", "name='a, b',c", "store=a"], {}),
        (["seed=range(0,3)", "lora.targets=[q_proj],[k_proj,v_proj]"], {"max_batch_size": 4}),
        (["lora=glob(r*)", "seed=7", "~teacher"], {"params": {"seed": "1,2", "+lora.rank": "8", "reason": "none"}}),
        (["seed=1"], {}),
    ],
)
def test_the_jobs_are_those_of_hydras_own_sweeper(
    launcher: Recorder,
    context: HydraContext,
    done: set[str],
    rows: list[SweepJob],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    settings: dict[str, Any],
) -> None:
    basic = Plugins.instance().class_name_to_class["hydra._internal.core_plugins.basic_sweeper.BasicSweeper"]
    monkeypatch.setattr(basic, "validate_batch_is_legal", lambda *_: None)
    run(basic, context, tmp_path, arguments, **settings)
    expected, launcher.batches = launcher.batches, []
    run(TableSweeper, context, tmp_path, arguments, **settings)
    assert launcher.batches == expected
    assert len(rows) == sum(len(jobs) for _, jobs in expected)


def test_a_row_is_named_by_what_the_sweep_varies(
    launcher: Recorder, context: HydraContext, done: set[str], rows: list[SweepJob], tmp_path: Path
) -> None:
    run(TableSweeper, context, tmp_path, ["sweeps=seeds", "seed=0", "lora=r8,r16"], params={"seed": "1,2"})
    assert [row.overrides for row in rows] == [("seed=0", "lora=r8"), ("seed=0", "lora=r16")]


def test_only_jobs_without_a_result_are_launched(
    launcher: Recorder, context: HydraContext, done: set[str], rows: list[SweepJob], tmp_path: Path
) -> None:
    done |= {"seed=0", "seed=2"}
    run(TableSweeper, context, tmp_path, ["seed=0,1,2,3"])
    assert launcher.batches == [(0, [["seed=1"], ["seed=3"]])]
    assert [row.overrides for row in rows] == [("seed=0",), ("seed=1",), ("seed=2",), ("seed=3",)]


def test_a_launcher_that_fails_takes_no_finished_job_with_it(
    launcher: Recorder,
    context: HydraContext,
    done: set[str],
    rows: list[SweepJob],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def launch(job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        done.add("seed=0")
        raise ConnectionError("the queue is gone")

    monkeypatch.setattr(launcher, "launch", launch)
    with pytest.raises(UserError, match="1 of 2 jobs failed: ConnectionError: the queue is gone; "):
        run(TableSweeper, context, tmp_path, ["seed=0,1"])
    assert [row.failure for row in rows] == ["", "ConnectionError: the queue is gone"]
    assert "the queue is gone" in (tmp_path / "traceback.txt").read_text(encoding="utf-8")
