"""What tokens cost."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.settings import Settings, setting


@dataclass
class Prices(Settings):
    """The price table of one model; 0 where nothing is charged, or the price is not known."""

    prompt_per_million: float = setting(0.0, minimum=0)
    """For a million tokens read."""
    completion_per_million: float = setting(0.0, minimum=0)
    """For a million tokens written."""
    currency: str = "USD"
    """What prices, costs and `budget.max_cost` are in."""

    @property
    def are_known(self) -> bool:
        """Whether any is given."""
        return bool(self.prompt_per_million or self.completion_per_million)

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What reading and writing so many tokens costs."""
        return (prompt_tokens * self.prompt_per_million + completion_tokens * self.completion_per_million) / 1e6
