"""AUC: how well a mark tells true from false.

Shapes: P pairs, M distinct marks, S samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.scores import Floats
from occpred.records import Estimate


def auc(true_mark_P: Floats, false_mark_P: Floats, person_ids: Sequence[str], evaluation: Evaluation) -> Estimate:
    """Chance that a true text has a higher mark than a false one, equal marks counting half.

    Every true text is held against every false one, not just against that of its own example, since a mark is to mean
    the same for all people. This is the area under the ROC curve, and Mann-Whitney's U divided by its largest value;
    0.5 is blind. The interval is by bootstrap over persons.

    Args:
        true_mark_P: marks of the true texts.
        false_mark_P: marks of the false texts, one for each true one.
        person_ids: whom each pair is about.
        evaluation: makes the interval.

    Raises:
        ValueError: there is no pair.
    """
    if not person_ids:
        raise ValueError("an AUC needs at least one true and one false text")
    marks_M = np.unique(np.concatenate([true_mark_P, false_mark_P]))
    columns_PK = np.concatenate([marks_P[:, None] == marks_M for marks_P in (true_mark_P, false_mark_P)], axis=1)
    return evaluation.estimate(columns_PK.astype(np.float64), person_ids, _area)


def _area(means_SK: Floats) -> Floats:
    true_SM, false_SM = np.split(means_SK, 2, axis=1)
    below_SM = np.cumsum(false_SM, axis=1) - false_SM / 2
    area_S: Floats = (true_SM * below_SM).sum(axis=1)
    return area_S
