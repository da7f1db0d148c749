"""The exact log-probability of every title.

Shapes: D distinct prompts, P questions, R prompts each, C titles, K = prompts of one forward pass x C branches.
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


@dataclass
class ExactRanking(Ranking):
    """Scores the trie of all titles behind a prompt in one forward pass, so that the prompt is computed once."""

    def __call__(
        self, model: nn.Module, questions: Sequence[Question], titles: Sequence[Sequence[int]], *, stage: str
    ) -> Answers:
        """Compute log p(title | prompt) for all pairs; a prompt that several questions share is asked once."""
        import torch

        from occpred.trees.log_probs import branch_log_probs
        from occpred.trees.packing import collate
        from occpred.trees.token_tree import TokenTree

        prompts = list(dict.fromkeys(prompt for question in questions for prompt in question.prompts))
        places = {prompt: place for place, prompt in enumerate(prompts)}
        device = next(model.parameters()).device
        trie = TokenTree.grow([0], titles)
        groups = list(self.groups([len(prompt) + len(trie) - 1 for prompt in prompts]))

        @torch.inference_mode()
        def scored(group: list[int]) -> Floats:
            trees = [trie.behind(prompts[place]) for place in group]
            batch = collate([[tree] for tree in trees], max(map(len, trees))).to(device)
            branches_K = branch_log_probs(model, batch).branches_K
            return np.asarray(branches_K.view(len(group), len(titles)).double().cpu())

        log_probs_DC = np.empty((len(prompts), len(titles)))
        for group, log_probs in zip(groups, divided(groups, scored, stage, unit="batch"), strict=True):
            log_probs_DC[group] = log_probs
        return Answers(log_probs_DC[[[places[prompt] for prompt in question.prompts] for question in questions]])
