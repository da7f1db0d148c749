"""Which system is trained, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from occpred.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from occpred.encoding import JointEncoder
    from occpred.models.objective import SupervisedLoss
    from occpred.models.tree_module import TreeModule
    from occpred.ranking.joint_system import JointSystem
    from occpred.training.optimizer import Optimizer
    from occpred.trees.token_tree import TokenTree


@dataclass
class Joint(Settings):
    """One language model for both tasks: it writes the reason, then the occupation. `label` is what tables call it."""

    label: ClassVar[str] = "joint"

    def tree(self, encoder: JointEncoder, prompt: list[int], reasons: list[str], title: str) -> TokenTree:
        """Return what is learned from one person: a branch for each of several reasons that lead to `title`."""
        from occpred.trees.token_tree import TokenTree

        return TokenTree.grow(prompt, [encoder.completion(reason, title) for reason in reasons])

    def module(
        self,
        language_model: nn.Module,
        objective: SupervisedLoss,
        optimizer: Optimizer,
        system: JointSystem,
        *,
        num_steps: int,
        seed: int,
    ) -> TreeModule:
        """Return the LightningModule that trains it."""
        from occpred.models.joint import JointModule

        return JointModule(language_model, objective, optimizer, system, num_steps=num_steps, seed=seed)
