"""How much may be spent on a model, and what of it is spoken for."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.chat.journal import Totals
from occpred.chat.prices import Prices
from occpred.settings import Settings, setting


@dataclass
class Budget(Settings):
    """Limits on all that a journal holds, whichever runs asked for it; 0 is no limit."""

    max_cost: float = setting(0.0, minimum=0)
    """In the currency of the price table."""
    max_requests: int = setting(0, minimum=0)
    """Answered requests. Failed attempts do not count, as servers do not charge for them."""


class Account:
    """Keeps spending within a budget: the most that a request can cost is set aside before it is sent.

    Args:
        budget: the limits.
        prices: what the model's tokens cost.
        spent: what the journal holds already.
    """

    def __init__(self, budget: Budget, prices: Prices, spent: Totals) -> None:
        self._budget = budget
        self._prices = prices
        self._requests = spent.answers
        self._cost = prices.cost(spent.prompt_tokens, spent.completion_tokens)
        self._under_way = 0
        self._reserved = 0.0

    @property
    def is_settled(self) -> bool:
        """Whether nothing is set aside, so that what does not fit now never will."""
        return not self._under_way

    def fits(self, most: float) -> bool:
        """Whether one more request that costs at most so much can be afforded."""
        max_requests, max_cost = self._budget.max_requests, self._budget.max_cost
        affordable = not max_cost or self._cost + self._reserved + most <= max_cost
        return affordable and (not max_requests or self._requests + self._under_way < max_requests)

    def reserve(self, most: float) -> None:
        """Set aside what a request will cost at most."""
        self._under_way += 1
        self._reserved += most

    def release(self, most: float) -> None:
        """Take back what was set aside for a request, now that it has come to its end."""
        self._under_way -= 1
        self._reserved = self._reserved - most if self._under_way else 0.0  # rounding does not add up

    def spend(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Note an answer."""
        self._requests += 1
        self._cost += self._prices.cost(prompt_tokens, completion_tokens)

    def limit(self) -> str:
        """Which limit keeps further requests from being sent, as settings, and what was spent."""
        budget, currency = self._budget, self._prices.currency
        if budget.max_requests and self._requests >= budget.max_requests:
            return f"budget.max_requests={budget.max_requests} is reached"
        return f"budget.max_cost={budget.max_cost:g} {currency} is reached ({self._cost:.4f} {currency} spent)"
