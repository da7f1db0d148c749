"""Who is learnt from and who is asked: from careers to examples."""

from __future__ import annotations

import random
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from occpred.careers.source import CareerData
from occpred.dates import beginning, month_range
from occpred.errors import UserError
from occpred.records import CareerHistory, NextOccupationExample
from occpred.settings import MISSING, SettingError, Settings, setting


@dataclass(frozen=True)
class Examples:
    """The questions of each part, and what a baseline may learn from.

    Attributes:
        train: examples to learn from.
        validation: examples to choose by; there may be none.
        test: examples to be asked in the end.
        training_careers: careers, or their beginnings, without any target of validation and test. One of a single
            position makes no example, but counts for how popular an occupation is.
        facts: findings for the report, such as `{"targets_undated": 12}`.
    """

    train: tuple[NextOccupationExample, ...]
    validation: tuple[NextOccupationExample, ...]
    test: tuple[NextOccupationExample, ...]
    training_careers: tuple[CareerHistory, ...]
    facts: Mapping[str, float | int | str] = field(default_factory=dict)


@dataclass(frozen=True)
class CareerCut:
    """How one career is used.

    Attributes:
        train: indices of the positions that are targets of train examples, ascending; so `validation` and `test`.
        learnable: how many positions, counted from the first, a baseline may learn from.
        visible_at_test: how many positions a test example shows; `None` for all before its target.
        undated: how many targets are used nowhere because their date is unknown.
    """

    career: CareerHistory
    train: Sequence[int] = ()
    validation: Sequence[int] = ()
    test: Sequence[int] = ()
    learnable: int = 0
    visible_at_test: int | None = None
    undated: int = 0


@dataclass
class Split(Settings, ABC):
    """Cuts careers into examples.

    An example's id is `<person id>/<index of its target among the positions>`. Its history shows nothing that came
    after the first hidden position had begun: education begun later is left out, an end that came later is left open.
    """

    examples_per_person: int = setting(1, minimum=0)
    """How many examples one person gives to one part at most, the most recent ones; 0 for all."""
    max_test_people: int = setting(0, minimum=0)
    """How many people are asked at most, drawn by `seed`; 0 for all."""
    max_train_people: int = setting(0, minimum=0)
    """How many people are learnt from at most, by models and baselines alike; 0 for all. More people include fewer."""
    seed: int = setting(0)

    def __call__(self, data: CareerData) -> Examples:
        """Split all people of `data`, keeping their order.

        Raises:
            UserError: the data lacks what the split needs, or no train or no test example comes of it.
        """
        cuts = list(self.cuts(data))
        asked = self._drawn("test", [cut.career.person_id for cut in cuts if cut.test], self.max_test_people)
        learnt_from = self._drawn(
            "train", [cut.career.person_id for cut in cuts if cut.learnable], self.max_train_people
        )
        examples = Examples(
            train=tuple(
                example
                for cut in cuts
                if cut.career.person_id in learnt_from
                for example in self._examples(cut.career, cut.train)
            ),
            validation=tuple(example for cut in cuts for example in self._examples(cut.career, cut.validation)),
            test=tuple(
                example
                for cut in cuts
                if cut.career.person_id in asked
                for example in self._examples(cut.career, cut.test, cut.visible_at_test)
            ),
            training_careers=tuple(
                beginning(cut.career, cut.learnable)
                for cut in cuts
                if cut.learnable and cut.career.person_id in learnt_from
            ),
            facts={"targets_undated": sum(cut.undated for cut in cuts)},
        )
        for part, its_examples in (("train", examples.train), ("test", examples.test)):
            if not its_examples:
                raise UserError(f"{type(self).__name__}: {len(cuts)} people give no {part} example; change the split")
        return examples

    @abstractmethod
    def cuts(self, data: CareerData) -> Iterator[CareerCut]:
        """How each career is used, in the order of the data. Raises `UserError` where the data does not allow it."""

    def _drawn(self, part: str, person_ids: Sequence[str], most: int) -> frozenset[str]:
        if not 0 < most < len(person_ids):
            return frozenset(person_ids)
        order = sorted(person_ids)
        random.Random(f"{part} people/{self.seed}").shuffle(order)
        return frozenset(order[:most])

    def _examples(
        self, career: CareerHistory, targets: Sequence[int], visible: int | None = None
    ) -> Iterator[NextOccupationExample]:
        for target in targets[-self.examples_per_person :]:
            yield NextOccupationExample(
                example_id=f"{career.person_id}/{target}",
                person_id=career.person_id,
                history=beginning(career, target if visible is None else visible),
                target_code=career.positions[target].occupation_code,
            )


@dataclass
class SplitByPerson(Split):
    """Every person belongs to one part alone, drawn by `seed`: how well does it go for people never seen?"""

    test_share: float = setting(0.2, above=0.0, below=1.0)
    """Share of the people that are asked; at least one person."""
    validation_share: float = setting(0.1, minimum=0.0, below=1.0)
    """Share of the people to validate on; at least one person unless it is 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.test_share + self.validation_share >= 1:
            shares = f"test_share={self.test_share} and validation_share={self.validation_share}"
            raise SettingError(f"SplitByPerson: {shares} leave nobody to learn from; their sum must be below 1")

    def cuts(self, data: CareerData) -> Iterator[CareerCut]:
        num_test = max(1, round(self.test_share * len(data.people)))
        num_validation = max(1, round(self.validation_share * len(data.people))) if self.validation_share else 0
        person_ids = sorted(career.person_id for career in data.people)
        random.Random(f"split by person/{self.seed}").shuffle(person_ids)
        test = frozenset(person_ids[:num_test])
        validation = frozenset(person_ids[num_test : num_test + num_validation])
        for career in data.people:
            targets = range(1, len(career.positions))
            if career.person_id in test:
                yield CareerCut(career, test=targets)
            elif career.person_id in validation:
                yield CareerCut(career, validation=targets)
            else:
                yield CareerCut(career, train=targets, learnable=len(career.positions))


@dataclass
class SplitByTime(Split):
    """The start of the target decides: how well does it go for the time to come?

    A target whose start is unknown, or a year in which a border falls, is used nowhere and counted (`targets_undated`).
    A person may have examples in every part.
    """

    validation_from: str = setting(MISSING)
    """`YYYY` or `YYYY-MM`: positions that started earlier are learnt from."""
    test_from: str = setting(MISSING)
    """`YYYY` or `YYYY-MM`: positions that started then or later are asked for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            validation_from, test_from = self._borders()
        except ValueError as error:
            raise SettingError(f"SplitByTime.validation_from, test_from: {error}") from error
        if validation_from > test_from:
            dates = f"validation_from={self.validation_from}, test_from={self.test_from}"
            raise SettingError(f"SplitByTime: {dates}: validation must not begin after test")

    def cuts(self, data: CareerData) -> Iterator[CareerCut]:
        validation_from, test_from = self._borders()
        for career in data.people:
            early = _started(career, 0, validation_from)
            train = [index for index in early if index > 0]
            validation = [index for index in _started(career, validation_from, test_from) if index > 0]
            test = [index for index in _started(career, test_from, sys.maxsize) if index > 0]
            undated = len(career.positions) - 1 - len(train) - len(validation) - len(test)
            learnable = early[-1] + 1 if early else 0
            yield CareerCut(career, train, validation, test, learnable, undated=undated)

    def _borders(self) -> tuple[int, int]:
        return month_range(self.validation_from)[0], month_range(self.test_from)[0]


def _started(career: CareerHistory, since: int, until: int) -> list[int]:
    """Indices of the positions that surely started in month `since` or later and before month `until`."""
    ranges = [month_range(position.start) if position.start else None for position in career.positions]
    return [index for index, months in enumerate(ranges) if months and since <= months[0] and months[1] < until]


class VisibleUntil(Enum):
    """Where the history of a test example ends."""

    TEST = "test"
    """Right before the target: the natural question."""
    VALIDATION = "validation"
    """Before the validation position, which stays hidden: the protocol of the published benchmark figures."""


@dataclass
class CanonicalSplit(Split):
    """The split that comes with the data: per person one validation position and a later test position.

    Positions before the validation position are learnt from, so each person is both learnt from and asked.
    """

    visible_until: VisibleUntil = setting(VisibleUntil.TEST)

    def cuts(self, data: CareerData) -> Iterator[CareerCut]:
        if data.cuts is None:
            raise UserError("CanonicalSplit: these careers come without a split; take SplitByPerson or SplitByTime")
        for career in data.people:
            cut = data.cuts[career.person_id]
            yield CareerCut(
                career,
                train=range(1, cut.validation_position),
                validation=[cut.validation_position],
                test=[cut.test_position],
                learnable=cut.validation_position,
                visible_at_test=cut.validation_position if self.visible_until is VisibleUntil.VALIDATION else None,
            )
