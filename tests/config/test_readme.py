"""What README.md tells users to type."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from occpred.config import to_experiment
from tests.config.conftest import Compose

README = Path(__file__).resolve().parents[2] / "README.md"
_COMMAND = "occpred"
_BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ANY_BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_OVERRIDES = re.compile(r"'?\+?[\w./@]+=[^|]*")
"""Code in prose that is to be added to a command: `key=value` comes first. Alternatives, as in `a=1 | 2`, are prose."""


def typed() -> tuple[list[str], list[str]]:
    """The commands, and the overrides that prose and tables tell of, each once."""
    text = README.read_text(encoding="utf-8")
    lines = [line for block in _BLOCK.findall(text) for line in block.replace("\\\n", "").splitlines()]
    lines += [" ".join(code.split()) for code in _CODE.findall(_ANY_BLOCK.sub("", text))]
    commands = [line for line in lines if line.split()[:1] == [_COMMAND]]
    overrides = [line for line in lines if _OVERRIDES.fullmatch(line)]
    return list(dict.fromkeys(commands)), list(dict.fromkeys(overrides))


COMMANDS, OVERRIDES = typed()


def read(line: str) -> list[Override]:
    """What Hydra reads in a line after the shell has."""
    words = [word for word in shlex.split(line, comments=True) if word != _COMMAND]
    return OverridesParser.create().parse_overrides(get_args_parser().parse_args(words).overrides)


def test_readme_tells_what_to_type() -> None:
    assert len(COMMANDS) > 10
    assert len(OVERRIDES) > 20


@pytest.mark.parametrize("line", OVERRIDES)
def test_overrides_can_be_read(line: str) -> None:
    assert read(line)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_name_what_there_is(line: str, composed: Compose) -> None:
    (combinations,) = BasicSweeper.split_arguments(read(line), max_batch_size=None)
    to_experiment(composed(*combinations[0]))
