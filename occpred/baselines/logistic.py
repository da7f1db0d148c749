"""Multinomial logistic regression on features of the history."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from occpred.baselines.baseline import Baseline, FittedBaseline
from occpred.baselines.popularity import Popularity
from occpred.dates import beginning
from occpred.records import CareerHistory
from occpred.settings import setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

Features = dict[str, float]
"""The values of the features that are not 0, by name."""


@dataclass
class MultinomialLogistic(Baseline):
    """p(c | h) = (1 - back_off_share) * softmax_c(W x(h) + b) + back_off_share * popularity(c).

    x(h) are `features` of the history. W and b minimise the negative log-likelihood of what followed each beginning of
    the training careers plus |W|^2 / (2 * inverse_penalty), by L-BFGS of scikit-learn. The softmax goes over the
    occupations that followed some beginning; the others have the back-off's share alone, which answers all by itself
    where there are fewer than two of them.
    """

    name: ClassVar[str] = "logistic"

    inverse_penalty: float = setting(0.4, above=0.0)
    """Larger values bind the weights less; scikit-learn's `C`."""
    last_weight: float = setting(3.0, above=0.0)
    """How large the feature of the last occupation is: the larger, the less the penalty holds back what it tells."""
    decay: float = setting(0.8, above=0.0, maximum=1.0)
    """What a position weighs in the bag of past occupations against the one after it."""
    max_iterations: int = setting(100, minimum=1)
    """Where L-BFGS stops if it has not converged."""
    back_off_share: float = setting(0.02, above=0.0, below=1.0)
    """The probability that is given to the back-off."""
    back_off: Popularity = setting(Popularity())
    """Answers for occupations that nobody went on to."""

    def fit(self, careers: Sequence[CareerHistory], taxonomy: Taxonomy) -> FittedBaseline:
        """Learn the weights from all beginnings of `careers`, and fit the back-off on the same careers."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.feature_extraction import DictVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        back_off = self.back_off.fit(careers, taxonomy)
        inputs, followers = [], []
        for career in careers:
            for length, follower in enumerate(career.positions[1:], start=1):
                inputs.append(self.features(beginning(career, length)))
                followers.append(taxonomy.index(follower.occupation_code))
        if len(set(followers)) < 2:
            return back_off
        regression = LogisticRegression(C=self.inverse_penalty, max_iter=self.max_iterations)
        model = make_pipeline(DictVectorizer(), regression)
        with warnings.catch_warnings():
            # To stop early is what `max_iterations` is for.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(inputs, followers)
        return FittedMultinomialLogistic(self, model, back_off)

    def features(self, history: CareerHistory) -> Features:
        """Describe a history by what counts: its last occupation, all of them, how many positions, what was studied.

        A position adds `decay` to the power of how many came after it to the value of its occupation. Degrees and
        fields are compared without regard to case. What no training career had, the model ignores.
        """
        described: defaultdict[str, float] = defaultdict(float)
        for age, position in enumerate(reversed(history.positions)):
            described[f"held {position.occupation_code}"] += self.decay**age
        for position in history.positions[-1:]:
            described[f"last {position.occupation_code}"] = self.last_weight
        described["positions"] = math.log1p(len(history.positions))
        for entry in history.education:
            described[f"degree {entry.degree.casefold()}"] = 1.0
            described[f"field {entry.field.casefold()}"] = 1.0
        return dict(described)


@dataclass(frozen=True)
class FittedMultinomialLogistic:
    """The pipeline of vectorizer and regression, whose classes are columns of the taxonomy, and the back-off."""

    settings: MultinomialLogistic
    model: Any
    back_off: FittedBaseline

    def log_probs(self, history: CareerHistory) -> NDArray[np.float64]:
        """Log-probabilities, (C,), by the formula of `MultinomialLogistic`."""
        share = self.settings.back_off_share
        probs_C = share * np.exp(self.back_off.log_probs(history))
        known = self.model.predict_proba([self.settings.features(history)])[0]
        probs_C[self.model.classes_] += (1 - share) * known
        return np.log(probs_C)
