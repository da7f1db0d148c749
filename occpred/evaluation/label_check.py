"""How well a judge's marks agree with those that people gave.

Shapes: P reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from occpred.evaluation.correlation import pearson, quadratic_kappa, spearman
from occpred.evaluation.intervals import Evaluation
from occpred.findings import MARKS, LabelAgreement


def label_agreement(
    criterion: str, labels: Sequence[int], marks: Sequence[int], person_ids: Sequence[str], evaluation: Evaluation
) -> LabelAgreement:
    """Hold a judge's marks against people's labels of the same reasons.

    Args:
        criterion: what was marked.
        labels: 1 to 5, P of them; there may be none.
        marks: the judge's, 1 to 5, P of them.
        person_ids: about whom each reason is.
        evaluation: makes the intervals, by bootstrap over persons.

    Raises:
        ValueError: there are more of the ones than of the others.
    """
    label_P, mark_P = np.array(labels, dtype=np.float64), np.array(marks, dtype=np.float64)
    pairs = Counter(zip(labels, marks, strict=True))
    return LabelAgreement(
        criterion,
        pairs.total(),
        pearson=evaluation.association(label_P, mark_P, person_ids, pearson),
        spearman=evaluation.association(label_P, mark_P, person_ids, spearman),
        kappa=evaluation.association(label_P, mark_P, person_ids, quadratic_kappa),
        confusion=tuple(tuple(pairs[label, mark] for mark in MARKS) for label in MARKS),
    )
