"""The log-probabilities of the titles that can matter, with a certificate for all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from occpred.progress import divided
from occpred.ranking.ranking import Answers, Question, Ranking
from occpred.rankings import Certificate
from occpred.settings import setting

if TYPE_CHECKING:
    from torch import nn

    from occpred.ranking.title_trie import TitleTrie


@dataclass
class CertifiedRanking(Ranking):
    """Opens the trie of titles best-first behind prompts that are read once, until what is left cannot matter.

    Where a model is sure of its answers, that is a small part of the trie; where it is not, up to all of it. Every
    measure is exact or off by a bound that the report states (see `TitleSearch` for what is certain, and
    `occpred.evaluation.doubt` for what follows). Exactness is that of the numbers computed: it is up to rounding.
    """

    epsilon: float = setting(1e-3, above=0.0, maximum=0.1)
    """What may remain unknown: the share of all titles' probability that is on titles not opened, and the doubt about
    the reciprocal rank of the title that is asked for."""
    top: int = setting(10, minimum=10)
    """So many of the most probable titles are certain, with their order. Measures look at the first ten."""
    tokens_per_wave: int = setting(1024, minimum=1, incidental=True)
    """Title tokens that go through the model together, divided among the prompts at hand. A GPU takes about as long for
    so many as for one; on a CPU, give fewer."""

    def __call__(
        self, model: nn.Module, questions: Sequence[Question], titles: Sequence[Sequence[int]], *, stage: str
    ) -> Answers:
        """Answer all questions, in groups of like length.

        Raises:
            ValueError: a title is the beginning of another.
        """
        from occpred.ranking.title_trie import TitleTrie

        trie = TitleTrie(titles)
        # Questions that share prompts stand beside each other, so that they are likely to fall into one group.
        order = sorted(range(len(questions)), key=lambda index: questions[index].prompts)
        lengths = [max(map(len, questions[index].prompts)) for index in order]
        num_prompts = len(questions[0].prompts) if questions else 1
        groups = [[order[place] for place in group] for group in self.groups(lengths, num_prompts)]

        def answered(group: list[int]) -> Answers:
            return self._answer(model, trie, [questions[index] for index in group])

        parts = list(divided(groups, answered, stage, unit="batch"))
        back = np.argsort(np.concatenate(groups))
        certificates = [part.certificate for part in parts if part.certificate]
        return Answers(
            np.concatenate([part.log_probs_PRC for part in parts])[back],
            Certificate(
                self.epsilon,
                certificates[0].top,
                np.concatenate([each.upper for each in certificates])[back],
                np.concatenate([each.unopened for each in certificates])[back],
            ),
        )

    def _answer(self, model: nn.Module, trie: TitleTrie, questions: Sequence[Question]) -> Answers:
        """Answer questions together: read all prompts at once, then wave by wave what the search wants."""
        import torch

        from occpred.ranking.title_search import TitleSearch, stretches
        from occpred.ranking.trie_reader import TrieReader

        prompts = list(dict.fromkeys(prompt for question in questions for prompt in question.prompts))
        places = {prompt: place for place, prompt in enumerate(prompts)}
        rows_PR = np.array([[places[prompt] for prompt in question.prompts] for question in questions])
        asked_P = np.array([question.asked for question in questions])
        search = TitleSearch(trie, rows_PR, asked_P, epsilon=self.epsilon, top=self.top)
        with torch.inference_mode():
            reader = TrieReader(model, trie, prompts)
            search.learn(np.arange(len(prompts)), np.zeros(len(prompts), dtype=np.int64), reader.read_prompts())
            while wanted := search.wanted(self.tokens_per_wave):
                reader.keep(list(wanted))
                nodes = [stretches(trie, starts) for starts in wanted.values()]
                rows_M = np.repeat(list(wanted), list(map(len, nodes)))
                search.learn(rows_M, np.concatenate(nodes), reader.read(nodes))
        return search.answers()
