"""Which parts of a trie of titles must be opened before an answer is certain, and what is certain then.

The probability of a node is that the model writes what leads to it. All titles below share it between them, so it
bounds each of them, and their sum, and it only falls along a path. The search stands at some nodes, one on the path of
each title: a title whose own end is reached is known exactly, and of the others it is known what they can be at most.

Shapes: P questions, R prompts each, C titles, A of the questions that are still open, D distinct prompts, N nodes of
the trie, M nodes read, E edges from these to their children; U probabilities that are looked at together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from occpred.ranking.ranking import Answers
from occpred.ranking.title_trie import Ints, TitleTrie
from occpred.rankings import Certificate, Floats, log_mean, rank_bounds

Mask = NDArray[np.bool_]


class Wanted(NamedTuple):
    """What is to be read to go on; nothing of either at the end.

    Attributes:
        parts: behind each prompt that is still to be searched, the nodes with which stretches begin; maybe none.
        whole: prompts behind which so much is needed that all nodes are read at once.
    """

    parts: dict[int, list[int]]
    whole: list[int]


def most_nodes(trie: TitleTrie) -> int:
    """How many nodes, node 0 included, a search reads behind one prompt at most: a quarter of the trie.

    A node costs more where it is read bit by bit than where all are read at once. So beyond a good part of the trie,
    all at once is cheaper; and what was read in vain, where that is seen too late, is little beside it.
    """
    return 1 + len(trie) // 4


class TitleSearch:
    """Best-first search behind many prompts, for questions of which each averages over some of them.

    A question is answered when, for each of its prompts and for their mean,

    - all titles that are not known have at most the share `epsilon` of the probability of all titles,
    - the `top` most probable titles are known, and so is their order,
    - the title that is asked for is known, and so is its rank, but for at most `epsilon` in its reciprocal.

    Until then the search opens everything that stands against that, step by step; where that is more than `most_nodes`
    behind one prompt, it opens everything there is. What a step opens depends on the question alone, not on what else
    has been read: so answers do not depend on what is computed together, nor on what is read at once.
    """

    def __init__(self, trie: TitleTrie, rows_PR: Ints, asked_P: Ints, *, epsilon: float, top: int) -> None:
        """Stand at node 0 everywhere.

        Args:
            trie: of C titles.
            rows_PR: the prompts of each question, as numbers from 0 to D - 1.
            asked_P: the title that each question asks for.
            epsilon: what may remain unknown.
            top: how many of the most probable titles must be known.
        """
        self._trie, self._rows_PR, self._asked_P = trie, rows_PR, asked_P
        self._epsilon, self._top = epsilon, min(top, int(trie.titles_N[0]))
        self._log_probs_DN = np.full((int(rows_PR.max()) + 1, len(trie)), np.nan)
        self._log_probs_DN[:, 0] = 0
        self._is_read_DN = np.zeros(self._log_probs_DN.shape, dtype=np.bool_)
        self._most = most_nodes(trie)
        self._opened_PR = np.zeros(rows_PR.shape, dtype=np.int64)
        self._places_PRC = np.zeros((*rows_PR.shape, int(trie.titles_N[0])), dtype=np.int64)
        self._open_A = np.arange(len(rows_PR))

    def learn(self, rows_M: Ints, nodes_M: Ints, steps_E: Floats) -> None:
        """Take in what the model gave the children of nodes that it read; what was known is replaced.

        Args:
            rows_M: behind which prompt.
            nodes_M: whole stretches of nodes, or all nodes.
            steps_E: log-probabilities of the children given the nodes, as `TitleTrie.edges` orders them.
        """
        parents_E, children_E = self._trie.edges(nodes_M)
        rows_E, depths_E = rows_M[parents_E], self._trie.depths_N[children_E]
        for depth in np.unique(depths_E):  # within a stretch, children are parents
            level = depths_E == depth
            rows, nodes = rows_E[level], nodes_M[parents_E[level]]
            self._log_probs_DN[rows, children_E[level]] = self._log_probs_DN[rows, nodes] + steps_E[level]
        self._is_read_DN[rows_M, nodes_M] = True

    def wanted(self, tokens: int) -> Wanted:
        """Open what can be, and tell what is to be read to go on, behind all prompts of open questions.

        Args:
            tokens: how many tokens are to be read together. Each prompt has an equal share, though the first node that
                is needed is wanted however long the stretch is. What is not filled by nodes that are needed is filled
                by those that may be needed next, as long as no more than half of `most_nodes` have been read.
        """
        needed_DN = self._open_what_is_read()
        rows = [int(row) for row in np.unique(self._rows_PR[self._open_A]) if not self._is_read_DN[row].all()]
        after_D = self._is_read_DN.sum(axis=1) + needed_DN @ self._trie.lengths_N
        whole, others = ([row for row in rows if (after_D[row] > self._most) == is_much] for is_much in (True, False))
        return Wanted({row: self._next(row, needed_DN[row], tokens // len(others)) for row in others}, whole)

    def _open_what_is_read(self) -> Mask:
        """Make all steps for which everything is read; return what the other questions wait for, (D, N)."""
        needed_DN = np.zeros_like(self._is_read_DN)
        while len(self._open_A):
            rows_AR, places_ARC = self._rows_PR[self._open_A], self._places_PRC[self._open_A]
            question_U, prompt_U, title_U = np.nonzero(self._needed(rows_AR, places_ARC))
            rows_U, nodes_U = rows_AR[question_U, prompt_U], places_ARC[question_U, prompt_U, title_U]
            is_read_U = self._is_read_DN[rows_U, nodes_U]
            ready_U = ~np.isin(question_U, question_U[~is_read_U])
            self._step(self._open_A[question_U[ready_U]], prompt_U[ready_U], nodes_U[ready_U])
            self._open_A = self._open_A[np.unique(question_U)]
            if not ready_U.any():
                needed_DN[rows_U[~is_read_U], nodes_U[~is_read_U]] = True
                break
        return needed_DN

    def _step(self, questions_U: Ints, prompts_U: Ints, nodes_U: Ints) -> None:
        """Open nodes: stand behind the stretches that begin with them; after too many, at the ends of all titles."""
        is_opening_PRN = np.zeros((*self._rows_PR.shape, len(self._trie)), dtype=np.bool_)
        is_opening_PRN[questions_U, prompts_U, nodes_U] = True
        moves_PRC = np.take_along_axis(is_opening_PRN, self._places_PRC, axis=2)
        self._places_PRC[moves_PRC] = self._trie.behind(self._places_PRC[moves_PRC], np.nonzero(moves_PRC)[2])
        self._opened_PR += is_opening_PRN @ self._trie.lengths_N
        self._places_PRC[self._opened_PR > self._most] = self._trie.leaves_C

    def _next(self, row: int, needed_N: Mask, tokens: int) -> list[int]:
        """The nodes to read next behind one prompt: those that are needed, then others; the most probable first."""
        stands_N = np.zeros(len(self._trie), dtype=np.bool_)
        stands_N[self._places_PRC[self._rows_PR == row]] = True
        unread = np.flatnonzero(stands_N & ~self._trie.is_leaf_N & ~self._is_read_DN[row])
        ordered = unread[np.lexsort((-self._log_probs_DN[row, unread], ~needed_N[unread]))]
        sums, spare = np.cumsum(self._trie.lengths_N[ordered]), self._most // 2 - self._is_read_DN[row].sum()
        fits = (sums <= tokens) & (needed_N[ordered] | (sums <= spare))
        return [int(node) for node in ordered[: max(int(needed_N.any()), int(fits.sum()))]]

    def _needed(self, rows_AR: Ints, places_ARC: Ints) -> Mask:
        """Which titles, as seen from which prompt, stand against an answer, (A, R, C)."""
        upper_ARC = self._log_probs_DN[rows_AR[:, :, None], places_ARC]
        known_ARC = self._trie.is_leaf_N[places_ARC]
        asked_A = self._asked_P[self._open_A]
        needed_ARC = _mass_beyond(self._epsilon, upper_ARC, known_ARC, self._trie.titles_N[places_ARC])
        for prompt in range(rows_AR.shape[1]):
            needed_ARC[:, prompt] |= self._against(upper_ARC[:, prompt], known_ARC[:, prompt], asked_A)
        if rows_AR.shape[1] > 1:
            of_mean_AC = self._against(log_mean(upper_ARC), known_ARC.all(axis=1), asked_A)
            needed_ARC |= of_mean_AC[:, None] & ~known_ARC
        return needed_ARC

    def _against(self, upper_AC: Floats, known_AC: Mask, asked_A: Ints) -> Mask:
        """Titles that may belong among the first, or before the title that is asked for, and are not known, (A, C)."""
        best_A, worst_A = rank_bounds(upper_AC, known_AC, asked_A)
        last_of_top_A = -np.partition(-upper_AC, self._top - 1, axis=1)[:, self._top - 1]
        asked_log_prob_A = np.take_along_axis(upper_AC, asked_A[:, None], axis=1)[:, 0]
        # The rank counts once the title is known.
        is_unsure_A = np.take_along_axis(known_AC, asked_A[:, None], axis=1)[:, 0]
        is_unsure_A = is_unsure_A & (1 / best_A - 1 / worst_A > self._epsilon)
        least_A = np.where(is_unsure_A, np.minimum(last_of_top_A, asked_log_prob_A), last_of_top_A)
        against_AC = upper_AC >= least_A[:, None]
        against_AC[np.arange(len(asked_A)), asked_A] = True
        return np.asarray(against_AC & ~known_AC)

    def answers(self) -> Answers:
        """What is known of all questions, and guesses of the rest.

        A guess is half of what the title would have if all titles of its node shared the node's probability: so the sum
        of all titles errs by half of what is unknown at most, up or down, and no guess reaches its bound.
        """
        upper_PRC = self._log_probs_DN[self._rows_PR[:, :, None], self._places_PRC]
        known_PRC, titles_PRC = self._trie.is_leaf_N[self._places_PRC], self._trie.titles_N[self._places_PRC]
        log_probs_PRC = np.where(known_PRC, upper_PRC, upper_PRC - np.log(2 * titles_PRC))
        guesses_PRC = np.where(known_PRC, -np.inf, upper_PRC - np.log(titles_PRC))
        unopened_PR = np.logaddexp.reduce(guesses_PRC, axis=2)
        return Answers(log_probs_PRC, Certificate(self._epsilon, self._top, upper_PRC, unopened_PR))


def _mass_beyond(epsilon: float, upper_ARC: Floats, known_ARC: Mask, titles_ARC: Ints) -> Mask:
    """The most probable of the unknown titles: so many that the others have no larger share than allowed, (A, R, C).

    Nodes are taken from the least probable on; the titles of a node share its probability.
    """
    probs_ARC = np.exp(upper_ARC - upper_ARC.max(axis=2, keepdims=True)) / titles_ARC
    allowed_AR1 = epsilon * probs_ARC.sum(axis=2, keepdims=True)
    order_ARC = np.argsort(upper_ARC, axis=2, kind="stable")
    sums_ARC = np.cumsum(np.take_along_axis(np.where(known_ARC, 0, probs_ARC), order_ARC, axis=2), axis=2)
    beyond_ARC = np.empty_like(known_ARC)
    np.put_along_axis(beyond_ARC, order_ARC, sums_ARC > allowed_AR1, axis=2)
    return np.asarray(beyond_ARC & ~known_ARC)


def stretches(trie: TitleTrie, nodes: Sequence[int]) -> Ints:
    """The nodes of the stretches that begin with `nodes`, one behind the other."""
    return np.concatenate([np.arange(0), *(np.arange(node, trie.lasts_N[node] + 1) for node in nodes)])
