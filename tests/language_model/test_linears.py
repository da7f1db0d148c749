"""Linear layers computed together against PEFT's own forward passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn

from occpred.language_model.float8_linear import Float8Linear
from occpred.language_model.linears import linears

INPUTS, TOKENS = 24, 10


class Block(nn.Module):
    """Three linear layers that share their input, as in an attention."""

    def __init__(self, *, bias: bool) -> None:
        super().__init__()
        self.q_proj = nn.Linear(INPUTS, 16, bias=bias)
        self.k_proj = nn.Linear(INPUTS, 8, bias=bias)
        self.v_proj = nn.Linear(INPUTS, 8, bias=False)

    @property
    def layers(self) -> list[nn.Module]:
        return [self.q_proj, self.k_proj, self.v_proj]


def adapted_block(targets: Sequence[str], *, bias: bool = True, dropout: float = 0.0) -> Block:
    torch.manual_seed(0)
    block = Block(bias=bias).requires_grad_(False)
    config = LoraConfig(r=3, lora_alpha=6, lora_dropout=dropout, target_modules=list(targets))
    adapted: Block = get_peft_model(block, config).base_model.model  # type: ignore[arg-type, assignment]
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter)
    return adapted


def gradients(outputs: Sequence[Tensor], wanted: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Of a number that weighs every output differently."""
    torch.manual_seed(1)
    return torch.autograd.grad(sum((each * torch.randn_like(each)).sum() for each in outputs), wanted)  # type: ignore[arg-type]


def trainable(block: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in block.parameters() if parameter.requires_grad]


@given(st.sets(st.sampled_from(["q_proj", "k_proj", "v_proj"]), min_size=1), st.booleans())
@settings(max_examples=12)
def test_outputs_and_gradients_are_those_of_peft(targets: set[str], bias: bool) -> None:
    block = adapted_block(sorted(targets), bias=bias)
    inputs = torch.randn(2, TOKENS, INPUTS, requires_grad=True)
    expected = [layer(inputs) for layer in block.layers]
    found = linears(inputs, *block.layers)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert "_Together" in type(ours.grad_fn.next_functions[0][0]).__name__  # type: ignore[union-attr]
    wanted = [inputs, *trainable(block)]
    for ours, theirs in zip(gradients(found, wanted), gradients(expected, wanted), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_adapters_keep_their_format_under_a_bfloat16_backbone() -> None:
    block = adapted_block(["q_proj", "v_proj"])
    for layer in (block.q_proj.base_layer, block.k_proj, block.v_proj.base_layer):
        layer.to(torch.bfloat16)
    inputs = torch.randn(TOKENS, INPUTS, dtype=torch.bfloat16, requires_grad=True)
    found = linears(inputs, *block.layers)
    assert {each.dtype for each in found} == {torch.bfloat16}
    assert {each.dtype for each in gradients(found, trainable(block))} == {torch.float32}


def trained_weight(query: Any) -> None:
    query.base_layer.weight.requires_grad_(True)


def merged(query: Any) -> None:
    query.merge()


def disabled(query: Any) -> None:
    query.enable_adapters(False)


def two_adapters(query: Any) -> None:
    torch.manual_seed(3)
    query.update_layer("second", 2, 4, config=LoraConfig(init_lora_weights=False))
    query.set_adapter(["default", "second"])


def variant(query: Any) -> None:
    query.update_layer("default", 3, 6, config=LoraConfig(init_lora_weights=False, use_dora=True))


def bias(query: Any) -> None:
    query.update_layer("default", 3, 6, config=LoraConfig(init_lora_weights=False, lora_bias=True))
    nn.init.normal_(query.lora_B["default"].bias)


def dropout(query: Any) -> None:
    query.update_layer("default", 3, 6, config=LoraConfig(init_lora_weights=False, lora_dropout=0.5))
    query.train()


@pytest.mark.parametrize("make", [trained_weight, merged, disabled, two_adapters, variant, bias, dropout])
def test_what_is_unusual_goes_through_the_module(make: Callable[[Any], None]) -> None:
    block = adapted_block(["q_proj"])
    make(block.q_proj)
    torch.manual_seed(1)
    inputs = torch.randn(TOKENS, INPUTS)
    torch.manual_seed(2)
    expected = [layer(inputs) for layer in block.layers]
    torch.manual_seed(2)
    for ours, theirs in zip(linears(inputs, *block.layers), expected, strict=True):
        assert torch.equal(ours, theirs)


def test_dropout_that_rests_is_no_obstacle() -> None:
    block = adapted_block(["q_proj", "k_proj", "v_proj"], dropout=0.5).eval()
    inputs = torch.randn(TOKENS, INPUTS)
    (query, *_) = linears(inputs, *block.layers)
    torch.testing.assert_close(query, block.q_proj(inputs))
    assert "_Together" in type(query.grad_fn.next_functions[0][0]).__name__  # type: ignore[union-attr]


def rounded_weight(layer: nn.Linear) -> Tensor:
    """What a float8 layer says that its weight is."""
    eight_bit = Float8Linear(layer)
    return eight_bit.weight.float() * eight_bit.scale


def test_float8_layers_with_adapters_are_near_the_same_layers_with_rounded_weights() -> None:
    block, like_it = (adapted_block(["q_proj", "k_proj", "v_proj"]) for _ in range(2))
    for eight_bit, plain in zip(block.layers, like_it.layers, strict=True):
        plain.base_layer.weight.data = rounded_weight(plain.base_layer)
        eight_bit.base_layer = Float8Linear(eight_bit.base_layer)
    inputs = torch.randn(TOKENS, INPUTS, requires_grad=True)
    found, expected = linears(inputs, *block.layers), linears(inputs, *like_it.layers)
    for ours, theirs in zip(found, expected, strict=True):
        # Inputs are rounded to 4 significant bits, of which errors of sums keep about 1 part in 30.
        assert (ours - theirs).norm() < 0.05 * theirs.norm()
    ours, theirs = gradients(found, [inputs])[0], gradients(expected, [inputs])[0]
    assert 0 < (ours - theirs).norm() < 0.06 * theirs.norm()
    of_adapters = zip(
        gradients(found_again(block, inputs), trainable(block)),
        gradients(found_again(like_it, inputs), trainable(like_it)),
        strict=True,
    )
    for ours, theirs in of_adapters:
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def found_again(block: Block, inputs: Tensor) -> list[Tensor]:
    return linears(inputs, *block.layers)


def test_a_float8_layer_alone_works_and_passes_gradients() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(INPUTS, 16).requires_grad_(False)
    inputs = torch.randn(2, TOKENS, INPUTS, requires_grad=True)
    found, expected = Float8Linear(plain)(inputs), plain(inputs)
    assert (found - expected).norm() < 0.06 * expected.norm()
    ours, theirs = gradients([found], [inputs])[0], gradients([expected], [inputs])[0]
    assert (ours - theirs).norm() < 0.06 * theirs.norm()


@pytest.mark.parametrize("eight_bit", [False, True], ids=["as the backbone", "float8"])
@pytest.mark.parametrize("with_gradient", [False, True], ids=["constant inputs", "inputs with gradient"])
def test_compiled_gradients_are_the_same(eight_bit: bool, with_gradient: bool) -> None:
    """PyTorch's compiler once took a float8 product for one that needs no gradient, and nothing learned any more."""
    block = adapted_block(["q_proj", "k_proj", "v_proj"])
    if eight_bit:
        for layer in block.layers:
            layer.base_layer = Float8Linear(layer.base_layer)
    inputs = torch.randn(TOKENS, INPUTS, requires_grad=with_gradient)
    wanted = trainable(block) + ([inputs] if with_gradient else [])

    def doubled(inputs: Tensor) -> list[Tensor]:
        return [2 * each for each in linears(inputs, *block.layers)]

    compiled = torch.compile(doubled, backend="aot_eager", fullgraph=True)
    for ours, theirs in zip(gradients(compiled(inputs), wanted), gradients(doubled(inputs), wanted), strict=True):
        assert theirs.abs().max() > 0.01
        torch.testing.assert_close(ours, theirs)
