"""A budget is never overdrawn: worked by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.budget import Account, Budget
from occpred.chat.journal import Totals
from occpred.chat.prices import Prices

PRICES = Prices(prompt_per_million=2.0, completion_per_million=8.0)


def test_prices_are_for_a_million_tokens() -> None:
    assert PRICES.cost(1_000_000, 0) == 2.0
    assert PRICES.cost(500, 250) == pytest.approx(0.001 + 0.002)
    assert Prices().cost(10**9, 10**9) == 0


def test_what_is_under_way_counts_with_its_most_and_what_is_answered_with_its_cost() -> None:
    account = Account(Budget(max_cost=0.010), PRICES, Totals(answers=3, prompt_tokens=500, completion_tokens=250))
    assert account.fits(0.007)  # 0.003 is spent
    assert not account.fits(0.0071)
    account.reserve(0.004)
    assert account.fits(0.003)
    assert not account.fits(0.0031)
    account.spend(250, 125)  # 0.0015 rather than 0.004
    account.release(0.004)
    assert account.is_settled
    assert account.fits(0.0055)
    assert not account.fits(0.0056)
    assert account.limit() == "budget.max_cost=0.01 USD is reached (0.0045 USD spent)"


def test_requests_are_counted_with_those_of_the_journal() -> None:
    account = Account(Budget(max_requests=5), PRICES, Totals(answers=3))
    for _ in range(2):
        assert account.fits(1e9)
        account.reserve(1e9)
    assert not account.fits(0)
    account.release(1e9)  # without an answer
    assert account.fits(0)
    account.reserve(0)
    for _ in range(2):
        account.spend(1, 1)
        account.release(0)
    assert not account.fits(0)
    assert account.limit() == "budget.max_requests=5 is reached"


def test_no_limit_no_end() -> None:
    account = Account(Budget(), PRICES, Totals(10**9, 10**12, 10**12))
    assert account.fits(1e12)


calls = st.lists(st.tuples(st.integers(1, 5000), st.integers(1, 500), st.floats(0, 1), st.integers(0, 4)), max_size=80)


@given(st.integers(1, 400), st.integers(1, 60), calls)
def test_neither_limit_is_ever_passed(
    thousandths: int, max_requests: int, calls: list[tuple[int, int, float, int]]
) -> None:
    budget = Budget(max_cost=thousandths / 1000, max_requests=max_requests)
    account, spent, answers = Account(budget, PRICES, Totals()), 0.0, 0
    under_way: list[tuple[int, int, float]] = []
    for read, written, share, end in calls:
        most = PRICES.cost(read, written)
        if account.fits(most):
            account.reserve(most)
            under_way.append((read, int(share * written), most))
        for _ in range(min(end, len(under_way))):
            read, written, reserved = under_way.pop(0)
            account.spend(read, written)
            account.release(reserved)
            spent, answers = spent + PRICES.cost(read, written), answers + 1
        assert spent <= budget.max_cost + 1e-12
        assert answers <= max_requests
