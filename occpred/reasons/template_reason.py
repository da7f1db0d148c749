"""Reasons composed by rule from the history alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from occpred.reasons.source import Material, ReasonSource, texts_by_example
from occpred.reasons.template import TemplateTeacher
from occpred.settings import setting


@dataclass
class TemplateReason(ReasonSource):
    """What the blind template teacher writes, unjudged: reasons that cost no model and never saw the target."""

    label: ClassVar[str] = "template reason"

    seed: int = setting(0, minimum=0)
    """Seed of the teacher's choices."""

    def texts(self, material: Material, num_reasons: int) -> Iterable[Sequence[str]]:
        teacher = TemplateTeacher(sees_target=False, num_candidates=num_reasons, seed=self.seed)
        return texts_by_example(teacher.propose(material.examples, material.taxonomy))
