"""What is asked of vLLM, and what becomes of its answers and failures. A stand-in for it runs everywhere."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel

from occpred.distributed.launch import together
from occpred.errors import UserError
from occpred.language_model.backbone import Backbone, Precision
from occpred.language_model.generation import Generation
from occpred.language_model.vllm_engine import VllmEngine
from occpred.language_model.vllm_writer import VllmWriter
from occpred.language_model.writer import LocalWriter, Writer
from tests.servers.scripted_vllm import FATAL, LONGEST, write_package

PROMPTS = [[5, 6, 7], [5], [11, 12, 13, 14], [5]]
STOP = "</think>"


@pytest.fixture
def scripted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def make_writer(tiny_backbone: Backbone) -> Callable[..., Writer]:
    return partial(
        VllmWriter,
        folder=tiny_backbone.folder(),
        precision=Precision.FLOAT32,
        tokenizer=tiny_backbone.load_tokenizer(),
        device=torch.device("cpu"),
    )


def asked(text: str) -> dict[str, Any]:
    """What the stand-in was asked, as it repeats it."""
    assert text.endswith(STOP), "cut right behind the text that ends it"
    found: dict[str, Any] = json.loads(text.removesuffix(STOP))
    return found


@pytest.mark.usefixtures("scripted")
def test_vllm_is_asked_for_each_prompt_as_the_generation_says(make_writer: Callable[..., Writer]) -> None:
    generation = Generation(max_new_tokens=20, temperature=0.5, seed=3)
    writer = make_writer(VllmEngine(memory=0.3, compiled=False))
    replies = [asked(text) for text in writer(generation, PROMPTS, stop=STOP, stage="test")]
    assert [reply["prompt"] for reply in replies] == PROMPTS
    seeds = [reply["sampling"].pop("seed") for reply in replies]
    assert len(set(seeds)) == len(PROMPTS)
    assert all(0 <= seed < 2**63 for seed in seeds)
    for reply in replies:
        assert reply["sampling"] == {"max_tokens": 20, "temperature": 0.5}
        assert reply["model"] == {
            "dtype": "float32",
            "max_model_len": 24,
            "gpu_memory_utilization": 0.3,
            "enforce_eager": True,
            "enable_chunked_prefill": False,
            "use_tqdm_on_load": False,
        }


@pytest.mark.usefixtures("scripted")
def test_nothing_is_told_to_anybody(make_writer: Callable[..., Writer]) -> None:
    [text] = make_writer(VllmEngine())(Generation(), PROMPTS[:1], stop=STOP, stage="test")
    environment = asked(text)["environment"]
    assert environment["VLLM_NO_USAGE_STATS"] == environment["DO_NOT_TRACK"] == "1"
    assert "vllm" not in sys.modules, "it belongs into a process of its own"


@pytest.mark.usefixtures("scripted")
def test_two_processes_write_what_one_writes(make_writer: Callable[..., Writer]) -> None:
    write = partial(make_writer(VllmEngine()), Generation(seed=1), PROMPTS[:3], stop=STOP, stage="test")
    assert together(2, write) == write()


@pytest.mark.usefixtures("scripted")
def test_what_vllm_refuses_is_one_line(make_writer: Callable[..., Writer]) -> None:
    with pytest.raises(UserError, match=r"^engine=vllm: there is no room for 1004 tokens \(.*\); .* engine=local$"):
        make_writer(VllmEngine())(Generation(max_new_tokens=LONGEST), PROMPTS, stop=STOP, stage="test")


@pytest.mark.usefixtures("scripted")
def test_what_the_model_cannot_read_to_its_end_is_refused(make_writer: Callable[..., Writer]) -> None:
    with pytest.raises(UserError, match=r"^engine=vllm: .* are 4097 tokens, and the model reads 4096; lower"):
        make_writer(VllmEngine())(Generation(max_new_tokens=4093), PROMPTS, stop=STOP, stage="test")


@pytest.mark.usefixtures("scripted")
def test_a_vllm_of_another_device_is_refused(
    make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCRIPTED_DEVICE", "cuda")
    with pytest.raises(UserError, match=r"computes on cuda, and trainer\.accelerator asks for cpu"):
        make_writer(VllmEngine())(Generation(), PROMPTS, stop=STOP, stage="test")


@pytest.mark.usefixtures("scripted")
def test_a_vllm_that_dies_is_no_answer(make_writer: Callable[..., Writer]) -> None:
    with pytest.raises(RuntimeError, match="vLLM ended with exit code -9 before"):
        make_writer(VllmEngine())(Generation(), [*PROMPTS, [FATAL]], stop=STOP, stage="test")


def test_without_vllm_it_is_said_what_to_install(
    make_writer: Callable[..., Writer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(UserError, match=r"^engine=vllm: .* pip install 'occpred\[vllm\]', or engine=local$"):
        make_writer(VllmEngine())(Generation(), PROMPTS, stop=STOP, stage="test")


def test_the_local_writer_is_the_model_in_this_process(micro_qwen3: PreTrainedModel, tiny_backbone: Backbone) -> None:
    tokenizer, generation = tiny_backbone.load_tokenizer(), Generation(max_new_tokens=4)
    local: Writer = LocalWriter(micro_qwen3, tokenizer)
    expected = generation(micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test")
    assert local(generation, PROMPTS, stop="never", stage="test") == expected
