from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from occpred.language_model import target_log_probs as module
from occpred.language_model.target_log_probs import target_log_probs

TARGETS = torch.tensor([0, 3, 3, 10, 6])


def hidden_and_embeddings(sharpness: float) -> tuple[Tensor, nn.Linear]:
    """Of five tokens; the sharper, the surer is one of the 11 words."""
    generator = torch.Generator().manual_seed(0)
    embeddings = nn.Linear(4, 11, bias=False).requires_grad_(False)
    embeddings.weight.copy_(torch.randn(11, 4, generator=generator))
    return sharpness * torch.randn(5, 4, generator=generator), embeddings


@pytest.mark.parametrize("sharpness", [0.1, 1.0, 30.0])
def test_log_probs_and_gradients_are_those_of_cross_entropy(sharpness: float) -> None:
    hidden_ND, embeddings = hidden_and_embeddings(sharpness)
    weights_N = torch.linspace(-1, 2, 5)

    def outcome(hidden_ND: Tensor, log_probs_N: Tensor) -> tuple[Tensor, Tensor]:
        (gradient,) = torch.autograd.grad((log_probs_N * weights_N).sum(), hidden_ND)
        return log_probs_N, gradient

    ours, exact = hidden_ND.clone().requires_grad_(), hidden_ND.double().requires_grad_()
    logits_NV = exact @ embeddings.weight.double().t()
    expected = outcome(exact, -nn.functional.cross_entropy(logits_NV, TARGETS, reduction="none"))
    for found, right in zip(outcome(ours, target_log_probs(ours, TARGETS, embeddings)), expected, strict=True):
        torch.testing.assert_close(found, right.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("with_gradient", [False, True])
def test_what_is_compiled_for_a_gpu_is_the_same(dtype: torch.dtype, with_gradient: bool) -> None:
    hidden_ND, embeddings = hidden_and_embeddings(1.0)
    given = (hidden_ND.to(dtype), embeddings.weight.to(dtype), TARGETS, with_gradient)
    for ours, theirs in zip(module._of_chunk_in_place(*given), module._of_chunk(*given), strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            torch.testing.assert_close(ours, theirs)
