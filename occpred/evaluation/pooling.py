"""Several runs of one system as one, and two systems with unlike numbers of runs side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from math import lcm
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from occpred.evaluation.scores import FreeTextScores, Scores

Source = TypeVar("Source")
Value = TypeVar("Value", bound=np.generic)


def pool(runs: Sequence[Scores]) -> Scores:
    """Put the answers of a system's runs, such as its seeds, one after the other.

    Persons and examples keep their names. So a draw of persons brings along what all runs answered about each, answers
    to one example are known as such, and pools of the same runs pair up. Intervals are then about people, given these
    runs: they do not tell how another seed would come out.

    What not every run has (free text, the spread over reasons, AccRM) is left out. What is in doubt about single runs
    (see `doubt.py`) is told with each of them, not of the pool.

    Raises:
        ValueError: there is no run.
    """
    if not runs:
        raise ValueError("there is no run to pool")
    texts = [run.free_text for run in runs if run.free_text is not None]
    return Scores(
        example_ids=tuple(chain.from_iterable(run.example_ids for run in runs)),
        person_ids=tuple(chain.from_iterable(run.person_ids for run in runs)),
        is_move_P=_joined(runs, lambda run: run.is_move_P),
        rank_P=_joined(runs, lambda run: run.rank_P),
        acc_em_P=_joined(runs, lambda run: run.acc_em_P),
        acc_rm_P=_joined_if_known(runs, lambda run: run.acc_rm_P),
        major_group_P=_joined(runs, lambda run: run.major_group_P),
        log_prob_P=_joined(runs, lambda run: run.log_prob_P),
        confidence_P=_joined(runs, lambda run: run.confidence_P),
        reason_spread_P=_joined_if_known(runs, lambda run: run.reason_spread_P),
        free_text=_pool_texts(texts) if len(texts) == len(runs) else None,
    )


def repeat(scores: Scores, times: int) -> Scores:
    """Count every answer `times` times, as if the system had run so often with the same result."""
    return pool([scores] * times)


def pair_up(a: Scores, b: Scores) -> tuple[Scores, Scores] | None:
    """Give both systems the same rows, or `None` where they answered other examples.

    Where one was run more often than the other (a baseline has no seed, and a seed may have failed), the runs of each
    are repeated up to their least common multiple. That changes neither a mean nor, as persons are what is drawn and
    permuted, an interval or a test.
    """
    runs = lcm(_number_of_runs(a), _number_of_runs(b))
    if a.example_ids != b.example_ids:
        a, b = (repeat(scores, runs // _number_of_runs(scores)) for scores in (a, b))
    return (a, b) if a.example_ids == b.example_ids else None


def _number_of_runs(scores: Scores) -> int:
    return max(1, len(scores.example_ids) // max(1, len(set(scores.example_ids))))


def _joined(parts: Sequence[Source], row: Callable[[Source], NDArray[Value]]) -> NDArray[Value]:
    return np.concatenate([row(part) for part in parts])


def _joined_if_known(parts: Sequence[Source], row: Callable[[Source], NDArray[Value] | None]) -> NDArray[Value] | None:
    known = [values_P for part in parts if (values_P := row(part)) is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _pool_texts(texts: Sequence[FreeTextScores]) -> FreeTextScores:
    return FreeTextScores(
        invalid_P=_joined(texts, lambda text: text.invalid_P),
        acc_em_P=_joined(texts, lambda text: text.acc_em_P),
        acc_rm_P=_joined_if_known(texts, lambda text: text.acc_rm_P),
    )
