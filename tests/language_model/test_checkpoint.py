from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from occpred.errors import UserError
from occpred.language_model.adaptation import LoRA
from occpred.language_model.backbone import Backbone, Precision
from occpred.language_model.checkpoint import load_checkpoint, load_merged, save_checkpoint

IDS_1T = torch.tensor([[5, 9, 2, 40, 7]])


@pytest.fixture
def backbone(micro_qwen3: PreTrainedModel, tmp_path: Path) -> Backbone:
    micro_qwen3.save_pretrained(tmp_path / "micro")
    return Backbone(name=str(tmp_path / "micro"), revision="1", precision=Precision.FLOAT32)


@pytest.fixture
def checkpoint(backbone: Backbone, tmp_path: Path) -> Path:
    folder = tmp_path / "new" / "checkpoint"
    save_checkpoint(folder, LoRA(rank=2)(backbone.load_model(), seed=0), backbone, LoRA(rank=2))
    return folder


@pytest.mark.parametrize("name", ["backbone.json", "adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("load", [load_checkpoint, load_merged])
def test_a_missing_file_is_named(backbone: Backbone, checkpoint: Path, name: str, load: Callable[..., object]) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(UserError, match=rf"{checkpoint}: {name} is missing; remove the artifact"):
        load(checkpoint, backbone, LoRA(rank=2))


def test_a_checkpoint_is_put_on_a_fresh_backbone(backbone: Backbone, tmp_path: Path) -> None:
    model = LoRA(rank=2)(backbone.load_model(), seed=0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    save_checkpoint(tmp_path / "checkpoint", model, backbone, LoRA(rank=2))
    loaded = load_checkpoint(tmp_path / "checkpoint", backbone, LoRA(rank=2))
    with torch.no_grad():
        assert torch.equal(loaded(IDS_1T).logits, model.eval()(IDS_1T).logits)
        assert not torch.equal(loaded(IDS_1T).logits, backbone.load_model()(IDS_1T).logits)


def test_a_checkpoint_can_be_trained_further(checkpoint: Path, backbone: Backbone) -> None:
    start = load_checkpoint(checkpoint, backbone, LoRA(rank=2), trainable=True)
    assert all(parameter.requires_grad == ("lora_" in name) for name, parameter in start.named_parameters())
    assert not any(
        parameter.requires_grad for parameter in load_checkpoint(checkpoint, backbone, LoRA(rank=2)).parameters()
    )


def test_a_checkpoint_says_which_backbone_it_belongs_to(checkpoint: Path, backbone: Backbone) -> None:
    identity = json.loads((checkpoint / "backbone.json").read_text(encoding="utf-8"))
    assert identity == {"name": backbone.name, "revision": "1"}


def test_another_backbone_or_revision_is_refused(checkpoint: Path, backbone: Backbone) -> None:
    for other in (replace(backbone, name="Qwen/Qwen3-8B"), replace(backbone, revision="2")):
        with pytest.raises(UserError) as caught:
            load_checkpoint(checkpoint, other, LoRA(rank=2))
        assert str(caught.value) == (
            f"{checkpoint}: trained on backbone {backbone.name} (revision 1), "
            f"cannot be used with {other.name} (revision {other.revision})"
        )


def test_how_the_backbone_is_held_does_not_matter(checkpoint: Path, backbone: Backbone) -> None:
    load_checkpoint(checkpoint, replace(backbone, precision=Precision.BFLOAT16), LoRA(rank=2))


def test_random_weights_are_known_by_how_they_were_drawn(tmp_path: Path) -> None:
    sizes = {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    backbone = Backbone(name="random", random_init=True, architecture={"model_type": "qwen3", **sizes})
    save_checkpoint(tmp_path, LoRA(rank=2)(backbone.load_model(), seed=0), backbone, LoRA(rank=2))
    load_checkpoint(tmp_path, backbone, LoRA(rank=2))
    for other in (
        replace(backbone, seed=1),
        replace(backbone, architecture=backbone.architecture | {"hidden_size": 32}),
        replace(backbone, random_init=False),
    ):
        with pytest.raises(UserError, match="cannot be used with"):
            load_checkpoint(tmp_path, other, LoRA(rank=2))
