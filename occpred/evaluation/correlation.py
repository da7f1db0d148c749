"""How far two numbers go together, told from how often each value of the one meets each value of the other.

All are NaN where they are not defined: where one of the numbers is always the same.

Shapes: X and Y distinct values of the two numbers, S samples.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from occpred.evaluation.scores import Floats

Association = Callable[[Floats, Floats, Floats], Floats]
"""From counts, (S, X, Y), and the values that they belong to, (X,) and (Y,), both ascending, to a measure, (S,)."""
_SAME = 1e-12
"""A variance below this is rounding."""


def pearson(counts_SXY: Floats, x_X: Floats, y_Y: Floats) -> Floats:
    """Pearson's correlation."""
    return _correlation(counts_SXY, x_X[None], y_Y[None])


def spearman(counts_SXY: Floats, x_X: Floats, y_Y: Floats) -> Floats:
    """Spearman's rank correlation; equal values share the mean of their ranks."""
    return _correlation(counts_SXY, _ranks(counts_SXY.sum(axis=2)), _ranks(counts_SXY.sum(axis=1)))


def quadratic_kappa(counts_SXY: Floats, x_X: Floats, y_Y: Floats) -> Floats:
    """Cohen's kappa with quadratic weights: 1 where both numbers are always the same, 0 for what chance would give.

    It is one minus the mean squared difference over that of numbers paired at random (Cohen 1968, "Weighted kappa").
    """
    squares_XY = (x_X[:, None] - y_Y) ** 2
    by_chance_SXY = counts_SXY.sum(axis=2)[:, :, None] * counts_SXY.sum(axis=1)[:, None]
    total_S = counts_SXY.sum(axis=(1, 2))
    observed_S, expected_S = ((each * squares_XY).sum(axis=(1, 2)) for each in (counts_SXY, by_chance_SXY))
    return 1 - _ratio(observed_S, expected_S / total_S)


def _correlation(counts_SXY: Floats, x_SX: Floats, y_SY: Floats) -> Floats:
    share_SXY = counts_SXY / counts_SXY.sum(axis=(1, 2), keepdims=True)
    share_SX, share_SY = share_SXY.sum(axis=2), share_SXY.sum(axis=1)
    x_SX, y_SY = (
        values_SV - (share_SV * values_SV).sum(axis=1, keepdims=True)
        for share_SV, values_SV in ((share_SX, x_SX), (share_SY, y_SY))
    )
    variance_x_S, variance_y_S = (share_SX * x_SX**2).sum(axis=1), (share_SY * y_SY**2).sum(axis=1)
    covariance_S = ((share_SXY * y_SY[:, None]).sum(axis=2) * x_SX).sum(axis=1)
    # Apart, so that one that is rounding does not hide behind one that is large.
    varies_S = (variance_x_S > _SAME) & (variance_y_S > _SAME)
    return _ratio(covariance_S, np.where(varies_S, np.sqrt(variance_x_S * variance_y_S), 0))


def _ranks(counts_SV: Floats) -> Floats:
    """The mean rank of each value, but for a constant."""
    ranks_SV: Floats = np.cumsum(counts_SV, axis=1) - counts_SV / 2
    return ranks_SV


def _ratio(numerator_S: Floats, denominator_S: Floats) -> Floats:
    missing_S = np.full_like(numerator_S, np.nan)
    return np.divide(numerator_S, denominator_S, out=missing_S, where=denominator_S > _SAME)
