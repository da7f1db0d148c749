from __future__ import annotations

from occpred.baselines.markov_1 import Markov1
from occpred.baselines.suite import Baselines


def test_all_run_in_the_order_of_the_tables():
    assert [baseline.name for baseline in Baselines().chosen()] == [
        "popularity",
        "repeat_last",
        "markov_1",
        "markov_2",
        "knn",
        "logistic",
        "career",
        "gru4rec",
    ]


def test_one_can_be_left_out_and_another_set():
    chosen = Baselines(repeat_last=None, markov_1=Markov1(discount=0.5), markov_2=None, career=None).chosen()
    assert [baseline.name for baseline in chosen] == ["popularity", "markov_1", "knn", "logistic", "gru4rec"]
    assert chosen[1] == Markov1(discount=0.5)
