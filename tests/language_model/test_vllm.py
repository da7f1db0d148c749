"""The real vLLM beside this package's own generation."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from occpred.language_model.backbone import Backbone, Precision
from occpred.language_model.device import Accelerator
from occpred.language_model.generation import Generation
from occpred.language_model.vllm_engine import VllmEngine
from occpred.language_model.vllm_writer import VllmWriter
from occpred.language_model.writer import LocalWriter
from occpred.taxonomy.taxonomy import Taxonomy

pytest.importorskip("vllm", reason="needs vLLM: pip install 'occpred[vllm]'")
pytestmark = pytest.mark.slow

STOP = ","


@pytest.fixture(scope="module")
def prompts(taxonomy: Taxonomy, tiny_backbone: Backbone) -> list[list[int]]:
    """Half a hundred, of very different lengths, some of them twice."""
    drawn, titles = random.Random(0), [occupation.title for occupation in taxonomy.occupations]
    sentences = [
        f"This person worked as {drawn.choice(titles)}, then as {drawn.choice(titles)}. " * drawn.randint(1, 6)
        for _ in range(40)
    ]
    return [tiny_backbone.load_tokenizer().encode(sentence) for sentence in sentences + sentences[:10]]


@pytest.fixture(scope="module")
def local(tiny_backbone: Backbone) -> LocalWriter:
    model = tiny_backbone.load_model().to(Accelerator.auto.device())
    return LocalWriter(model, tiny_backbone.load_tokenizer())


@pytest.fixture(scope="module")
def vllm(tiny_backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> VllmWriter:
    folder: Path = tmp_path_factory.mktemp("plain")
    tokenizer = tiny_backbone.load_tokenizer()
    tiny_backbone.load_model().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    engine = VllmEngine(memory=0.3, compiled=False)
    return VllmWriter(engine, folder, Precision.FLOAT32, tokenizer, Accelerator.auto.device())


def test_greedy_texts_are_those_of_the_model_in_this_process(
    local: LocalWriter, vllm: VllmWriter, prompts: list[list[int]]
) -> None:
    generation = Generation(max_new_tokens=48)
    expected = local(generation, prompts, stop=STOP, stage="local")
    found = vllm(generation, prompts, stop=STOP, stage="vllm")
    equal = sum(text == other for text, other in zip(found, expected, strict=True))
    # Two tokens may be as probable as each other, to rounding.
    assert equal >= 0.95 * len(prompts)
    assert len(set(expected)) > 20
    assert 0 < sum(text.endswith(STOP) for text in expected) < len(prompts)


def test_draws_depend_on_prompt_number_and_seed_and_not_on_company(vllm: VllmWriter, prompts: list[list[int]]) -> None:
    generation = Generation(max_new_tokens=24, temperature=1.0, seed=5)
    drawn = vllm(generation, prompts, stop=STOP, stage="vllm")
    assert vllm(generation, prompts, stop=STOP, stage="vllm") == drawn
    assert vllm(generation, prompts[:7], stop=STOP, stage="vllm") == drawn[:7]
    twice = [text != again for text, again in zip(drawn[:10], drawn[40:], strict=True)]
    assert sum(twice) >= 8, "the same prompt, drawn for once more, is another draw"
    other = vllm(replace(generation, seed=6), prompts, stop=STOP, stage="vllm")
    assert sum(text != same for text, same in zip(other, drawn, strict=True)) > 40
