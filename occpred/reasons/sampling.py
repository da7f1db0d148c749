"""Drawing several completions for one example, so that there is a better and a worse one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from occpred.language_model.generation import Generation
from occpred.records import NextOccupationExample
from occpred.settings import setting


@dataclass
class Sampling(Generation):
    """How completions are drawn, how many, and for whom."""

    max_new_tokens: int = setting(160, minimum=1)
    """Room for a reason and, of a model that names occupations, a title; a completion cut before its end is no use."""
    temperature: float = setting(1.0, above=0)
    """1 samples from the model as it is. At 0 all completions would be the same."""
    num_samples: int = setting(4, minimum=2)
    """Completions of each example."""
    max_examples: int = setting(0, minimum=0)
    """How many examples, chosen by the seed; 0 for all. More of them include those that fewer would have been."""

    def of_round(self, number: int) -> Sampling:
        """The same with the seed of round `number`, from 0: no round repeats the draws, or the choice, of another."""
        return replace(self, seed=random.Random(f"{self.seed}/{number}").getrandbits(31))

    def choose(self, examples: Sequence[NextOccupationExample]) -> list[NextOccupationExample]:
        """The examples to draw for, in their order."""
        places = list(range(len(examples)))
        if self.max_examples:
            random.Random(f"{self.seed}/examples").shuffle(places)
            places = sorted(places[: self.max_examples])
        return [examples[place] for place in places]
