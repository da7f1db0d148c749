"""What is minimised on preference pairs.

Shapes: P pairs; an axis of 2 holds the chosen completion, then the rejected one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class PairLogProbs:
    """Pairs as a loss sees them.

    Attributes:
        policy_P2: log-probability of each completion given its prompt, in nats, under the model that learns.
        reference_P2: the same under the model it started from; constants.
        lengths_P2: tokens of each completion.
    """

    policy_P2: Tensor
    reference_P2: Tensor
    lengths_P2: Tensor

    @property
    def log_ratios_P2(self) -> Tensor:
        """How much more probable each completion has become, log(policy / reference)."""
        return self.policy_P2 - self.reference_P2


@dataclass
class PreferenceLoss(Settings, ABC):
    """A loss on the two completions of each pair, plus an NLL term, as a mean over the pairs of an optimizer step.

    A pair's weight does not depend on which micro-batch or device it falls into, so accumulation changes nothing.
    """

    beta: float = setting(0.1, above=0)
    """How strongly the policy is held to the reference, which is also the unit of rewards."""
    nll_weight: float = setting(0.0, minimum=0)
    """Weight (alpha) of the chosen completion's negative log-likelihood per token of that completion, as in Iterative
    RPO (Pang et al. 2024), so that a long completion counts as much as a short one."""

    @abstractmethod
    def losses(self, pairs: PairLogProbs) -> Tensor:
        """Return the loss of each pair (P), without the NLL term."""

    def __call__(self, pairs: PairLogProbs, num_pairs: int) -> Tensor:
        """Return the share that `pairs`, some of the step's `num_pairs`, have in the step's loss, a scalar."""
        nll_P = -pairs.policy_P2[:, 0] / pairs.lengths_P2[:, 0]
        return (self.losses(pairs) + self.nll_weight * nll_P).sum() / num_pairs

    def measures(self, pairs: PairLogProbs, num_pairs: int) -> dict[str, Tensor]:
        """Return the share that `pairs` have in what is logged beside the loss, each a mean over `num_pairs` pairs.

        - `reward_chosen`, `reward_rejected`: the implicit rewards, beta x log(policy / reference), whatever the loss.
        - `reward_margin`: chosen less rejected. `reward_accuracy`: how often it is above 0.
        - `kl_reference_to_policy`: log(reference / policy) in nats, mean of the two completions. Its expectation over
          samples of the reference is KL(reference || policy). It can be negative, and it is biased as far as pairs are
          a selection of what the reference writes, or not written by it. KL(policy || reference) would need new
          samples.
        - `length_chosen`, `length_rejected`: tokens of the completions.
        """
        log_ratios_P2 = pairs.log_ratios_P2.detach()
        rewards_P2 = self.beta * log_ratios_P2
        margins_P = rewards_P2[:, 0] - rewards_P2[:, 1]
        of_pairs = {
            "reward_chosen": rewards_P2[:, 0],
            "reward_rejected": rewards_P2[:, 1],
            "reward_margin": margins_P,
            "reward_accuracy": margins_P > 0,
            "kl_reference_to_policy": -log_ratios_P2.mean(dim=1),
            "length_chosen": pairs.lengths_P2[:, 0],
            "length_rejected": pairs.lengths_P2[:, 1],
        }
        return {name: values_P.sum() / num_pairs for name, values_P in of_pairs.items()}


@dataclass
class DPOLoss(PreferenceLoss):
    """Direct Preference Optimization: -log sigmoid of the reward margin (Rafailov et al. 2023).

    A policy that is still the reference has a loss of log 2.
    """

    def losses(self, pairs: PairLogProbs) -> Tensor:
        """Return -log sigmoid(beta x (log ratio of chosen - log ratio of rejected)) of each pair (P)."""
        from torch.nn.functional import logsigmoid

        log_ratios_P2 = pairs.log_ratios_P2
        return -logsigmoid(self.beta * (log_ratios_P2[:, 0] - log_ratios_P2[:, 1]))


@dataclass
class IPOLoss(PreferenceLoss):
    """Identity Preference Optimization (Azar et al. 2024, eq. 17, whose tau is `beta`).

    The squared distance of the difference of log ratios from 1 / (2 beta): unlike DPO it has an aim, and does not push
    the two apart for ever. Log ratios are means over the tokens of a completion where the equation has sums. TRL does
    the same, with word from the paper's authors that this is what they ran; and so one `beta` fits all lengths.
    """

    def losses(self, pairs: PairLogProbs) -> Tensor:
        """Return (chosen's log ratio per token - rejected's log ratio per token - 1 / (2 beta))^2 of each pair (P)."""
        per_token_P2 = pairs.log_ratios_P2 / pairs.lengths_P2
        return (per_token_P2[:, 0] - per_token_P2[:, 1] - 1 / (2 * self.beta)).square()
