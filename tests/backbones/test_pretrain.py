from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3ForCausalLM

from occpred.backbones.architecture import tiny_config
from occpred.backbones.pretrain import Recipe, _batches, _learning_rate_factor, _train, parse, pretrain, validation_loss
from occpred.backbones.tokenizer import train_tokenizer
from occpred.errors import UserError
from occpred.settings import SettingError

TOKENIZER = train_tokenizer(["Registered Nurses"])


def test_options_are_the_fields_of_the_recipe() -> None:
    recipe = parse(["--output", "here", "--learning-rate", "0.5", "--compile", "--onet", "there"])
    assert recipe == Recipe(output="here", learning_rate=0.5, compile=True, onet="there")


def test_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(SettingError, match="steps=0: must be at least 1"):
        parse(["--output", "here", "--steps", "0"])


def test_too_few_people_for_a_row_are_refused(tmp_path: Path) -> None:
    recipe = Recipe(output=str(tmp_path), people=1, row_length=4096, device="cpu", processes=1)
    with pytest.raises(UserError, match=r"1 people give \d+ tokens: too few for a row of 4096"):
        pretrain(recipe)


def test_the_learning_rate_rises_along_a_line_and_falls_along_a_cosine() -> None:
    recipe = Recipe(output="", warmup=4, steps=12)
    factors = [_learning_rate_factor(step, recipe) for step in (0, 3, 4, 8, 12)]
    assert factors == pytest.approx([0.25, 1.0, 1.0, 0.5, 0.0])


def test_batches_are_stretches_of_the_stream() -> None:
    recipe = Recipe(output="", steps=5, rows=3, row_length=4, device="cpu")
    stream_N = torch.arange(5)
    batches = list(_batches(stream_N, recipe))
    assert len(batches) == 5
    for rows_BT in batches:
        assert rows_BT.shape == (3, 4)
        assert all(row_T.tolist() in ([0, 1, 2, 3], [1, 2, 3, 4]) for row_T in rows_BT)


def test_the_script_writes_a_backbone_that_loads_and_a_card_that_tells_how(tmp_path: Path) -> None:
    options = ["--people", "20", "--validation-people", "5", "--steps", "3", "--rows", "2", "--row-length", "32"]
    pretrain(
        parse(["--output", str(tmp_path), "--date", "2001-02-03", "--device", "cpu", "--processes", "1", *options])
    )
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert model.dtype == torch.bfloat16
    assert model.config.eos_token_id == tokenizer.eos_token_id
    card = (tmp_path / "README.md").read_text("utf-8")
    assert "| date | 2001-02-03 |" in card
    assert " ".join(options) in card


def test_the_same_seed_trains_the_same_model() -> None:
    recipe = Recipe(output="", steps=3, rows=2, row_length=16, warmup=1, device="cpu")
    stream_N = torch.arange(100) % 7
    losses = []
    for _ in range(2):
        torch.manual_seed(recipe.seed)
        model = Qwen3ForCausalLM(tiny_config(TOKENIZER))
        _train(model, stream_N, stream_N, recipe)
        losses.append(validation_loss(model, stream_N, recipe))
    assert losses[0] == losses[1] < math.log(4096)
