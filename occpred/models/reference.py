"""Log-probabilities under a fixed model: the reference of preference pairs, and held-out pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import nn

from occpred import progress
from occpred.distributed import ranks
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate, row_width
from occpred.trees.token_tree import TokenTree


def reference_log_probs(model: nn.Module, trees: Sequence[TokenTree], stage: str) -> list[list[float]]:
    """Return log p(branch | trunk), in nats, of each tree's branches in the order they were given.

    Each tree has a forward pass to itself, so its numbers do not depend, not even in rounding, on what else is asked
    for. They are float32 and survive JSON unchanged.

    Args:
        model: a causal language model; it is left in evaluation mode.
        trees: such as pairs of a prompt with the chosen and the rejected completion.
        stage: name in front of the progress bar.
    """
    model.eval()
    return list(progress.divided(trees, partial(_log_probs, model), stage, unit="pair"))


def log_probs_alone(model: nn.Module, trees: Sequence[TokenTree]) -> Iterator[list[float]]:
    """Yield, tree after tree, the log-probabilities of its branches; the mode of `model` is the caller's choice."""
    return ranks.divided(trees, partial(_log_probs, model))


@torch.inference_mode()
def _log_probs(model: nn.Module, tree: TokenTree) -> list[float]:
    device = next(model.parameters()).device
    batch = collate([[tree]], row_width([[tree]])).to(device)
    log_probs: list[float] = branch_log_probs(model, batch).branches_K.tolist()
    return log_probs
