"""The sweeper by itself: real configs and stages, and a launcher that only pretends to make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext, RunMode, TaskFunction
from omegaconf import DictConfig, OmegaConf

from occpred.config import CONF, register_schemas, sweeper
from occpred.config.job_composer import JobComposer
from occpred.config.sweep_task import JobError, SweepTask
from occpred.config.sweeper import StagedSweeper
from occpred.errors import UserError
from occpred.stages import sweep, sweep_works
from occpred.stages.phase import Phase
from occpred.stages.sweep import SweepJob
from occpred.stages.sweep_works import SweepWorks
from occpred.stages.work import Work

BETA = "preference_loss.beta"
BETAS = [f"{BETA}={value}" for value in (0.03, 0.1, 0.3, 1.0)]


@dataclass
class Pretender:
    """A launcher that puts empty artifacts into the store, or fails as it is told."""

    faults: dict[str, JobReturn] = field(default_factory=dict)
    """What comes of the work of a name, instead of its artifacts."""
    before: Callable[[Sequence[Work]], None] = lambda works: None
    """Called with the works of a launch before they are made."""
    launched: list[tuple[int, list[str]]] = field(default_factory=list)
    """For each launch its first number, and what its works are called."""
    overrides: list[list[str]] = field(default_factory=list)
    """Of all works."""
    works: Mapping[int, Work] = field(default_factory=dict)

    def given(self, _: HydraContext, task: TaskFunction, config: DictConfig) -> Pretender:
        assert isinstance(task, SweepTask)
        self.works = task.works
        return self

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
        works = [self.works[initial_job_idx + place] for place in range(len(job_overrides))]
        self.launched.append((initial_job_idx, list(map(str, works))))
        self.overrides += map(list, job_overrides)
        self.before(works)
        return [self.faults.get(str(work)) or self._make(work) for work in works]

    def _make(self, work: Work) -> JobReturn:
        put_into_store(work)
        return JobReturn(status=JobStatus.COMPLETED)

    @property
    def phases(self) -> list[list[str]]:
        """For each launch the phases of its works."""
        return [[name.partition(" ")[0] for name in names] for _, names in self.launched]


def put_into_store(work: Work) -> None:
    for name in work.stages:
        folder = Path(work.experiment.store) / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "provenance.json").write_text("{}", encoding="utf-8")


def failed(reason: str) -> JobReturn:
    result = JobReturn(status=JobStatus.FAILED)
    result.return_value = JobError(reason)
    return result


@pytest.fixture(scope="module")
def loader() -> Iterator[ConfigLoader]:
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()
    HydraConfig.instance().cfg = None


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch) -> Pretender:
    pretender = Pretender()
    monkeypatch.setattr(Plugins, "instantiate_launcher", lambda _, *task: pretender.given(*task))
    return pretender


@dataclass
class Told:
    """What the report of a sweep was told, by the last command."""

    rows: Sequence[SweepJob] = ()
    config: str = ""

    def failures(self) -> dict[str, str]:
        return {" ".join(row.overrides): row.failure for row in self.rows if row.failure}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    def finish(rows: Sequence[SweepJob], *, config: str, **_: str) -> None:
        told.rows, told.config = rows, config

    monkeypatch.setattr(sweep, "finish", finish)
    return told


Run = Callable[..., None]


@pytest.fixture(scope="module")
def compose(loader: ConfigLoader) -> JobComposer:
    """One for all tests, so that it merges the files of each choice once."""
    return JobComposer(loader, loader.load_configuration("config", ["hydra.mode=MULTIRUN"], RunMode.MULTIRUN))


def config_of_sweep(folder: Path, **settings: bool) -> DictConfig:
    told = {"plan": False, "dry_run": False, "sweep": {"name": "which", "question": "Which?"}}
    return OmegaConf.create(told | settings | {"hydra": {"sweep": {"dir": str(folder)}}})


@pytest.fixture
def run(
    loader: ConfigLoader,
    compose: JobComposer,
    launcher: Pretender,
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """Runs the sweep that the values of `params` and the arguments span."""
    monkeypatch.setattr(sweeper, "JobComposer", lambda *_: compose)

    def sweep_over(
        *arguments: str, params: dict[str, str] | None = None, max_batch_size: int | None = None, **settings: bool
    ) -> None:
        launcher.launched, launcher.overrides, told.rows = [], [], ()
        one = StagedSweeper(max_batch_size, params)
        config = config_of_sweep(tmp_path / "runs", **settings)
        one.setup(hydra_context=HydraContext(loader, Callbacks()), task_function=print, config=config)
        one.sweep([f"store={tmp_path / 'artifacts'}", *arguments])

    return sweep_over


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["seed=2,0", "lora.rank=choice(4,8)", "name='a, b',c", "store=a"], {}),
        (["seed=range(0,3)", "lora.targets=[q_proj],[k_proj,v_proj]"], {}),
        (["lora=glob(r*)", "seed=7", "~teacher"], {"params": {"seed": "1,2", "+lora.rank": "8", "reason": "none"}}),
        (["seed=1"], {}),
    ],
)
def test_the_combinations_are_those_of_hydras_own_sweeper(
    loader: ConfigLoader,
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    settings: dict[str, Any],
) -> None:
    expected: list[list[str]] = []
    composed: list[list[str]] = []

    class Recorder:
        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[JobReturn]:
            expected.extend(map(list, job_overrides))
            return [JobReturn(status=JobStatus.COMPLETED) for _ in job_overrides]

    def refuse(overrides: list[str]) -> None:
        composed.append(overrides)
        raise UserError("not now")

    basic: Any = Plugins.instance().class_name_to_class["hydra._internal.core_plugins.basic_sweeper.BasicSweeper"]
    monkeypatch.setattr(basic, "validate_batch_is_legal", lambda *_: None)
    monkeypatch.setattr(Plugins, "instantiate_launcher", lambda *_, **__: Recorder())
    monkeypatch.setattr(sweeper, "JobComposer", lambda *_: refuse)
    config = config_of_sweep(tmp_path)
    for kind in (basic, StagedSweeper):
        one: Any = kind(**{"max_batch_size": None, "params": None} | settings)
        one.setup(hydra_context=HydraContext(loader, Callbacks()), task_function=print, config=config)
        if kind is basic:
            one.sweep(arguments)
        else:
            with pytest.raises(UserError, match=f"{len(expected)} of {len(expected)} runs failed: not now; "):
                one.sweep(arguments)
    assert composed == expected
    assert len(told.rows) == len(expected)


@pytest.fixture(scope="module")
def over_beta(loader: ConfigLoader) -> dict[str, dict[str, str]]:
    """The values of `sweeps=dpo_beta`."""
    config = loader.load_configuration("config", ["sweeps=dpo_beta"], RunMode.MULTIRUN)
    return {"params": dict(config.hydra.sweeper.params)}


def test_a_sweep_over_beta_makes_all_that_the_runs_share_once(
    run: Run, over_beta: dict[str, dict[str, str]], launcher: Pretender, told: Told
) -> None:
    run("sweeps=dpo_beta", "seed=0", **over_beta)
    assert launcher.launched == [
        (0, ["prepare seed=0"]),
        (1, ["reason seed=0"]),
        (2, ["sft joint seed=0"]),
        (3, ["pairs seed=0"]),
        (4, [f"dpo {beta} seed=0" for beta in BETAS]),
        (8, [f"evaluate {beta} seed=0" for beta in BETAS]),
    ]
    # What the jobs are launched with are the overrides of a run that needs them.
    assert [overrides[0] for overrides in launcher.overrides] == [BETAS[0]] * 4 + BETAS * 2
    assert [row.overrides for row in told.rows] == [(beta, "seed=0") for beta in BETAS]
    assert not told.failures()

    run("sweeps=dpo_beta", "seed=0", **over_beta)
    assert not launcher.launched
    assert len(told.rows) == 4
    # Another sweep takes over what the two have in common, and makes the rest.
    run("sweeps=dpo_beta", "seed=0", f"{BETA}=0.1,0.5")
    assert launcher.launched == [(0, [f"dpo {BETA}=0.5"]), (1, [f"evaluate {BETA}=0.5"])]


def test_a_launcher_gets_no_more_at_once_than_it_may(run: Run, launcher: Pretender) -> None:
    run("seed=0,1,2", max_batch_size=2)
    assert [(first, len(names)) for first, names in launcher.launched] == [
        (0, 1),
        (1, 1),
        (2, 2),
        (4, 1),
        (5, 2),
        (7, 1),
    ]


def test_what_failed_is_a_row_and_the_others_go_on(run: Run, launcher: Pretender, told: Told) -> None:
    launcher.faults["sft joint seed=1"] = failed("MemoryError")
    with pytest.raises(UserError, match="1 of 2 runs failed: sft: MemoryError; the same command"):
        run("seed=0,1")
    assert launcher.launched[2:] == [(2, ["sft joint seed=0", "sft joint seed=1"]), (4, ["evaluate seed=0"])]
    assert told.failures() == {"seed=1": "sft: MemoryError"}

    launcher.faults.clear()
    run("seed=0,1")
    assert launcher.launched == [(0, ["sft joint seed=1"]), (1, ["evaluate seed=1"])]
    assert not told.failures()


def test_what_runs_share_fails_all_of_them(run: Run, launcher: Pretender, told: Told) -> None:
    launcher.faults["sft joint seed=1"] = failed("MemoryError")
    with pytest.raises(UserError, match="2 of 4 runs failed: sft: MemoryError; "):
        run("seed=0,1", "evaluation.confidence=0.9,0.95")
    assert launcher.phases == [["prepare"], ["reason"], ["sft", "sft"], ["evaluate"], ["evaluate", "evaluate"]]
    rows = ["seed=1 evaluation.confidence=0.9", "seed=1 evaluation.confidence=0.95"]
    assert told.failures() == dict.fromkeys(rows, "sft: MemoryError")


def test_the_store_knows_better_than_the_launcher(run: Run, launcher: Pretender, told: Told, tmp_path: Path) -> None:
    def make_one_and_break(works: Sequence[Work]) -> None:
        if works[0].phase is Phase.SFT:
            put_into_store(works[0])
            raise ConnectionError("the queue is gone")

    launcher.before = make_one_and_break
    with pytest.raises(UserError, match="1 of 2 runs failed: sft: ConnectionError: the queue is gone; "):
        run("seed=0,1")
    assert told.failures() == {"seed=1": "sft: ConnectionError: the queue is gone"}
    assert "the queue is gone" in (tmp_path / "runs" / "traceback.txt").read_text(encoding="utf-8")

    # A job that says it has failed, although somebody else has made its work; and one that has done nothing.
    launcher.before = lambda works: put_into_store(works[0]) if works[0].phase is Phase.SFT else None
    launcher.faults = {
        "sft joint seed=1": failed("MemoryError"),
        "evaluate seed=1": JobReturn(status=JobStatus.COMPLETED),
    }
    with pytest.raises(UserError, match="1 of 2 runs failed: evaluate: its job ended well, but "):
        run("seed=0,1")
    assert launcher.phases == [["sft"], ["evaluate"]]


def test_a_launcher_that_cannot_go_on_fails_its_jobs_and_one_that_cannot_begin_the_sweep(
    run: Run, launcher: Pretender, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases: list[Phase] = []

    def given_until(phase: Phase) -> Callable[..., Pretender]:
        def given(_: Plugins, context: HydraContext, task: SweepTask, config: DictConfig) -> Pretender:
            phases.append(min(task.works.items())[1].phase)
            if phases[-1] is phase:
                raise UserError("scontrol: no answer")
            return launcher.given(context, task, config)

        return given

    monkeypatch.setattr(Plugins, "instantiate_launcher", given_until(Phase.PREPARE))
    with pytest.raises(UserError, match=r"^scontrol: no answer$"):
        run("seed=0,1")
    assert not told.rows

    monkeypatch.setattr(Plugins, "instantiate_launcher", given_until(Phase.SFT))
    with pytest.raises(UserError, match="2 of 2 runs failed: sft: scontrol: no answer; "):
        run("seed=0,1")
    assert told.failures() == dict.fromkeys(["seed=0", "seed=1"], "sft: scontrol: no answer")
    assert phases == [Phase.PREPARE, Phase.PREPARE, Phase.REASON, Phase.SFT]


def test_what_another_sweep_has_made_meanwhile_is_not_launched(
    run: Run, launcher: Pretender, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[SweepWorks] = []

    class Remembered(SweepWorks):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            planned.append(self)

    def be_faster(works: Sequence[Work]) -> None:
        if works[0].phase is Phase.PREPARE:
            for each in (*planned[0].waves[1], *planned[0].waves[2]):
                put_into_store(each.work)

    monkeypatch.setattr(sweep_works, "SweepWorks", Remembered)
    launcher.before = be_faster
    run("seed=0,1")
    assert launcher.launched == [(0, ["prepare"]), (1, ["evaluate seed=0", "evaluate seed=1"])]
    assert not told.failures()


def test_a_run_that_cannot_be_composed_is_a_row_at_once(run: Run, launcher: Pretender, told: Told) -> None:
    with pytest.raises(UserError, match="1 of 2 runs failed: seed=-1: must be at least 0; "):
        run("seed=-1,0")
    assert told.failures() == {"seed=-1": "seed=-1: must be at least 0"}
    assert launcher.phases == [["prepare"], ["reason"], ["sft"], ["evaluate"]]

    with pytest.raises(UserError, match=r"2 of 2 runs failed: .*/people.jsonl: no such file"):
        run("careers=jsonl", "careers.path=people.jsonl", "seed=0,1")
    assert not launcher.launched


def test_an_interrupt_ends_everything_at_once(run: Run, launcher: Pretender, told: Told) -> None:
    def interrupt(works: Sequence[Work]) -> None:
        raise KeyboardInterrupt

    launcher.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        run("seed=0,1")
    assert len(launcher.launched) == 1
    assert not told.rows


def test_runs_share_one_store(run: Run, launcher: Pretender, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="store: the runs of a sweep share one store, not 2"):
        run(f"store={tmp_path / 'a'},{tmp_path / 'b'}")
    assert not launcher.launched


def test_a_row_is_named_by_what_the_sweep_varies(run: Run, told: Told) -> None:
    run("seed=0", "lora=r8,r16", params={"seed": "1,2"})
    assert [row.overrides for row in told.rows] == [("seed=0", "lora=r8"), ("seed=0", "lora=r16")]


def test_the_report_shows_what_all_runs_share(run: Run, told: Told) -> None:
    run("experiments=joint,direct", "evaluation.confidence=0.9,0.8", "split.seed=3", dry_run=True)
    shared = OmegaConf.create(told.config)
    assert (shared.choices.lora, shared.settings.split.seed, shared.settings.lora.rank) == ("tiny_r16", 3, 16)
    # Neither the axes nor what their choices bring with them.
    assert not {"experiments", "model"} & {*shared.choices}
    assert "name" not in shared.settings
    assert "confidence" not in shared.settings.evaluation


def test_each_run_knows_its_choices(run: Run, launcher: Pretender) -> None:
    configs: list[str] = []
    launcher.before = lambda works: configs.extend(work.config for work in works if work.phase is Phase.EVALUATE)
    run("training_reason=oracle,template")
    chosen = [OmegaConf.create(config) for config in configs]
    assert [(each.choices.training_reason, each.choices.model) for each in chosen] == [
        ("oracle", "joint"),
        ("template", "joint"),
    ]
    assert all("hydra/launcher" not in each.choices for each in chosen)


def test_a_plan_makes_nothing(
    run: Run,
    over_beta: dict[str, dict[str, str]],
    launcher: Pretender,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("sweeps=dpo_beta", "seed=0", plan=True, **over_beta)
    text = " ".join(capsys.readouterr().out.split())
    assert "12 jobs would be launched in 6 waves, 24 if each of the 4 runs did everything itself" in text
    assert not launcher.launched
    assert not list(tmp_path.iterdir())
    with pytest.raises(UserError, match=r"^1 of 2 runs would fail: seed=-1: must be at least 0$"):
        run("seed=-1,0", plan=True)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_launches_nothing(run: Run, launcher: Pretender, told: Told) -> None:
    run("seed=0,1", dry_run=True)
    assert not launcher.launched
    assert len(told.rows) == 2
