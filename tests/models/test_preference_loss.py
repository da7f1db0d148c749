"""The losses worked out by hand: two pairs, with whole numbers as log ratios.

        log-probability     reference        log ratio      tokens
pair 1  -10, -12            -11, -11         +1, -1         5, 4
pair 2  -20,  -7            -18, -10         -2, +3         8, 2
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from occpred.models.preference_loss import DPOLoss, IPOLoss, PairLogProbs, PreferenceLoss
from occpred.settings import SettingError

LOSSES = [DPOLoss(beta=0.5), IPOLoss(beta=0.5), DPOLoss(beta=0.5, nll_weight=0.2), IPOLoss(beta=0.5, nll_weight=0.2)]


def policy() -> Tensor:
    return torch.tensor([[-10.0, -12.0], [-20.0, -7.0]])


def pairs(policy_P2: Tensor) -> PairLogProbs:
    return PairLogProbs(policy_P2, torch.tensor([[-11.0, -11.0], [-18.0, -10.0]]), torch.tensor([[5, 4], [8, 2]]))


def test_dpo_by_hand() -> None:
    # Margins 0.5 x (1 + 1) = 1 and 0.5 x (-2 - 3) = -2.5; -log sigmoid(m) = log(1 + e^-m).
    expected = (math.log1p(math.exp(-1)) + math.log1p(math.exp(2.5))) / 2
    assert DPOLoss(beta=0.5)(pairs(policy()), 2).item() == pytest.approx(expected, rel=1e-6)


def test_ipo_by_hand() -> None:
    # Per token 1/5 + 1/4 = 0.45 and -2/8 - 3/2 = -1.75, to be brought to 1 / (2 x 0.5) = 1.
    expected = ((0.45 - 1) ** 2 + (-1.75 - 1) ** 2) / 2
    assert IPOLoss(beta=0.5)(pairs(policy()), 2).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", [DPOLoss, IPOLoss])
def test_the_nll_term_by_hand(kind: type[PreferenceLoss]) -> None:
    # Per token 10/5 = 2 and 20/8 = 2.5, in the mean 2.25.
    without, with_nll = (kind(beta=0.5, nll_weight=weight)(pairs(policy()), 2).item() for weight in (0.0, 0.2))
    assert with_nll - without == pytest.approx(0.2 * 2.25, rel=1e-5)


def test_what_is_logged_by_hand() -> None:
    measures = {name: value.item() for name, value in DPOLoss(beta=0.5).measures(pairs(policy()), 2).items()}
    assert measures == {
        "reward_chosen": (0.5 - 1.0) / 2,
        "reward_rejected": (-0.5 + 1.5) / 2,
        "reward_margin": (1.0 - 2.5) / 2,
        "reward_accuracy": 0.5,
        "kl_reference_to_policy": -(0.0 + 0.5) / 2,
        "length_chosen": 6.5,
        "length_rejected": 3.0,
    }


def test_an_unchanged_policy_has_a_dpo_loss_of_log_2() -> None:
    same = PairLogProbs(policy(), policy(), torch.tensor([[5, 4], [8, 2]]))
    assert DPOLoss()(same, 2).item() == torch.tensor(2.0).log().item()


def test_an_unchanged_policy_is_half_of_one_over_beta_away_from_the_aim_of_ipo() -> None:
    same = PairLogProbs(policy(), policy(), torch.tensor([[5, 4], [8, 2]]))
    assert IPOLoss(beta=0.1)(same, 2).item() == pytest.approx(25.0)


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_chosen_goes_up_and_the_rejected_down(loss: PreferenceLoss) -> None:
    policy_P2 = policy().requires_grad_()
    (gradients_P2,) = torch.autograd.grad(loss(pairs(policy_P2), 2), policy_P2)
    assert (gradients_P2[:, 0] < 0).all()
    assert (gradients_P2[:, 1] > 0).all()


@pytest.mark.parametrize("loss", LOSSES[:2], ids=repr)
def test_swapped_completions_have_another_loss(loss: PreferenceLoss) -> None:
    right = pairs(policy())
    swapped = PairLogProbs(right.policy_P2.flip(1), right.reference_P2.flip(1), right.lengths_P2.flip(1))
    # Both pairs together prefer the rejected completion, so that the swapped ones look better.
    assert loss(swapped, 2) < loss(right, 2)
    for name, sign in (("reward_margin", -1), ("kl_reference_to_policy", 1)):
        assert loss.measures(swapped, 2)[name] == sign * loss.measures(right, 2)[name]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_shares_add_up_to_the_step(loss: PreferenceLoss) -> None:
    whole = pairs(policy())
    parts = [
        PairLogProbs(whole.policy_P2[part], whole.reference_P2[part], whole.lengths_P2[part])
        for part in (slice(0, 0), slice(0, 1), slice(1, 2))
    ]
    torch.testing.assert_close(sum(loss(part, 2) for part in parts), loss(whole, 2))
    for name, value in loss.measures(whole, 2).items():
        torch.testing.assert_close(sum(loss.measures(part, 2)[name] for part in parts), value)


@pytest.mark.parametrize("settings", [{"beta": 0.0}, {"nll_weight": -0.1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    for kind in (DPOLoss, IPOLoss):
        with pytest.raises(SettingError, match=f"{kind.__name__}.{next(iter(settings))}"):
            kind(**settings)
