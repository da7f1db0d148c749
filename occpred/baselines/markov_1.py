"""First-order Markov chain: the next occupation depends on the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from occpred.baselines.markov import Markov
from occpred.baselines.popularity import Popularity
from occpred.settings import setting


@dataclass
class Markov1(Markov):
    """`Markov` on the last occupation, backed off to popularity."""

    name: ClassVar[str] = "markov_1"
    order: ClassVar[int] = 1

    back_off: Popularity = setting(Popularity())
    """Answers for transitions that nobody made."""
