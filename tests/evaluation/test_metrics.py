from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from occpred.evaluation.metrics import AccEM, AccRM

RELATED = {"Cook": ("Waiter", "Baker"), "Baker": ("Cook", "Miller", "Waiter"), "Soldier": ()}
titles = st.sampled_from(["Cook", "Waiter", "Baker", "Miller", "Soldier", "cook"])
answers = st.lists(st.tuples(titles, titles), min_size=1, max_size=30)


def definition(predicted: str, true: str) -> Fraction:
    """What one prediction earns for AccRM, worked with exact numbers."""
    if predicted == true:
        return Fraction(1)
    places = [k for k, title in enumerate(RELATED.get(true, ()), start=1) if title == predicted]
    return Fraction(1, places[0] + 1) if places else Fraction(0)


def test_by_hand():
    predicted = ["Cook", "Waiter", "Baker", "Cook", "cook", "Soldier", "Cook"]
    true = ["Cook", "Cook", "Cook", "Waiter", "Cook", "Soldier", "Soldier"]
    acc_em, acc_rm = AccEM(), AccRM(RELATED)
    acc_em.update(predicted, true)
    acc_rm.update(predicted, true)
    assert acc_em.compute().item() == 100 * 2 / 7
    assert acc_rm.compute().item() == pytest.approx(100 * (1 + 1 / 2 + 1 / 3 + 0 + 0 + 1 + 0) / 7, abs=1e-12)


def test_without_lists_acc_rm_is_acc_em():
    acc_em, acc_rm = AccEM(), AccRM({})
    for metric in (acc_em, acc_rm):
        metric.update(["Cook", "Baker", "Baker"], ["Cook", "Cook", "Baker"])
    assert acc_rm.compute() == acc_em.compute() == 100 * 2 / 3


@given(answers)
def test_equal_to_the_definitions_and_acc_rm_is_never_below(pairs):
    predicted, true = map(list, zip(*pairs, strict=True))
    acc_em, acc_rm = AccEM(), AccRM(RELATED)
    acc_em.update(predicted, true)
    acc_rm.update(predicted, true)
    assert acc_em.compute().item() == pytest.approx(100 * sum(p == t for p, t in pairs) / len(pairs), abs=1e-12)
    exact = 100 * sum(definition(*pair) for pair in pairs) / len(pairs)
    assert acc_rm.compute().item() == pytest.approx(float(exact), abs=1e-12)
    assert acc_rm.compute() >= acc_em.compute()


@given(answers, st.integers(0, 30))
@pytest.mark.parametrize("new_metric", [AccEM, lambda: AccRM(RELATED)], ids=["AccEM", "AccRM"])
def test_two_devices_count_what_one_counts(new_metric, pairs, cut):
    whole, first, second = new_metric(), new_metric(), new_metric()
    for metric, part in ((whole, pairs), (first, pairs[:cut]), (second, pairs[cut:])):
        metric.update([predicted for predicted, _ in part], [true for _, true in part])
    states = {
        name: reduce(torch.stack([getattr(first, name), getattr(second, name)]))
        for name, reduce in first._reductions.items()
    }
    assert all(torch.equal(states[name], getattr(whole, name)) for name in states)
    first.merge_state(second)
    assert first.compute() == whole.compute()


def test_states_are_whole_numbers_that_every_accelerator_holds():
    for metric in (AccEM(), AccRM(RELATED)):
        assert all(state.dtype == torch.long for state in metric.metric_state.values())


def test_reset_forgets():
    metric = AccEM()
    metric.update(["Cook"], ["Baker"])
    metric.reset()
    metric.update(["Cook"], ["Cook"])
    assert metric.compute() == 100


@pytest.mark.parametrize("metric", [AccEM(), AccRM(RELATED)], ids=["AccEM", "AccRM"])
def test_batches_must_pair_up(metric):
    with pytest.raises(ValueError, match="zip"):
        metric.update(["Cook"], ["Cook", "Baker"])


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_nothing_counted_is_not_zero():
    assert math.isnan(AccEM().compute())
    assert math.isnan(AccRM(RELATED).compute())
