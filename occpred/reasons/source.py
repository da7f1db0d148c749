"""Where reasons come from: those that a model learns from, and those that its answers rest on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Protocol

from occpred.language_model.generation import Generation
from occpred.records import JudgedReason, NextOccupationExample, Reason
from occpred.settings import SettingError, Settings

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy


class ReasonWriter(Protocol):
    """The model under test, ready to write reasons for the examples at hand."""

    def __call__(self, generation: Generation, num_reasons: int, /) -> Iterator[Reason]:
        """Write `num_reasons` reasons for each example, in the order of examples, then of candidate."""


@dataclass(frozen=True)
class Material:
    """What a source may draw on.

    Attributes:
        examples: who needs reasons.
        taxonomy: holds every target's occupation.
        oracle: the selected oracle reasons by example id, best first; may be empty unless the source `needs_oracle`.
        write: lets the model under test write; `None` unless the source `needs_writer`.
    """

    examples: Sequence[NextOccupationExample]
    taxonomy: Taxonomy
    oracle: Mapping[str, Sequence[JudgedReason]] = field(default_factory=dict)
    write: ReasonWriter | None = None

    def oracle_texts(self, num_reasons: int) -> list[list[str]]:
        """The best oracle reasons of each example, at most `num_reasons`, in the order of examples.

        An example whose candidates were all refused has none.
        """
        return [
            [judged.reason.text for judged in self.oracle.get(example.example_id, ())[:num_reasons]]
            for example in self.examples
        ]


@dataclass
class ReasonSource(Settings, ABC):
    """The base of the choices of the `reason` group. `label` is what tables call it."""

    label: ClassVar[str]
    needs_oracle: ClassVar[bool] = False
    """Whether oracle reasons for the examples have to be made."""
    needs_writer: ClassVar[bool] = False
    """Whether the model under test has to write."""

    def __call__(self, material: Material, num_reasons: int) -> Iterator[Reason]:
        """Give each example at least one reason and at most `num_reasons`.

        Args:
            material: what the reasons are made of.
            num_reasons: at least 1.

        Yields:
            The reasons in the order of examples, then of candidate. The empty text is no reason: an example for which
            the source has nothing gets that.

        Raises:
            UserError: so many reasons cannot be had from this source or this material.
        """
        self.check(num_reasons)
        for example, texts in zip(material.examples, self.texts(material, num_reasons), strict=True):
            for candidate, text in enumerate(texts or [""]):
                yield Reason(example.example_id, candidate, text, source=type(self).__name__)

    def check(self, num_reasons: int) -> None:
        """Raise `SettingError` where settings rule out `num_reasons` reasons; call it before there is any material."""

    @abstractmethod
    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        """The texts of each example, at most `num_reasons`, in the order of examples; none where there is no reason."""


@dataclass
class NoReason(ReasonSource):
    """The answer follows the history at once."""

    label: ClassVar[str] = "no reason"

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        return ([] for _ in material.examples)


@dataclass
class GeneratedReason(ReasonSource):
    """The model under test writes its own reasons from the history."""

    label: ClassVar[str] = "own reason"
    needs_writer: ClassVar[bool] = True

    generation: Generation = field(default_factory=Generation)
    """How the reasons are drawn."""

    def check(self, num_reasons: int) -> None:
        if num_reasons > 1 and self.generation.temperature == 0:
            raise SettingError(
                f"num_reasons={num_reasons}: a model's own reasons are all the same at generation.temperature=0; "
                "set it above 0, as to 1, or num_reasons to 1"
            )

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        if material.write is None:
            raise ValueError("own reasons need a model that writes them")
        return texts_by_example(material.write(self.generation, num_reasons))


@dataclass
class OracleReason(ReasonSource):
    """The teacher's judged and selected reasons: an upper bound where the teacher has seen the target."""

    label: ClassVar[str] = "oracle reason"
    needs_oracle: ClassVar[bool] = True

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        return material.oracle_texts(num_reasons)


def texts_by_example(reasons: Iterable[Reason]) -> Iterator[list[str]]:
    """The texts of neighbouring reasons for one example, together."""
    for _, own in groupby(reasons, key=lambda reason: reason.example_id):
        yield [reason.text for reason in own]
