"""Fine-tuning of a model that writes reasons and names no occupation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from occpred.models.reference import log_probs_alone
from occpred.models.supervised_module import SupervisedModule

if TYPE_CHECKING:
    from occpred.trees.token_tree import TokenTree


class ReasonModule(SupervisedModule):
    """Fine-tunes on reasons; validates by the loss on held-out people's reasons."""

    def validation_step(self, trees: list[TokenTree], batch_idx: int) -> None:
        """Record the mean negative log-likelihood of a target token, in nats."""
        nats = -sum(map(sum, log_probs_alone(self.language_model, trees)))
        if not self.trainer.sanity_checking:
            self._record({"validation/loss": nats / sum(tree.num_targets for tree in trees)})
