"""The log-probabilities of the titles that can matter, with a certificate for all others.

Shapes: P questions, R prompts each, C titles, N nodes of the trie, M of them that were read, G prompts read together.
"""

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

    from occpred.ranking.title_search import TitleSearch
    from occpred.ranking.title_trie import TitleTrie


@dataclass
class CertifiedRanking(Ranking):
    """Opens the trie of titles best-first behind prompts that are read once, until what is left cannot matter.

    Where a model is sure of its answers, that is a small part of the trie. Where it is not, and a quarter of the trie
    would not do, the search behind that prompt is given up, its memory is freed, and all titles are computed in one
    pass, as `ExactRanking` does it. Every measure is exact or off by a bound that the report states (see `TitleSearch`
    for what is certain, and `occpred.evaluation.doubt` for what follows). Exactness is that of the numbers computed: it
    is up to rounding.

    However unsure the model, what it remembers at any time is three times `tokens_per_forward` at most, and a block of
    room for each prompt; only a question that is too large for that by itself takes what it needs.
    """

    epsilon: float = setting(1e-3, above=0.0, maximum=0.1)
    """What may remain unknown: the share of all titles' probability that is on titles not opened, and the doubt about
    the reciprocal rank of the title that is asked for."""
    top: int = setting(10, minimum=10)
    """So many of the most probable titles are certain, with their order. Measures look at the first ten."""
    tokens_per_wave: int = setting(2048, minimum=1, incidental=True)
    """Title tokens that go through the model together, divided among the prompts at hand. A GPU takes about as long for
    so many as for one; on a CPU, give fewer."""

    def __call__(
        self, model: nn.Module, questions: Sequence[Question], titles: Sequence[Sequence[int]], *, stage: str
    ) -> Answers:
        """Answer all questions, in groups of like length.

        Raises:
            ValueError: a title is the beginning of another.
        """
        from occpred.ranking.title_search import most_nodes
        from occpred.ranking.title_trie import TitleTrie

        trie = TitleTrie(titles)
        # Questions that share prompts stand beside each other, so that they are likely to fall into one group.
        order = sorted(range(len(questions)), key=lambda index: questions[index].prompts)
        # A prompt counts as no less than half of the nodes that may be read behind it: so with these, there are three
        # tokens at most for each that is counted.
        lengths = [max(most_nodes(trie) // 2, *map(len, questions[index].prompts)) for index in order]
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
            while any(wanted := search.wanted(self.tokens_per_wave)):
                reader.keep(list(wanted.parts))
                if wanted.whole:
                    self._learn_all(model, search, trie, {row: prompts[row] for row in wanted.whole})
                else:
                    nodes = [stretches(trie, starts) for starts in wanted.parts.values()]
                    rows_M = np.repeat(list(wanted.parts), list(map(len, nodes)))
                    search.learn(rows_M, np.concatenate(nodes), reader.read(nodes))
        return search.answers()

    def _learn_all(
        self, model: nn.Module, search: TitleSearch, trie: TitleTrie, prompts: dict[int, tuple[int, ...]]
    ) -> None:
        """Read all nodes behind prompts, given by their numbers, at once."""
        from occpred.ranking.exact import trie_log_probs

        rows, all_N = list(prompts), np.arange(len(trie))
        _, children = trie.edges(all_N)
        for group in self.groups([len(prompts[row]) + len(trie) - 1 for row in rows]):
            of_group = [rows[place] for place in group]
            of_nodes_GN = trie_log_probs(model, trie.tree, [prompts[row] for row in of_group])
            rows_M, nodes_M = np.repeat(of_group, len(trie)), np.tile(all_N, len(group))
            search.learn(rows_M, nodes_M, of_nodes_GN[:, children].ravel())
