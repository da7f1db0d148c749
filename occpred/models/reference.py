"""Log-probabilities under a fixed model: the reference of preference pairs, and held-out pairs.

Shapes: K branches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import nn

from occpred import progress
from occpred.distributed import ranks
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate, pack, row_width
from occpred.trees.token_tree import TokenTree

Row = list[int]
"""The numbers of its trees."""


def reference_log_probs(model: nn.Module, trees: Sequence[TokenTree], row_length: int, stage: str) -> list[list[float]]:
    """Return log p(branch | trunk), in nats, of each tree's branches in the order they were given.

    The numbers are float32 and survive JSON unchanged. The same trees and `row_length` give the same ones, on however
    many processes; which trees share a row can change their rounding, and nothing else.

    Args:
        model: a causal language model; it is left in evaluation mode.
        trees: such as pairs of a prompt with the chosen and the rejected completion.
        row_length: tokens of a packed row, as in training; a longer tree has a row to itself.
        stage: name in front of the progress bar.
    """
    return packed_log_probs(model.eval(), trees, row_length, partial(progress.divided, stage=stage, unit="row"))


def packed_log_probs(
    model: nn.Module,
    trees: Sequence[TokenTree],
    row_length: int,
    divided: Callable[[list[Row], Callable[[Row], list[list[float]]]], Iterator[list[list[float]]]] = ranks.divided,
) -> list[list[float]]:
    """Return what `reference_log_probs` does, without a bar; the mode of `model` is the caller's choice.

    Args:
        model: a causal language model.
        trees: prompts with completions.
        row_length: tokens of a packed row.
        divided: does the work on all rows, each on one process.
    """
    # Whatever is as long as a row, or longer, fills one.
    rows = pack([min(len(tree), row_length) for tree in trees], row_length)
    found: dict[int, list[float]] = {}
    for row, log_probs in zip(rows, divided(rows, partial(_row_log_probs, model, trees)), strict=True):
        found.update(zip(row, log_probs, strict=True))
    return [found[number] for number in range(len(trees))]


@torch.inference_mode()
def _row_log_probs(model: nn.Module, trees: Sequence[TokenTree], row: Row) -> list[list[float]]:
    own = [trees[number] for number in row]
    batch = collate([own], row_width([own])).to(next(model.parameters()).device)
    branches = iter(branch_log_probs(model, batch).branches_K.tolist())
    return [[next(branches) for _ in tree.tips] for tree in own]
