"""What every teacher shares: it proposes reasons for people's next occupations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from occpred.records import NextOccupationExample, Reason
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from pathlib import Path

    from occpred.chat.correspondence import Correspondence
    from occpred.chat.plan import PlannedCalls
    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class Teacher(Settings, ABC):
    """A source of oracle reasons."""

    sees_target: bool = False
    """Whether the teacher is told the true next occupation (answer-aware) or has only the history (blind)."""
    num_candidates: int = setting(4, minimum=1)
    """Reasons proposed for each example, at most."""
    until_kept: bool = False
    """Whether to propose one at a time, and no more for an example once `selection.best_of` of its reasons are kept."""
    seed: int = setting(0, minimum=0)
    """Seed of all random choices."""

    @abstractmethod
    def propose(
        self,
        examples: Sequence[NextOccupationExample],
        taxonomy: Taxonomy,
        candidates: Sequence[int],
        correspondence: Correspondence,
    ) -> Iterator[Reason]:
        """Give the reasons of the given numbers for each example, in the order of `examples`, then of `candidates`.

        All examples come at once, so that a teacher may work on many at a time; the reasons come one by one, so that
        the caller can show how far the work is. A candidate does not depend on which others are asked for.

        Args:
            examples: whose next occupations are to be explained.
            taxonomy: holds every occupation.
            candidates: numbers below `num_candidates`.
            correspondence: what is asked of chat models is noted there; a reason that cannot be had as well.
        """

    def plan(
        self,
        examples: Sequence[NextOccupationExample],
        taxonomy: Taxonomy,
        candidates: Sequence[int],
        journals: Path,
    ) -> list[PlannedCalls]:
        """What `propose` would ask of chat models, without asking it: nothing, for a teacher that works by itself."""
        return []
