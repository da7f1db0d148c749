"""Second-order Markov chain: the next occupation depends on the last two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from occpred.baselines.markov import Markov
from occpred.baselines.markov_1 import Markov1
from occpred.settings import setting


@dataclass
class Markov2(Markov):
    """`Markov` on the last two occupations, backed off to `Markov1` and so to popularity."""

    name: ClassVar[str] = "markov_2"
    order: ClassVar[int] = 2

    back_off: Markov1 = setting(Markov1())
    """Answers for pairs of occupations that nobody went on from."""
