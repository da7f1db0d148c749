from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

from occpred.language_model.elementwise import normed, rotated


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_gradient(function: Callable[[Tensor], Tensor], inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What a function makes of inputs, and the gradient of a weighed sum of it."""
    inputs = inputs.detach().requires_grad_()
    outputs = function(inputs)
    (gradient,) = torch.autograd.grad((outputs * drawn(*outputs.shape, seed=1).to(outputs.dtype)).sum(), inputs)
    return outputs, gradient


@pytest.fixture
def norm() -> LlamaRMSNorm:
    layer = LlamaRMSNorm(8, eps=1e-3).requires_grad_(False)
    layer.weight.copy_(torch.linspace(0.5, 2, 8))
    return layer


def test_norm_of_four_numbers_by_hand() -> None:
    layer = LlamaRMSNorm(4, eps=0.0).requires_grad_(False)
    # Their squares are 9, 9, 9 and 9 in the mean.
    assert normed(layer, torch.tensor([[3.0, -3.0, 3.0, 3.0]])).tolist() == [[1.0, -1.0, 1.0, 1.0]]


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e3])
@pytest.mark.parametrize("shape", [(5, 8), (2, 5, 3, 8)])
def test_norm_and_its_gradient_are_those_of_the_formula(
    norm: LlamaRMSNorm, shape: tuple[int, ...], size: float
) -> None:
    states = drawn(*shape) * size

    def formula(states: Tensor) -> Tensor:
        size = (states.square().mean(dim=-1, keepdim=True) + 1e-3).sqrt()
        expected: Tensor = norm.weight.detach().double() * (states / size)
        return expected

    found = with_gradient(lambda states: normed(norm, states), states)
    for ours, expected in zip(found, with_gradient(formula, states.double()), strict=True):
        assert (ours.double() - expected).norm() <= 1e-6 * expected.norm()
    assert torch.equal(found[0], norm(states))


def test_a_norm_that_is_trained_has_a_gradient(norm: LlamaRMSNorm) -> None:
    states = drawn(5, 8)
    norm.requires_grad_(True)
    (found,) = torch.autograd.grad(normed(norm, states).sum(), norm.weight)
    (expected,) = torch.autograd.grad(norm(states).sum(), norm.weight)
    assert torch.equal(found, expected)


def test_a_norm_in_another_format_rounds_where_hugging_face_does(norm: LlamaRMSNorm) -> None:
    norm.bfloat16()
    states = drawn(5, 8).bfloat16()
    assert torch.equal(normed(norm, states), norm(states))


def rotation(tokens: int, size: int) -> tuple[Tensor, Tensor]:
    angles_BTE = drawn(2, tokens, size // 2, seed=2).repeat(1, 1, 2)
    return angles_BTE.cos(), angles_BTE.sin()


def test_rotation_and_its_gradient_are_those_of_hugging_face() -> None:
    heads_BTHE, (cosine, sine) = drawn(2, 5, 3, 8), rotation(5, 8)

    def of_hugging_face(heads_BTHE: Tensor) -> Tensor:
        turned: Tensor = apply_rotary_pos_emb(heads_BTHE, heads_BTHE, cosine, sine, unsqueeze_dim=2)[0]
        return turned

    found = with_gradient(lambda heads_BTHE: rotated(heads_BTHE, (cosine, sine)), heads_BTHE)
    for ours, expected in zip(found, with_gradient(of_hugging_face, heads_BTHE), strict=True):
        torch.testing.assert_close(ours, expected)


def test_rotation_turns_the_two_halves_of_a_head_as_pairs() -> None:
    quarter = torch.full((1, 1, 4), torch.pi / 2)
    turned = rotated(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]]]]), (quarter.cos(), quarter.sin()))
    torch.testing.assert_close(turned, torch.tensor([[[[-3.0, -4.0, 1.0, 2.0]]]]))


def test_compiled_code_has_the_plain_operations(norm: LlamaRMSNorm) -> None:
    """A compiler fuses what it sees; a function whose gradient is written by hand would hide it."""
    states, angles = drawn(2, 5, 3, 8), rotation(5, 8)

    def both(states: Tensor) -> Tensor:
        return rotated(normed(norm, states), angles)

    seen: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    compiled = torch.compile(both, backend=backend, fullgraph=True)
    torch.testing.assert_close(compiled(states), both(states))
    assert seen
    assert not any("autograd" in target for target in seen)
