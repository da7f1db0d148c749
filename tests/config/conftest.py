"""Composing a config as the command line does, without running anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from occpred.config import CONF, readable, register_schemas, to_experiment

Compose = Callable[..., DictConfig]
Complain = Callable[..., str]


@pytest.fixture
def composed() -> Compose:
    """Gives the config that some overrides lead to."""

    def compose_config(*overrides: str) -> DictConfig:
        register_schemas()
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("config", list(overrides))

    return compose_config


@pytest.fixture
def composed_of(tmp_path: Path) -> Compose:
    """Gives a config of some groups' choices alone, faster than a whole one; other groups are missing."""

    def compose_config(*overrides: str, **choices: str) -> DictConfig:
        register_schemas()
        lines = "".join(f"  - {group}: {choice}\n" for group, choice in choices.items())
        text = f"defaults:\n  - experiment_schema\n{lines}  - _self_\nhydra:\n  searchpath: ['file://{CONF}']\n"
        (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
        with initialize_config_dir(str(tmp_path), version_base="1.3"):
            return compose("small", list(overrides))

    return compose_config


@pytest.fixture
def complaint(composed_of: Compose, monkeypatch: pytest.MonkeyPatch) -> Complain:
    """Gives the one line that the user of some overrides, which are wrong, reads."""

    def complain(*overrides: str) -> str:
        monkeypatch.setattr("sys.argv", ["occpred", *overrides])
        with pytest.raises(Exception) as caught:  # noqa: PT011 (whatever it is, it must be explained)
            to_experiment(
                composed_of(
                    *overrides, lora="r16", backbone="tiny", split="by_person", ranking="exact", experiments="null"
                )
            )
        message = readable(caught.value)
        assert message is not None, f"a traceback for {overrides}: {caught.value!r}"
        return message

    return complain


@pytest.fixture
def experiments_file(tmp_path: Path) -> Callable[[str], None]:
    """Writes `experiments/mine.yaml` where `complaint` finds it."""

    def write(text: str) -> None:
        (tmp_path / "experiments").mkdir()
        (tmp_path / "experiments" / "mine.yaml").write_text(text, encoding="utf-8")

    return write
