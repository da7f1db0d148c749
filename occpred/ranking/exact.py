"""The exact log-probability of every title.

Shapes: P prompts, C titles, B prompts of one forward pass, K = B x C branches of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from occpred.progress import divided
from occpred.ranking.free_text import FreeText
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from torch import nn

    from occpred.trees.token_tree import TokenTree


@dataclass
class ExactRanking(Settings):
    """Scores the trie of all titles behind a prompt in one forward pass, so that the prompt is computed once."""

    tokens_per_forward: int = setting(8192, minimum=1, incidental=True)
    """Tokens, padding included, that go through the model together; one tree longer than that goes alone."""
    num_reasons: int = setting(1, minimum=1)
    """Reasons for each answer; the probability of an occupation is its mean over them."""
    free_text: FreeText = setting(FreeText())
    """Whether, and how, a title is written freely beside the ranking."""

    def __call__(
        self, model: nn.Module, prompts: Sequence[Sequence[int]], titles: Sequence[Sequence[int]], *, stage: str
    ) -> NDArray[np.float64]:
        """Return log p(title | prompt) for all pairs, (P, C), sums over each title's tokens.

        Args:
            model: a causal language model in evaluation mode.
            prompts: token ids before the title begins.
            titles: token ids of each title, with what tells that it has ended.
            stage: name in front of the progress bar.
        """
        import torch

        from occpred.trees.log_probs import branch_log_probs
        from occpred.trees.packing import collate
        from occpred.trees.token_tree import TokenTree

        log_probs_PC = np.empty((len(prompts), len(titles)))
        device = next(model.parameters()).device
        trees = {index: TokenTree.grow(prompt, titles) for index, prompt in enumerate(prompts)}
        groups = list(self._groups(trees))

        @torch.inference_mode()
        def scored(group: list[int]) -> NDArray[np.float64]:
            longest = max(len(trees[index]) for index in group)
            batch = collate([[trees[index]] for index in group], longest).to(device)
            branches_K = branch_log_probs(model, batch).branches_K
            return branches_K.view(len(group), len(titles)).double().cpu().numpy()

        for group, log_probs in zip(groups, divided(groups, scored, stage, unit="batch"), strict=True):
            log_probs_PC[group] = log_probs
        return log_probs_PC

    def _groups(self, trees: dict[int, TokenTree]) -> Iterator[list[int]]:
        """Divide prompts into groups of like length, longest first, so that too little memory shows at once."""
        group: list[int] = []
        for index in sorted(trees, key=lambda index: -len(trees[index])):
            longest = len(trees[group[0]]) if group else len(trees[index])
            if group and longest * (len(group) + 1) > self.tokens_per_forward:
                yield group
                group = []
            group.append(index)
        if group:
            yield group
