from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import PreTrainedModel, Qwen3ForCausalLM

from occpred.backbones import TINY
from occpred.errors import UserError
from occpred.language_model.backbone import Backbone, EmbeddedBackbone, Precision

CONF = Path(__file__).resolve().parents[2] / "conf" / "backbone"

PARAMETERS = {
    # Published as 0.6, 1.7, 4.0, 8.2, 14.8 and 8.0 billion.
    "qwen3_0_6b": 596_049_920,
    "qwen3_1_7b": 1_720_574_976,
    "qwen3_4b": 4_022_468_096,
    "qwen3_8b": 8_190_735_360,
    "qwen3_14b": 14_768_307_200,
    "llama3_1_8b": 8_030_261_248,
}


def choice(name: str) -> dict[str, Any]:
    """The settings that a file of `conf/backbone` gives."""
    settings: dict[str, Any] = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
    return settings


def parameters_by_hand(sizes: dict[str, Any]) -> int:
    width, head = sizes["hidden_size"], sizes["head_dim"]
    queries, keys = sizes["num_attention_heads"] * head, sizes["num_key_value_heads"] * head
    attention = width * (queries + 2 * keys) + queries * width
    if sizes["model_type"] == "qwen3":
        attention += 2 * head  # norms of queries and keys
    layer = attention + 3 * width * sizes["intermediate_size"] + 2 * width
    embeddings = sizes["vocab_size"] * width * (1 if sizes["tie_word_embeddings"] else 2)
    return int(embeddings + sizes["num_hidden_layers"] * layer + width)


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_choice_builds_a_model_of_the_published_size(name: str) -> None:
    backbone = Backbone(**choice(name), random_init=True)
    with torch.device("meta"):
        model = backbone.load_model()
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    assert parameters_by_hand(backbone.architecture) == PARAMETERS[name]


def test_positions_are_encoded_as_in_the_published_models() -> None:
    for name in PARAMETERS:
        rope = choice(name)["architecture"]["rope_parameters"]
        with torch.device("meta"):
            model = Backbone(**choice(name), random_init=True).load_model()
        assert model.config.rope_parameters == rope
        assert isinstance(rope["rope_theta"], float)
        assert rope["rope_theta"] == (500_000.0 if name == "llama3_1_8b" else 1_000_000.0)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_shrunken_choice_runs_on_random_weights(name: str) -> None:
    small = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}
    small |= {"num_key_value_heads": 2, "head_dim": 8, "vocab_size": 4096}
    settings = choice(name)
    backbone = Backbone(**settings | {"architecture": settings["architecture"] | small}, random_init=True)
    model, tokenizer = backbone.load_model(), backbone.load_tokenizer()
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert not any(parameter.requires_grad for parameter in model.parameters())
    logits_1TV = model(**tokenizer("They want to lead.", return_tensors="pt")).logits
    assert logits_1TV.shape[-1] == 4096
    assert logits_1TV.isfinite().all()


SMALL = {"model_type": "qwen3", "vocab_size": 64, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
SMALL |= {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}


def test_random_weights_depend_on_the_seed_alone() -> None:
    def weights(seed: int) -> torch.Tensor:
        model = Backbone(name="x", random_init=True, architecture=SMALL, seed=seed).load_model()
        return torch.cat([parameter.flatten() for parameter in model.parameters()])

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = weights(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(weights(3), first)
    assert not torch.equal(weights(4), first)


def test_random_weights_need_an_architecture() -> None:
    with pytest.raises(UserError, match=r"random_init=true needs backbone\.architecture, which tiny does not give"):
        EmbeddedBackbone(name="tiny", random_init=True).load_model()


@pytest.fixture
def folder(tmp_path: Path, micro_qwen3: PreTrainedModel) -> Path:
    """A model of the user's own."""
    micro_qwen3.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("precision", Precision)
def test_a_folder_is_loaded_frozen_in_the_asked_precision(
    folder: Path, micro_qwen3: PreTrainedModel, precision: Precision
) -> None:
    model = Backbone(name=str(folder), precision=precision).load_model()
    assert isinstance(model, Qwen3ForCausalLM)
    assert not model.training
    for loaded, saved in zip(model.parameters(), micro_qwen3.parameters(), strict=True):
        assert not loaded.requires_grad
        assert torch.equal(loaded, saved.to(getattr(torch, precision.value)))


def test_how_a_model_likes_to_be_sampled_is_left_behind(folder: Path) -> None:
    liked = {"do_sample": True, "temperature": 0.6, "top_k": 20, "repetition_penalty": 5.0, "eos_token_id": [3, 4]}
    (folder / "generation_config.json").write_text(json.dumps(liked), encoding="utf-8")
    kept = Backbone(name=str(folder)).load_model().generation_config
    assert kept.eos_token_id == [3, 4]
    assert kept.do_sample in (None, False)
    assert (kept.temperature, kept.top_k, kept.repetition_penalty) == (None, None, None)


def refusal(backbone: Backbone) -> str:
    with pytest.raises(UserError) as caught:
        backbone.load_model()
    message = str(caught.value)
    assert message.startswith(f"backbone.name={backbone.name}")
    assert "\n" not in message
    return message


def test_pickled_weights_are_refused(folder: Path, micro_qwen3: PreTrainedModel) -> None:
    (folder / "model.safetensors").unlink()
    torch.save(micro_qwen3.state_dict(), folder / "pytorch_model.bin")
    assert "no file named model.safetensors" in refusal(Backbone(name=str(folder)))


def test_a_folder_without_all_weights_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["num_hidden_layers"] = 3
    config.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert "has no weights for model.layers.2." in refusal(Backbone(name=str(folder)))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    refusal(Backbone(name=str(tmp_path)))
    with pytest.raises(UserError):
        Backbone(name=str(tmp_path)).load_tokenizer()


def test_code_that_comes_with_a_model_is_never_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "own.py").write_text(f"open({str(trace)!r}, 'w')", encoding="utf-8")
    config = {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    refusal(Backbone(name=str(tmp_path)))
    assert not trace.exists()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing listens where the hub should be, and nothing is cached."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["Qwen/Qwen3-0.6B", "no-such-model", "/no/such/folder", "no such name", ""])
def test_a_model_that_cannot_be_had_is_refused_in_one_line(name: str) -> None:
    refusal(Backbone(name=name))


@pytest.mark.usefixtures("no_network")
def test_the_embedded_backbone_needs_no_network(tiny_backbone: Backbone) -> None:
    assert tiny_backbone.load_model().num_parameters() == 4_196_864
    assert tiny_backbone.load_tokenizer().pad_token_id is not None


def test_an_unknown_embedded_backbone_is_refused_with_what_there_is() -> None:
    assert refusal(EmbeddedBackbone(name="small")) == (
        "backbone.name=small: must be tiny, which this package holds; "
        "for a hub name or a folder say backbone=other as well"
    )


def test_the_revision_of_the_embedded_backbone_identifies_its_files() -> None:
    digest = hashlib.sha256()
    for name in ("model.safetensors", "tokenizer.json"):
        digest.update((TINY / name).read_bytes())
    revision = digest.hexdigest()[:12]
    command = f"sed -i 's/^revision: .*/revision: \"{revision}\"/' conf/backbone/tiny.yaml"
    assert choice("tiny")["revision"] == revision, f"the weights or the tokenizer changed; run: {command}"
