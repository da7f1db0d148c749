"""Figures that others published for the JobHop ICT benchmark (canay/hybrid-talent-rec-benchmarks), on real people.

Their protocol: 47 candidates; the training data and each visible history end before the validation position; the
target is the test position; the best five count.
"""

from __future__ import annotations

import pytest

from occpred.baselines.baseline import rank
from occpred.baselines.markov_1 import Markov1
from occpred.baselines.popularity import Popularity
from occpred.baselines.repeat_last import RepeatLast
from occpred.careers.jobhop import JobHopCareers
from occpred.careers.split import CanonicalSplit, VisibleUntil
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy


@pytest.fixture(scope="module")
def measure(shared_data):
    """HR@5 and MRR@5 of a baseline."""
    folder = str(shared_data / "jobhop_ict")
    taxonomy = JobHopItemsTaxonomy(folder).load()
    split = CanonicalSplit(visible_until=VisibleUntil.VALIDATION)(JobHopCareers(folder).read(taxonomy))
    assert len(taxonomy) == 47
    assert len(split.test) == 2778

    def figures(baseline):
        order_PC = rank(baseline, split.training_careers, split.test, taxonomy).order()
        targets = [taxonomy.index(example.target_code) for example in split.test]
        places = [list(row).index(target) for row, target in zip(order_PC, targets, strict=True)]
        hits = [place for place in places if place < 5]
        return len(hits) / len(places), sum(1 / (1 + place) for place in hits) / len(places)

    return figures


@pytest.mark.parametrize(
    ("baseline", "hit_rate", "reciprocal_rank", "tolerance"),
    [
        pytest.param(Popularity(), 0.2775, 0.1728, 5e-5, id="popularity"),
        pytest.param(RepeatLast(), 0.3665, 0.2520, 5e-5, id="repeat_last"),
        # Published as "about" these two. Hardly any discount makes it a plain chain of counts, ties by popularity.
        pytest.param(Markov1(discount=0.01), 0.42, 0.27, 5e-3, id="markov_1_of_plain_counts"),
        pytest.param(Markov1(), 0.42, 0.27, 1e-2, id="markov_1"),
    ],
)
def test_agrees_with_the_published_figures(measure, baseline, hit_rate, reciprocal_rank, tolerance):
    assert measure(baseline) == pytest.approx((hit_rate, reciprocal_rank), abs=tolerance)
