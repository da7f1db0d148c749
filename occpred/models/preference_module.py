"""Training on preference pairs.

Shapes: K branches, P pairs; an axis of 2 holds the chosen completion, then the rejected one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from occpred.models.preference_loss import PairLogProbs
from occpred.models.reference import packed_log_probs
from occpred.models.tree_module import TreeModule
from occpred.trees.log_probs import branch_log_probs

if TYPE_CHECKING:
    from occpred.models.preference_loss import PreferenceLoss
    from occpred.training.optimizer import Optimizer
    from occpred.training.steps import OptimizerStep
    from occpred.trees.packing import TreeBatch
    from occpred.trees.token_tree import TokenTree


@dataclass(frozen=True)
class HeldOutPair:
    """A preference pair to validate on.

    Attributes:
        tree: the prompt with two branches, the chosen completion and then the rejected one.
        references: the log-probability of each under the reference (see `reference_log_probs`).
    """

    tree: TokenTree
    references: tuple[float, float]


class PreferenceModule(TreeModule):
    """Learns to prefer the chosen completion of each pair; validates on held-out pairs.

    There is one model in here, the policy. What the reference says of the pairs comes with the data. Dropout, where the
    adaptation has it, acts on the policy in training and never on the reference.
    """

    def __init__(
        self,
        language_model: nn.Module,
        objective: PreferenceLoss,
        optimizer: Optimizer,
        *,
        num_steps: int,
        seed: int,
        row_length: int,
    ) -> None:
        super().__init__(language_model, optimizer, num_steps, seed)
        self._objective = objective
        self._row_length = row_length

    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        """Return this micro-batch's share of the loss, and log its share of rewards and the like.

        Raises:
            ValueError: the batch has no reference log-probabilities.
        """
        if batch.references_K is None:
            raise ValueError("preference pairs need the reference log-probabilities of their completions")
        policy_K = branch_log_probs(self.language_model, batch).branches_K
        pairs = PairLogProbs(policy_K.view(-1, 2), batch.references_K.view(-1, 2), batch.lengths_K.view(-1, 2))
        for name, share in self._objective.measures(pairs, step.num_trees).items():
            self.log_share(name, share)
        return self._objective(pairs, step.num_trees)

    def validation_step(self, held_out: list[HeldOutPair], batch_idx: int) -> None:
        """Record the loss, rewards and the like of held-out pairs, packed as they were for their references."""
        trees = [pair.tree for pair in held_out]
        policy = packed_log_probs(self.language_model, trees, self._row_length)
        pairs = PairLogProbs(
            torch.tensor(policy),
            torch.tensor([pair.references for pair in held_out]),
            torch.tensor([list(map(len, pair.tree.paths)) for pair in held_out]),
        )
        loss = self._objective(pairs, len(held_out))
        measures = self._objective.measures(pairs, len(held_out))
        details = {f"validation/{name}": float(value) for name, value in measures.items()}
        self._record({"validation/loss": float(loss)}, details)
