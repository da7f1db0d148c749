from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occpred.baselines.career import Career
from occpred.baselines.career_network import sinusoids, stay_or_move
from occpred.settings import SettingError


def test_stay_or_move_by_hand():
    # Odds of 3 to 1 to stay in column 1; the others have weights 1 and 4, the last one's own, 100, is not read.
    log_probs = stay_or_move(
        torch.tensor([[1]]), torch.tensor([[[math.log(3)]]]), torch.tensor([[[0.0, math.log(100), math.log(4)]]])
    )
    torch.testing.assert_close(log_probs.exp(), torch.tensor([[[0.25 / 5, 0.75, 0.25 * 4 / 5]]]))


def test_where_there_is_nothing_to_stay_in_only_moves_count():
    moves_113 = torch.tensor([[[0.0, math.log(3), math.log(4)]]])
    log_probs = stay_or_move(torch.tensor([[3]]), torch.tensor([[[7.0]]]), moves_113)
    torch.testing.assert_close(log_probs.exp(), torch.tensor([[[1 / 8, 3 / 8, 4 / 8]]]))


@given(st.integers(0, 5), st.floats(-50, 50), st.lists(st.floats(-50, 50), min_size=5, max_size=5))
def test_probabilities_sum_to_one(last, stay, moves):
    log_probs = stay_or_move(torch.tensor([[last]]), torch.tensor([[[stay]]]), torch.tensor([[moves]]))
    assert torch.isfinite(log_probs).all()
    assert math.isclose(log_probs.double().exp().sum(), 1, abs_tol=1e-5)


def test_with_one_occupation_alone_gradients_stay_finite():
    stay_111 = torch.zeros(1, 1, 1, requires_grad=True)
    move_111 = torch.zeros(1, 1, 1, requires_grad=True)
    stay_or_move(torch.tensor([[0]]), stay_111, move_111).sum().backward()
    assert torch.isfinite(stay_111.grad).all()
    assert torch.isfinite(move_111.grad).all()


def test_the_head_for_moves_learns_from_moves_alone():
    move_114 = torch.zeros(1, 1, 4, requires_grad=True)
    stay_or_move(torch.tensor([[2]]), torch.zeros(1, 1, 1), move_114)[0, 0, 2].backward()
    assert not move_114.grad.any()


def test_stays_and_moves_are_learned_apart(taxonomy, career):
    baseline = Career(hidden_size=16, max_epochs=40, held_out_share=0.0, weight_decay=0.0)
    # Half of those who begin in A stay; whoever leaves goes to B, and nobody leaves B.
    fitted = baseline.fit([career("AAAABBBB"), career("ABBBBBBB")] * 10, taxonomy)
    probs = np.exp(fitted.log_probs(career("AAAABB")))
    assert probs[1] > 0.9
    after_A = np.exp(fitted.log_probs(career("A")))
    assert after_A[0] == pytest.approx(0.5, abs=0.2)
    assert after_A[1] == pytest.approx(0.5, abs=0.2)


def test_sinusoids_by_hand():
    places_TH = sinusoids(3, 4)
    expected = [[math.sin(t), math.sin(t / 100), math.cos(t), math.cos(t / 100)] for t in range(3)]
    torch.testing.assert_close(places_TH, torch.tensor(expected))


def test_heads_that_do_not_divide_the_hidden_size_are_refused():
    with pytest.raises(SettingError, match=r"Career: hidden_size=6 and num_heads=2: .* multiple of twice"):
        Career(hidden_size=6)
