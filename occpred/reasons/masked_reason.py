"""Oracle reasons that no longer name the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from occpred.reasons.leaks import mask_title
from occpred.reasons.source import Material, ReasonSource


@dataclass
class MaskedReason(ReasonSource):
    """Each mention of the target's title gives way to a neutral phrase: what is left is not owed to naming the answer.

    The rest of the reason stays as it is, its field and level too. Held against the plain oracle reason, this shows
    how much of the oracle's advantage is leakage.
    """

    label: ClassVar[str] = "oracle reason, title masked"
    needs_oracle: ClassVar[bool] = True

    mask: str = "this occupation"
    """The phrase that stands in for the title."""

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        for example, texts in zip(material.examples, material.oracle_texts(num_reasons), strict=True):
            yield [mask_title(text, example.target_code, self.mask, material.taxonomy) for text in texts]
