"""Whether judges agree with each other, and each with itself, when they mark the same reasons.

Shapes: R raters, U reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low

import numpy as np

from occpred.evaluation.scores import Floats
from occpred.findings import Agreement

Ratings = Mapping[str, tuple[int, ...]]
"""For one reason and criterion, by judge the marks of each of its samples."""


def agreements(ratings: Sequence[Mapping[str, Ratings]]) -> list[Agreement]:
    """All agreements that `ratings` tell of, criterion by criterion: between the judges, then within each judge.

    Between judges each one's rating is the lower median of its samples, one of the marks that it gave; where there is
    one judge alone, this line is left out. A reason counts where at least two raters marked it.

    Args:
        ratings: for each reason, by criterion.
    """
    found = []
    for criterion in dict.fromkeys(criterion for entry in ratings for criterion in entry):
        of_criterion = [entry[criterion] for entry in ratings if criterion in entry]
        judges = list(dict.fromkeys(judge for entry in of_criterion for judge in entry))
        if len(judges) > 1:
            medians = [
                [median_low(entry[judge]) if entry.get(judge) else np.nan for entry in of_criterion] for judge in judges
            ]
            found.append(_agreement(criterion, "", np.array(medians, dtype=np.float64)))
        found += [
            _agreement(criterion, judge, _samples([entry.get(judge, ()) for entry in of_criterion])) for judge in judges
        ]
    return found


def _samples(marks: Sequence[tuple[int, ...]]) -> Floats:
    """The samples of one judge as raters, (R, U); NaN where a reason has fewer of them."""
    samples_RU = np.full((max(map(len, marks)), len(marks)), np.nan)
    for reason, own in enumerate(marks):
        samples_RU[: len(own), reason] = own
    return samples_RU


def _agreement(criterion: str, judge: str, marks_RU: Floats) -> Agreement:
    shared_RU = marks_RU[:, (~np.isnan(marks_RU)).sum(axis=0) > 1]
    raters, reasons = len(marks_RU), shared_RU.shape[1]
    if reasons == 0:
        return Agreement(criterion, judge, raters, reasons)
    spread_U = np.nanmax(shared_RU, axis=0) - np.nanmin(shared_RU, axis=0)
    return Agreement(
        criterion,
        judge,
        raters,
        reasons,
        alpha=ordinal_alpha(shared_RU),
        mean_spread=float(spread_U.mean()),
        unanimous_share=float((spread_U == 0).mean()),
    )


def ordinal_alpha(marks_RU: Floats) -> float | None:
    """Krippendorff's alpha for ordinal marks: 1 is perfect agreement, 0 what chance would give.

    Its distance between two marks is the number of marks given in between (Krippendorff 2011, "Computing
    Krippendorff's alpha-reliability").

    Args:
        marks_RU: NaN where a rater did not mark a reason.

    Returns:
        `None` where it is not defined: no reason has two marks, or all marks that can be compared are the same.
    """
    import krippendorff

    shared_RU = marks_RU[:, (~np.isnan(marks_RU)).sum(axis=0) > 1]
    if len(np.unique(shared_RU[~np.isnan(shared_RU)])) < 2:
        return None
    return float(krippendorff.alpha(shared_RU, level_of_measurement="ordinal"))
