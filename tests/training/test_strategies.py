"""One process and two train the same, under every strategy, and each goes on from where the other has stopped."""

from __future__ import annotations

import json
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import Qwen3Config, Qwen3ForCausalLM

from occpred.distributed.launch import together
from occpred.errors import UserError
from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.training.deepspeed_zero3 import DeepSpeedZero3
from occpred.training.fully_sharded import FullySharded
from tests.language_model.compiler import counted_compiler
from tests.training.strategy_worker import ALONE, CASES, TOGETHER, Case, fit, stop, train, train_together

NAMES = [pytest.param(name, id=name.replace(", ", "-")) for name in CASES]


@pytest.fixture(scope="session")  # a module's ends where a test process changes between modules to and fro
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of all cases: trained alone and together, and resumed on the other number of processes."""
    folder = tmp_path_factory.mktemp("strategies")
    for name, case in CASES.items():
        if case.like == name:
            train(case, folder / ALONE / name)
        stop(case, folder / f"stopped {ALONE}" / name)
    together(2, partial(train_together, folder))
    for name, case in CASES.items():
        train(case, folder / f"stopped {TOGETHER}" / name)
    return folder


def check_like_one_process(trained: Path, run: str, name: str) -> None:
    """The same trajectory and the same files, to rounding."""
    found, expected = trained / run / name, trained / ALONE / CASES[name].like
    tolerance = 1e-2 if CASES[name].dtype == torch.bfloat16 else 1e-5
    rows, expected_rows = (torch.load(folder / "trajectory.pt") for folder in (found, expected))
    for row, expected_row in zip(rows, expected_rows, strict=True):
        assert row == pytest.approx(expected_row, rel=tolerance, abs=tolerance)
    files = sorted(path.name for path in (expected / "checkpoint").iterdir())
    assert sorted(path.name for path in (found / "checkpoint").iterdir()) == files
    for name in files:
        paths = found / "checkpoint" / name, expected / "checkpoint" / name
        if name.endswith(".json"):
            assert settings_in(paths[0]) == settings_in(paths[1])
        elif name.endswith(".safetensors"):
            torch.testing.assert_close(
                load_file(paths[0]), load_file(paths[1]), rtol=tolerance, atol=10 * min(tolerance, 1e-3)
            )


def settings_in(path: Path) -> dict[str, Any]:
    """What a JSON file says. Lists in it are sets in PEFT, so their order changes from process to process."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    return {name: sorted(value) if isinstance(value, list) else value for name, value in settings.items()}


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_train_like_one(trained: Path, name: str) -> None:
    check_like_one_process(trained, TOGETHER, name)


@pytest.mark.parametrize("side", [ALONE, TOGETHER])
@pytest.mark.parametrize("name", NAMES)
def test_what_stopped_goes_on_with_another_number_of_processes(trained: Path, name: str, side: str) -> None:
    check_like_one_process(trained, f"stopped {side}", name)


@pytest.mark.parametrize("name", [name for name in NAMES if name.id.startswith(("fsdp", "zero3"))])
def test_layers_that_are_divided_are_compiled_as_whole_ones(
    trained: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Two graphs to train with and two to validate with; where weights come one by one, there is no end of them."""
    counter = counted_compiler(monkeypatch)
    train(CASES[name], trained / "compiled" / name)
    assert counter.frame_count == 4
    check_like_one_process(trained, "compiled", name)


def test_products_are_pytorchs_own(trained: Path) -> None:
    """Also after DeepSpeed was here: what it does to the function, it does for the rest of the process."""
    assert torch.nn.functional.linear is torch._C._nn.linear


def test_strategies_know_their_own_checkpoints(trained: Path) -> None:
    """A training keeps its checkpoint until what was trained is safe."""
    for case in CASES.values():
        for name, other in CASES.items():
            checkpoint = trained / f"stopped {ALONE}" / name / "resume.ckpt"
            assert case.strategy.recognises(checkpoint) == (type(case.strategy) is type(other.strategy))


def test_another_strategy_does_not_go_on(trained: Path) -> None:
    with pytest.raises(UserError, match="under another strategy"):
        fit(CASES["fsdp, LoRA"], trained / f"stopped {ALONE}" / "ddp, LoRA")


class SixtyFourWide(Case):
    """Of a width that can be had in 4 bits."""

    def model(self) -> Qwen3ForCausalLM:
        return Qwen3ForCausalLM(
            Qwen3Config(vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=1, head_dim=16)
        ).requires_grad_(False)


def test_four_bits_cannot_be_divided(tmp_path: Path) -> None:
    case = SixtyFourWide(FullySharded(), LoRA(rank=2, base_dtype=BaseDtype.nf4), like="")
    with pytest.raises(UserError, match=r"lora\.base_dtype=nf4"):
        fit(case, tmp_path)


def test_what_deepspeed_needs_is_said_at_once() -> None:
    if torch.cuda.is_available() and find_spec("deepspeed"):
        pytest.skip("DeepSpeed and a GPU are here")
    with pytest.raises(UserError, match="needs GPUs" if find_spec("deepspeed") else "pip install"):
        DeepSpeedZero3().lightning()
