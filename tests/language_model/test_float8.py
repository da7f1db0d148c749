from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.language_model.float8 import FORMAT, in_float8, input_gradient, rounded_product


@given(st.integers(0, 10_000), st.floats(1e-6, 1e6))
@settings(max_examples=30)
def test_each_row_is_rounded_by_at_most_a_sixteenth(seed: int, size: float) -> None:
    values_MK = torch.randn(5, 40, generator=torch.Generator().manual_seed(seed)) * size
    rounded_MK, scale_M1 = in_float8(values_MK)
    assert rounded_MK.dtype == FORMAT
    # Four significant bits; of numbers far smaller than the largest of their row less.
    bound_MK = torch.maximum(values_MK.abs() / 16, scale_M1 * 2**-9)
    assert ((rounded_MK.float() * scale_M1 - values_MK).abs() <= bound_MK * 1.001).all()


def test_the_largest_of_a_row_is_exact_and_zeros_stay() -> None:
    rounded_MK, scale_M1 = in_float8(torch.tensor([[1.0, -8.0], [0.0, 0.0]]))
    torch.testing.assert_close(rounded_MK.float() * scale_M1, torch.tensor([[1.0, -8.0], [0.0, 0.0]]))


def test_product_by_hand() -> None:
    values_MK, weight_NK = torch.tensor([[2.0, 4.0]]), torch.tensor([[1.0, 0.5], [8.0, 16.0]])
    found_MN = rounded_product(*in_float8(values_MK), *in_float8(weight_NK), torch.float32)
    torch.testing.assert_close(found_MN, torch.tensor([[4.0, 80.0]]))


def test_gradient_of_shared_inputs_by_hand() -> None:
    """Two layers: dx = dy1 W1 + dy2 W2 = [1, 2] + [4 x 4, 4 x -8]."""
    first, second = in_float8(torch.tensor([[1.0, 2.0]])), in_float8(torch.tensor([[4.0, -8.0]]))
    gradients = [torch.tensor([[1.0]]), torch.tensor([[4.0]])]
    found_MK = input_gradient(gradients, [first[0], second[0]], [first[1], second[1]])
    torch.testing.assert_close(found_MK, torch.tensor([[17.0, -30.0]]), rtol=0.07, atol=0)
