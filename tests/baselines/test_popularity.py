from __future__ import annotations

import numpy as np
import pytest

from occpred.baselines.popularity import Popularity
from occpred.settings import SettingError


def test_counts_plus_smoothing_over_all_positions(taxonomy, career):
    fitted = Popularity(smoothing=1.0).fit([career("AAB"), career("AC")], taxonomy)
    # A 3, B 1, C 1, D 0; one more each makes 4 + 2 + 2 + 1 = 9.
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("D"))), [4 / 9, 2 / 9, 2 / 9, 1 / 9])


def test_every_history_gets_the_same(taxonomy, career):
    fitted = Popularity().fit([career("AAB")], taxonomy)
    np.testing.assert_array_equal(fitted.log_probs(career("")), fitted.log_probs(career("BDB")))


def test_without_careers_all_occupations_are_equal(taxonomy, career):
    np.testing.assert_allclose(np.exp(Popularity().fit([], taxonomy).log_probs(career("A"))), 0.25)


def test_more_smoothing_moves_towards_equal_shares(taxonomy, career):
    careers = [career("AAAAAB")]
    spread = [np.ptp(Popularity(smoothing).fit(careers, taxonomy).log_probs_C) for smoothing in (0.1, 1.0, 10.0)]
    assert spread == sorted(spread, reverse=True)


def test_no_smoothing_is_refused():
    with pytest.raises(SettingError, match=r"Popularity\.smoothing=0\.0: must be above 0\.0"):
        Popularity(smoothing=0.0)
