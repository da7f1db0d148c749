from __future__ import annotations

import copy
from pathlib import Path

import bitsandbytes as bnb
import pytest
import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, PreTrainedModel

from occpred.errors import UserError
from occpred.language_model.adaptation import Adaptation, BaseDtype, FullFineTuning, LoRA
from occpred.language_model.backbone import Backbone
from occpred.language_model.float8_linear import Float8Linear
from occpred.settings import SettingError
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate
from occpred.trees.token_tree import TokenTree

IDS_BT = torch.tensor([[5, 9, 2, 40, 7], [1, 1, 63, 3, 8]])


def logits(model: nn.Module) -> Tensor:
    with torch.no_grad():
        return model.eval()(IDS_BT).logits


def log_probs(model: nn.Module) -> Tensor:
    return logits(model).float().log_softmax(dim=-1)


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def train_one_step(model: nn.Module, learning_rate: float = 0.5) -> None:
    """One step, a large one, of plain gradient descent on the likelihood of some tokens."""
    model.train()
    model(IDS_BT, labels=IDS_BT).loss.backward()
    with torch.no_grad():
        for parameter in trainable(model).values():
            assert parameter.grad is not None
            parameter -= learning_rate * parameter.grad


@pytest.mark.parametrize(("rank", "alpha"), [(8, 16.0), (16, 32.0), (64, 128.0)])
def test_adapters_and_nothing_else_are_trainable(tiny_backbone: Backbone, rank: int, alpha: float) -> None:
    # Width 256, 8 query heads and 4 key heads of 32, MLP of 768, 4 layers. An adapter from a to b has rank (a + b).
    attention = (256 + 256) + (256 + 128) + (256 + 128) + (256 + 256)
    mlp = (256 + 768) + (256 + 768) + (768 + 256)
    model = LoRA(rank=rank, alpha=alpha)(tiny_backbone.load_model(), seed=0)
    adapters = trainable(model)
    assert sum(parameter.numel() for parameter in adapters.values()) == 4 * rank * (attention + mlp)
    assert all("lora_" in name for name in adapters)
    assert len(adapters) == 4 * 7 * 2


def test_targets_choose_where_adapters_go(micro_qwen3: PreTrainedModel) -> None:
    adapters = trainable(LoRA(rank=2, targets=["q_proj", "lm_head"])(micro_qwen3, seed=0))
    # Width 32, 4 heads of 8, 64 tokens, 2 layers.
    assert sum(parameter.numel() for parameter in adapters.values()) == 2 * (2 * (32 + 32) + (32 + 64))


def test_a_new_adapter_changes_nothing(micro_model: PreTrainedModel) -> None:
    plain = logits(micro_model)
    assert torch.equal(logits(LoRA(rank=4)(micro_model, seed=0)), plain)


def test_adapters_depend_on_the_seed_alone(micro_qwen3: PreTrainedModel) -> None:
    def drawn(seed: int) -> Tensor:
        model = LoRA(rank=4)(copy.deepcopy(micro_qwen3), seed)
        return torch.cat([parameter.detach().flatten() for parameter in trainable(model).values()])

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = drawn(3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(drawn(3), first)
    assert not torch.equal(drawn(4), first)


def test_the_update_is_scaled_by_alpha_over_rank(micro_qwen3: PreTrainedModel) -> None:
    layer = micro_qwen3.model.layers[0].self_attn.q_proj
    plain = layer.weight.clone()
    model = LoRA(rank=2, alpha=6.0, targets=["q_proj"])(micro_qwen3, seed=0)
    adapted = model.base_model.model.model.layers[0].self_attn.q_proj
    nn.init.ones_(adapted.lora_A["default"].weight)
    nn.init.ones_(adapted.lora_B["default"].weight)
    # B A is 2 in every entry; 6 / 2 times that is 6.
    assert torch.allclose(adapted(torch.eye(32)), plain.T + 6.0, atol=1e-5)


def test_dropout_acts_in_training_only(micro_qwen3: PreTrainedModel) -> None:
    model = LoRA(rank=4, dropout=0.5)(micro_qwen3, seed=0)
    train_one_step(model)
    assert torch.equal(logits(model), logits(model))
    model.train()
    assert not torch.equal(model(IDS_BT).logits, model(IDS_BT).logits)


@pytest.mark.parametrize("targets", [["q_proj", "q_porj"], ["mlp"], ["input_layernorm"]])
def test_targets_that_are_no_linear_layers_are_refused(micro_qwen3: PreTrainedModel, targets: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        LoRA(targets=targets)(micro_qwen3, seed=0)
    assert str(caught.value) == (
        f"lora.targets=[{','.join(targets)}]: must be names of the model's linear layers, "
        "which are down_proj, gate_proj, k_proj, lm_head, o_proj, q_proj, up_proj, v_proj"
    )


def test_adapters_on_nothing_are_refused() -> None:
    with pytest.raises(SettingError, match="must name at least one linear layer"):
        LoRA(targets=[])


ADAPTATIONS = [
    LoRA(rank=4),
    *(LoRA(rank=4, base_dtype=each) for each in (BaseDtype.nf4, BaseDtype.fp8)),
    FullFineTuning(),
]


@pytest.mark.parametrize("adaptation", ADAPTATIONS, ids=["lora", "qlora", "fp8", "full"])
def test_what_was_trained_comes_back(wider_model: PreTrainedModel, adaptation: Adaptation, tmp_path: Path) -> None:
    backbone = copy.deepcopy(wider_model)
    untrained = log_probs(wider_model)
    trained = adaptation(wider_model, seed=0)
    train_one_step(trained)
    expected = log_probs(trained)
    assert not torch.allclose(expected, untrained, atol=1e-2)

    adaptation.save(trained, tmp_path)
    loaded = adaptation.load(backbone, tmp_path)

    assert torch.equal(log_probs(loaded), expected)
    assert not loaded.training
    assert not trainable(loaded)
    assert not list(tmp_path.glob("*.bin"))


@pytest.mark.parametrize("adaptation", ADAPTATIONS, ids=["lora", "qlora", "fp8", "full"])
def test_training_can_go_on_from_what_was_trained(
    wider_model: PreTrainedModel, adaptation: Adaptation, tmp_path: Path
) -> None:
    backbone = copy.deepcopy(wider_model)
    trained = adaptation(wider_model, seed=0)
    train_one_step(trained)
    adaptation.save(trained, tmp_path)

    start = adaptation.load(backbone, tmp_path, trainable=True)

    assert not start.training
    assert torch.equal(log_probs(start), log_probs(trained))
    assert set(trainable(start)) == set(trainable(trained))
    before = {name: parameter.detach().clone() for name, parameter in start.named_parameters()}
    train_one_step(start)
    assert {name for name, value in start.named_parameters() if not torch.equal(value, before[name])} == set(
        trainable(start)
    )


def test_dropout_acts_when_training_goes_on(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    adaptation, backbone = LoRA(rank=4, dropout=0.5), copy.deepcopy(micro_qwen3)
    trained = adaptation(micro_qwen3, seed=0)
    train_one_step(trained)
    adaptation.save(trained, tmp_path)
    start = adaptation.load(backbone, tmp_path, trainable=True)
    assert torch.equal(start(IDS_BT).logits, start(IDS_BT).logits)
    start.train()
    assert not torch.equal(start(IDS_BT).logits, start(IDS_BT).logits)


@pytest.mark.parametrize("adaptation", [LoRA(rank=4), FullFineTuning()], ids=["lora", "full"])
def test_every_trainable_parameter_moves_and_no_other(micro_qwen3: PreTrainedModel, adaptation: Adaptation) -> None:
    model = adaptation(micro_qwen3, seed=0)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    # The first step leaves lora_A alone, since lora_B begins at zero.
    train_one_step(model)
    model.zero_grad()
    train_one_step(model)
    moved = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == set(trainable(model))


def test_an_adapter_is_a_plain_peft_folder(micro_qwen3: PreTrainedModel, tmp_path: Path) -> None:
    backbone = copy.deepcopy(micro_qwen3)
    trained = LoRA(rank=4)(micro_qwen3, seed=0)
    train_one_step(trained)
    LoRA(rank=4).save(trained, tmp_path)
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {path.name for path in tmp_path.iterdir()}
    assert torch.equal(logits(PeftModel.from_pretrained(backbone, tmp_path)), logits(trained))


def test_full_fine_tuning_trains_everything(micro_model: PreTrainedModel) -> None:
    model = FullFineTuning()(micro_model, seed=0)
    assert set(trainable(model)) == {name for name, _ in model.named_parameters()}


def test_a_fully_trained_model_is_a_plain_hugging_face_folder(micro_model: PreTrainedModel, tmp_path: Path) -> None:
    trained = FullFineTuning()(micro_model, seed=0)
    train_one_step(trained)
    FullFineTuning().save(trained, tmp_path)
    assert torch.equal(logits(type(micro_model).from_pretrained(tmp_path, dtype=torch.float32)), logits(trained))


def test_quantised_layers_are_four_bit_and_close_to_the_plain_ones(wider_model: PreTrainedModel) -> None:
    plain = copy.deepcopy(wider_model)
    quantised = LoRA(base_dtype=BaseDtype.nf4)(wider_model, seed=0)
    layers = {name: layer for name, layer in quantised.named_modules() if isinstance(layer, bnb.nn.Linear4bit)}
    assert len(layers) == 2 * 7
    assert isinstance(quantised.get_output_embeddings(), nn.Linear)
    for name, layer in layers.items():
        assert layer.weight.quant_state.quant_type == "nf4"
        assert layer.weight.dtype == torch.uint8
        assert not layer.weight.requires_grad
        original = plain.get_submodule(name.removeprefix("base_model.model.").removesuffix(".base_layer")).weight
        rounded = bnb.functional.dequantize_4bit(layer.weight, layer.weight.quant_state)
        # Sixteen levels at the quantiles of a normal distribution: about a tenth of the standard deviation.
        assert 0.05 < (rounded - original).norm() / original.norm() < 0.12
        original.data = rounded
    assert torch.allclose(logits(quantised), logits(plain), atol=1e-4)


def test_float8_holds_frozen_layers_and_nothing_else(wider_model: PreTrainedModel) -> None:
    adapted = LoRA(targets=["q_proj"], base_dtype=BaseDtype.fp8)(wider_model, seed=0)
    layers = [layer for layer in adapted.modules() if isinstance(layer, Float8Linear)]
    assert len(layers) == 2 * 7
    assert {layer.weight.dtype for layer in layers} == {torch.float8_e4m3fn}
    assert not any("weight" in name for name, _ in layers[0].named_parameters())
    assert {parameter.dtype for parameter in adapted.parameters()} == {torch.float32}
    assert all("lora_" in name for name, parameter in adapted.named_parameters() if parameter.requires_grad)


def test_adapters_on_quantised_layers_learn(wider_model: PreTrainedModel) -> None:
    model = LoRA(rank=4, base_dtype=BaseDtype.nf4)(wider_model, seed=0)
    before = model.train()(IDS_BT, labels=IDS_BT).loss.item()
    frozen = {
        name: value.clone()
        for name, value in model.state_dict().items()
        if "lora_" not in name and torch.is_tensor(value)
    }
    train_one_step(model, learning_rate=0.01)
    assert model(IDS_BT, labels=IDS_BT).loss.item() < before
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in frozen.items())


def tree_gradients(model: nn.Module) -> list[Tensor]:
    """Of the log-probability of a branch, with respect to all that is trained."""
    batch = collate([[TokenTree.grow([5, 9], [[2, 40, 7]])]], row_length=32)
    return list(torch.autograd.grad(branch_log_probs(model.train(), batch).branches_K.sum(), trainable(model).values()))


@pytest.mark.parametrize("autocast", [False, True])
def test_quantised_layers_learn_after_an_evaluation_as_before(wider_model: PreTrainedModel, autocast: bool) -> None:
    """On the CPU bitsandbytes may rearrange weights that are only read."""
    model = LoRA(rank=4, base_dtype=BaseDtype.nf4)(wider_model, seed=0)
    for name, parameter in trainable(model).items():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        before = tree_gradients(model)
        logits(model)
        after = tree_gradients(model)
    assert all(gradient.any() for gradient in before)
    assert all(map(torch.equal, after, before))


def test_quantised_layers_keep_little_for_the_backward_pass(wider_model: PreTrainedModel) -> None:
    """Weights that were taken out of 4 bits would be as much as the backbone that was not to be held."""
    backbone_bytes = sum(layer.weight.nbytes for layer in wider_model.modules() if isinstance(layer, nn.Linear))
    model = LoRA(rank=4, base_dtype=BaseDtype.nf4)(wider_model, seed=0)
    held = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in held:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    batch = collate([[TokenTree.grow([5, 9], [[2, 40, 7]])]], row_length=8)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        branch_log_probs(model.train(), batch)
    assert 0 < sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) < backbone_bytes / 4


def test_layers_that_would_be_quantised_wrongly_are_refused(micro_qwen3: PreTrainedModel) -> None:
    with pytest.raises(UserError, match=r"multiple of 64 inputs; layers\.0\.self_attn\.q_proj has 32"):
        LoRA(base_dtype=BaseDtype.nf4)(micro_qwen3, seed=0)


@pytest.mark.parametrize(
    "adaptation",
    [LoRA(rank=2), LoRA(rank=2, targets=["q_proj", "lm_head"]), FullFineTuning()],
    ids=["adapters", "adapters on the output", "full"],
)
def test_a_merged_model_is_plain_and_says_the_same(
    tiny_backbone: Backbone, tmp_path: Path, adaptation: Adaptation
) -> None:
    """The embedded backbone ties its embeddings: an adapter on the output must not change what is read in."""
    trained = adaptation(tiny_backbone.load_model(), seed=0)
    train_one_step(trained)
    adaptation.save(trained, tmp_path / "checkpoint")
    merged = adaptation.merge(tiny_backbone.load_model(), tmp_path / "checkpoint")
    assert not any("lora" in name for name, _ in merged.named_parameters())
    merged.save_pretrained(tmp_path / "plain")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "plain", dtype=torch.float32)
    torch.testing.assert_close(logits(plain), logits(trained), rtol=1e-4, atol=1e-4)
    unchanged = tiny_backbone.load_model()
    assert (logits(plain) - logits(unchanged)).abs().max() > 1e-3


def test_adapters_trained_over_four_bits_are_merged_into_full_precision(
    wider_model: PreTrainedModel, tmp_path: Path
) -> None:
    plain = copy.deepcopy(wider_model)
    adaptation = LoRA(rank=4, base_dtype=BaseDtype.nf4)
    trained = adaptation(wider_model, seed=0)
    train_one_step(trained)
    adaptation.save(trained, tmp_path)
    expected = PeftModel.from_pretrained(copy.deepcopy(plain), tmp_path)
    merged = adaptation.merge(plain, tmp_path)
    assert not any(isinstance(layer, bnb.nn.Linear4bit) for layer in merged.modules())
    torch.testing.assert_close(logits(merged), logits(expected), rtol=1e-4, atol=1e-4)
