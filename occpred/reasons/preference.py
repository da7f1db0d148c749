"""How a model comes to learn from pairs of better and worse completions of its own, if it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from occpred.prompts import plain
from occpred.reasons.pairs import PairCounts, Pairs, Rated, UnpairedError
from occpred.reasons.sampling import Sampling
from occpred.reasons.selection import mean_score
from occpred.records import Completion, JudgedReason, JudgeScores, NextOccupationExample, PreferencePair
from occpred.settings import Settings, setting


@dataclass(frozen=True)
class PairMaterial:
    """What a rule may compare by. A table that the rule does not need may be empty.

    Attributes:
        examples: those that completions were drawn for.
        titles: the official title of each occupation by its code.
        names_occupation: whether the model writes a title after its reason.
        completions: what the model wrote, by example id.
        judged: the marks of those reasons, by example id and candidate.
        oracle: the selected oracle reasons by example id, best first.
        log_probs: log p(true occupation) under the predictor given those reasons, in nats, by example id and candidate.
        log_probs_without_reason: the same given none, by example id.
    """

    examples: Sequence[NextOccupationExample]
    titles: Mapping[str, str]
    names_occupation: bool
    completions: Mapping[str, Sequence[Completion]]
    judged: Mapping[tuple[str, int], JudgeScores] = field(default_factory=dict)
    oracle: Mapping[str, Sequence[JudgedReason]] = field(default_factory=dict)
    log_probs: Mapping[tuple[str, int], float] = field(default_factory=dict)
    log_probs_without_reason: Mapping[str, float] = field(default_factory=dict)

    def rate(self, example: NextOccupationExample, worth: Callable[[Completion], float | None]) -> list[Rated]:
        """Rate the example's completions that have all their parts and a worth, lowest candidate first."""
        written = sorted(self.completions.get(example.example_id, ()), key=lambda completion: completion.candidate)
        rated = [(completion, worth(completion)) for completion in written if self._is_whole(completion)]
        return [Rated(completion, value) for completion, value in rated if value is not None]

    def mean_mark(self, completion: Completion) -> float | None:
        """The mean of a judge's three marks; `None` where the judge could not be brought to answer."""
        scores = self.judged.get((completion.example_id, completion.candidate))
        return None if scores is None else mean_score(scores)

    def log_prob(self, completion: Completion) -> float:
        """How probable the true occupation is given its reason. Raises `KeyError` where that is unknown."""
        return self.log_probs[completion.example_id, completion.candidate]

    def _is_whole(self, completion: Completion) -> bool:
        return bool(plain(completion.reason)) and (bool(plain(completion.answer)) or not self.names_occupation)


@dataclass
class Preference(Settings, ABC):
    """The base of the choices of the `preference` group. `label` is what tables call it."""

    label: ClassVar[str]

    @abstractmethod
    def each_round(self) -> Sequence[PairRule]:
        """The rule of each round of sampling, pairing and training, first to last."""


@dataclass
class NoPreference(Preference):
    """The model stays as it was fine-tuned."""

    label: ClassVar[str] = "no preference"

    def each_round(self) -> Sequence[PairRule]:
        return ()


@dataclass
class PairRule(Preference):
    """What makes one completion better than another."""

    needs_judge: ClassVar[bool] = False
    """Whether the completions have to be marked."""
    needs_oracle: ClassVar[bool] = False
    """Whether oracle reasons for the examples have to be made."""
    needs_predictor: ClassVar[bool] = False
    """Whether a predictor has to read the reasons of a model that names no occupation."""

    rounds: int = setting(1, minimum=1)
    """How often the model, as it then is, is sampled, and trained on the pairs that come of it."""
    sampling: Sampling = setting(Sampling())
    """How completions are drawn. Each round has a seed of its own, which follows from this one's."""

    def each_round(self) -> Sequence[PairRule]:
        # A round does not know how many there are, so that more of them begin with the results of fewer.
        return [replace(self, rounds=1, sampling=self.sampling.of_round(number)) for number in range(self.rounds)]

    def pairs(self, material: PairMaterial) -> Pairs:
        """Pair completions of each example where that is possible, and count where it is not."""
        found: list[PreferencePair] = []
        unpaired: Counter[str] = Counter()
        for example in material.examples:
            try:
                found.append(self.pair(example, material))
            except UnpairedError as error:
                unpaired[error.why.value] += 1
        return Pairs(tuple(found), PairCounts(len(material.examples), len(found), **unpaired))

    @abstractmethod
    def pair(self, example: NextOccupationExample, material: PairMaterial) -> PreferencePair:
        """Pair two completions of `example`.

        Raises:
            UnpairedError: no two of them make a pair.
            KeyError: `material` lacks what the rule needs.
        """
