"""Titles, and models that are only tables of probabilities: a search is tested without any network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from occpred.ranking.ranking import Answers
from occpred.ranking.title_search import TitleSearch, stretches
from occpred.ranking.title_trie import TitleTrie
from occpred.rankings import Certificate, Ints, Rankings

END = 63
NONE = np.zeros(0, dtype=np.int64)


def drawn_titles(count: int, seed: int, tokens: int = 12) -> list[list[int]]:
    """So many different titles of one to six tokens, with common beginnings, some of them longer forms of others."""
    generator = np.random.default_rng(seed)
    drawn = {tuple(generator.integers(1, tokens, generator.integers(1, 7)).tolist()) for _ in range(20 * count)}
    return [[*title, END] for title in sorted(drawn)[:: len(drawn) // count]][:count]


class TableModel:
    """Gives the children of each node random shares of what the node has; a sure one gives most to one of them.

    Attributes:
        counts_D: how many nodes were read behind each prompt, bit by bit.
        whole: the prompts behind which all nodes were read at once.
        widths: of each reading together, the numbers of nodes behind the prompts.
    """

    def __init__(
        self, titles: list[list[int]], num_prompts: int, *, sharpness: float | Sequence[float], seed: int
    ) -> None:
        self.trie = TitleTrie(titles)
        self.counts_D = np.zeros(num_prompts, dtype=np.int64)
        self.whole: list[int] = []
        self.widths: list[list[int]] = []
        generator = np.random.default_rng(seed)
        shape = (num_prompts, len(self.trie))
        weights_DN = np.exp(np.reshape(sharpness, (-1, 1)) * generator.normal(size=shape))
        parents_E, children_E = self.trie.edges(np.arange(len(self.trie)))
        # What is no title gets a share as well.
        totals_DN = 0.05 * np.exp(generator.normal(size=shape))
        np.add.at(totals_DN, (slice(None), parents_E), weights_DN[:, children_E])
        self.steps_DN = np.zeros(shape)
        self.steps_DN[:, children_E] = np.log(weights_DN[:, children_E] / totals_DN[:, parents_E])

    def exact(self, rows_PR: Ints) -> Answers:
        """The probabilities of all titles, path by path."""
        log_probs_DN = np.zeros_like(self.steps_DN)
        for parent, child in zip(*self.trie.edges(np.arange(len(self.trie))), strict=True):
            log_probs_DN[:, child] = log_probs_DN[:, parent] + self.steps_DN[:, child]
        return Answers(log_probs_DN[:, self._ends()][rows_PR])

    def certified(self, rows_PR: Ints, asked_P: Ints, *, epsilon: float = 1e-3, tokens: int = 50) -> Answers:
        """The answers of a search that reads so many tokens at a time."""
        search = TitleSearch(self.trie, rows_PR, asked_P, epsilon=epsilon, top=10)
        prompts = np.arange(rows_PR.max() + 1)
        self._read(search, prompts, np.zeros_like(prompts))
        while any(wanted := search.wanted(tokens)):
            nodes = [stretches(self.trie, starts) for starts in wanted.parts.values()]
            self.widths.append(list(map(len, nodes)))
            self._read(search, np.repeat([*wanted.parts, 0], [*self.widths[-1], 0]), np.concatenate([*nodes, NONE]))
            self.whole += wanted.whole
            for row in wanted.whole:
                self._learn(search, np.full(len(self.trie), row), np.arange(len(self.trie)))
        return search.answers()

    def _read(self, search: TitleSearch, rows_M: Ints, nodes_M: Ints) -> None:
        assert not set(rows_M) & set(self.whole)
        self._learn(search, rows_M, nodes_M)
        np.add.at(self.counts_D, rows_M, 1)

    def _learn(self, search: TitleSearch, rows_M: Ints, nodes_M: Ints) -> None:
        parents_E, children_E = self.trie.edges(nodes_M)
        search.learn(rows_M, nodes_M, self.steps_DN[rows_M[parents_E], children_E])

    def _ends(self) -> Ints:
        """The node that ends each title."""
        titles, place = np.arange(self.trie.titles_N[0]), np.zeros(self.trie.titles_N[0], dtype=np.int64)
        while not (done := self.trie.is_leaf_N[place]).all():
            place[~done] = self.trie.behind(place[~done], titles[~done])
        return place


def as_rankings(answers: Answers, codes: tuple[str, ...] | None = None, ids: tuple[str, ...] | None = None) -> Rankings:
    """Answers as the rest of the package sees them."""
    count, _, titles = answers.log_probs_PRC.shape
    return Rankings.averaged(
        codes=codes or tuple(map(str, range(titles))),
        example_ids=ids or tuple(map(str, range(count))),
        log_probs_PRC=answers.log_probs_PRC,
        certificate=answers.certificate,
    )


def known(rankings: Rankings) -> tuple[Certificate, NDArray[np.bool_]]:
    """The certificate, and which probabilities are exact by it."""
    assert rankings.certificate
    return rankings.certificate, rankings.certificate.upper <= rankings.log_probs_PC
