"""The exact log-probability of every title.

Shapes: D distinct prompts, P questions, R prompts each, C titles, N nodes of the trie, L steps of the
longest title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from occpred.progress import divided
from occpred.ranking.ranking import Answers, Question, Ranking
from occpred.rankings import Floats

if TYPE_CHECKING:
    from torch import nn

    from occpred.trees.token_tree import TokenTree


@dataclass
class ExactRanking(Ranking):
    """Scores the trie of all titles behind a prompt in one forward pass, so that the prompt is computed once."""

    def __call__(
        self, model: nn.Module, questions: Sequence[Question], titles: Sequence[Sequence[int]], *, stage: str
    ) -> Answers:
        """Compute log p(title | prompt) for all pairs; a prompt that several questions share is asked once."""
        from occpred.ranking.title_trie import padded
        from occpred.trees.token_tree import TokenTree

        prompts = list(dict.fromkeys(prompt for question in questions for prompt in question.prompts))
        places = {prompt: place for place, prompt in enumerate(prompts)}
        trie = TokenTree.grow([0], titles)
        paths_CL = padded(trie.paths)
        groups = list(self.groups([len(prompt) + len(trie) - 1 for prompt in prompts]))

        def scored(group: list[int]) -> Floats:
            of_nodes_DN = trie_log_probs(model, trie, [prompts[place] for place in group])
            return np.asarray(of_nodes_DN[:, paths_CL].sum(axis=2))

        log_probs_DC = np.empty((len(prompts), len(titles)))
        for group, log_probs in zip(groups, divided(groups, scored, stage, unit="batch"), strict=True):
            log_probs_DC[group] = log_probs
        return Answers(log_probs_DC[[[places[prompt] for prompt in question.prompts] for question in questions]])


def trie_log_probs(model: nn.Module, trie: TokenTree, prompts: Sequence[Sequence[int]]) -> Floats:
    """Log-probability of each node of a trie given what leads to it, (D, N), all in one forward pass.

    Args:
        model: a causal language model in evaluation mode.
        trie: a tree whose trunk is one token, node 0, in the place of the prompt; that one's number is 0.
        prompts: D of them.
    """
    import torch

    from occpred.trees.log_probs import branch_log_probs
    from occpred.trees.packing import collate

    trees = [trie.behind(prompt) for prompt in prompts]
    with torch.inference_mode():
        batch = collate([[tree] for tree in trees], max(map(len, trees))).to(next(model.parameters()).device)
        of_nodes_DN = branch_log_probs(model, batch).tokens_N.view(len(prompts), len(trie) - 1).double().cpu()
    return np.pad(of_nodes_DN.numpy(), ((0, 0), (1, 0)))
