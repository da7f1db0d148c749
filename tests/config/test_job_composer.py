from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from occpred.config import CONF, readable, register_schemas
from occpred.config.job_composer import JobComposer
from occpred.experiment import Experiment

PRIMARY = f"""
defaults:
  - experiment_schema
  - taxonomy: sample
  - lora: r8
  - backbone: tiny
  - experiments: null
  - _self_
hydra:
  searchpath: ['file://{CONF}']
"""

EXPERIMENTS = {
    "first": "defaults: [{override /lora: r16}]\nname: first\nseed: 3\nlora: {rank: 5}",
    "second": "name: second\nquestion: ${name} ${seed}?",
}


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[ConfigLoader]:
    """Hydra's own, of a primary config with few groups, which is quicker."""
    register_schemas()
    (tmp_path / "small.yaml").write_text(PRIMARY, encoding="utf-8")
    (tmp_path / "experiments").mkdir()
    for name, text in EXPERIMENTS.items():
        (tmp_path / "experiments" / f"{name}.yaml").write_text(f"# @package _global_\n{text}\n", encoding="utf-8")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()
    HydraConfig.instance().cfg = None


@pytest.fixture
def master(loader: ConfigLoader) -> DictConfig:
    """The config of a sweep as a whole."""
    overrides = ["hydra.mode=MULTIRUN", "hydra.job.name=swept", "store=${now:%f}"]
    config = loader.load_configuration("small", overrides, RunMode.MULTIRUN)
    assert config.store  # from now on it is always the same moment
    return config


def by_hydra(loader: ConfigLoader, master: DictConfig, overrides: list[str]) -> DictConfig:
    """What the task of a job gets."""
    config = loader.load_sweep_config(master, overrides)
    HydraConfig.instance().set_config(config)
    with open_dict(config):
        del config["hydra"]
    return config


def resolved(config: DictConfig) -> str:
    return OmegaConf.to_yaml(config, resolve=True)


JOBS = [
    ["seed=1"],
    ["experiments=first"],
    ["experiments=first", "seed=1"],
    ["experiments=first", "seed=2", "lora.rank=7"],
    ["seed=2", "experiments=first", "lora=r64"],
    ["experiments=second", "seed=4"],
    ["experiments=second", "name='a, b'", "question=${name}-${backbone.name}"],
    ["lora.targets=[q_proj]", "lora={rank: 2, dropout: 0.1}"],
    [
        "+backbone.architecture={vocab_size: 64}",
        "++backbone.architecture.head_dim=8",
        "~backbone.architecture.head_dim",
    ],
    ["+backbone.architecture.vocab_size=64", "seed=1"],
    ["+selection=strict", "selection.best_of=2"],
    ["~experiments", "name=${hydra:runtime.choices.lora}"],
    ["experiments=first", "name=${hydra:runtime.choices.lora}-${hydra:job.name}", "hydra.job.name=other"],
    ["store=${now:%f}"],
]


def test_it_composes_what_hydra_composes(loader: ConfigLoader, master: DictConfig) -> None:
    expected = [resolved(by_hydra(loader, master, job)) for job in JOBS]
    compose = JobComposer(loader, master)
    # Twice, in either order: what one job sets must not show in another.
    assert [resolved(compose(job)) for job in JOBS] == expected
    assert [resolved(compose(job)) for job in reversed(JOBS)] == expected[::-1]


def test_it_is_as_strict_as_hydra(loader: ConfigLoader, master: DictConfig) -> None:
    given, expected = JobComposer(loader, master)(["seed=1"]), by_hydra(loader, master, ["seed=1"])
    assert OmegaConf.get_type(given) is OmegaConf.get_type(expected) is Experiment
    assert OmegaConf.is_struct(given)
    assert OmegaConf.is_struct(expected)


@pytest.mark.parametrize(
    "job",
    [
        ["experiments=third"],
        ["lora=r9", "seed=1"],
        ["sed=1"],
        ["lora.rank=abc"],
        ["+seed=1"],
        ["lora=null"],
    ],
)
def test_it_refuses_what_hydra_refuses(loader: ConfigLoader, master: DictConfig, job: list[str]) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 (whatever it is, it must be the same)
        by_hydra(loader, master, job)
    with pytest.raises(type(expected.value)) as given:
        JobComposer(loader, master)(job)
    assert readable(given.value) == readable(expected.value)


def test_jobs_of_the_same_choices_are_merged_once(
    loader: ConfigLoader, master: DictConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge = ConfigLoaderImpl.load_sweep_config
    merged: list[list[str]] = []

    def counted(self: ConfigLoaderImpl, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        merged.append(sweep_overrides)
        return merge(self, master_config, sweep_overrides)

    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
    compose = JobComposer(loader, master)
    for experiment in EXPERIMENTS:
        for seed in range(3):
            assert compose([f"experiments={experiment}", f"seed={seed}"]).seed == seed
    assert merged == [["experiments=first"], ["experiments=second"]]
