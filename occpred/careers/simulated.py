"""Simulated careers: people whose moves are driven by a preference that their history shows only in part.

Nobody in here is real. Because the preference is known, so is the true reason of every step, and how well an ideal
observer could foresee it (`World`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from occpred.careers.disclosure import Disclosure
from occpred.careers.mobility import read_mobility
from occpred.careers.person import MAX_POSITIONS, SimulatedPerson, draw_person
from occpred.careers.source import MIN_POSITIONS, CareerData, Careers
from occpred.careers.true_reason import true_reasons
from occpred.careers.world import World
from occpred.progress import progress
from occpred.settings import setting
from occpred.taxonomy.taxonomy import Taxonomy


@dataclass
class SimulatedCareers(Careers):
    """People drawn one by one, each from a generator of their own: person 7 is the same in a crowd of 10 or 200,000."""

    num_people: int = setting(1000, minimum=1)
    seed: int = setting(0, minimum=0)
    mean_positions: float = setting(5.0, minimum=MIN_POSITIONS, maximum=MAX_POSITIONS)
    """Mean length of a career; the shortest has two positions, the longest twelve."""
    stay_share: float = setting(0.35, minimum=0.0, below=1.0)
    """Mean probability that a position repeats the occupation of the one before."""
    preference_strength: float = setting(1.0, minimum=0.0)
    """How strongly calling, interest, ambition and stability steer each step; at 0 people take the common paths."""
    disclosure: float = setting(0.7, minimum=0.0, maximum=1.0)
    """Share of the positions whose description says what the person liked, which hints at the preference."""
    alternate_title_share: float = setting(0.3, minimum=0.0, maximum=1.0)
    """Share of the positions titled with one of the occupation's alternate titles, where it has any."""
    mobility_path: Optional[str] = setting(None, content=True)  # noqa: UP045 (OmegaConf knows no `str | None`)
    """An edge list of observed moves (see `mobility.py`), which people then follow; by default the related lists."""

    def read(self, taxonomy: Taxonomy) -> CareerData:
        """Simulate everybody. Raises `UserError` where the mobility file is unusable or the taxonomy too small."""
        indexes = progress(range(self.num_people), "careers", total=self.num_people, unit="person")
        world = self.world(taxonomy)
        people = list(self._draw(world, indexes))
        histories = tuple(person.history for person in people)
        pairs = sum(len(history.positions) - 1 for history in histories)
        stays = sum(
            before.occupation_code == after.occupation_code
            for history in histories
            for before, after in zip(history.positions, history.positions[1:], strict=False)
        )
        return CareerData(
            people=histories,
            rejected=(),
            rows_read=self.num_people,
            facts={"positions_mean": pairs / self.num_people + 1, "stay_share": stays / pairs},
            true_reasons=tuple(reason for person in people for reason in true_reasons(world, person)),
        )

    def world(self, taxonomy: Taxonomy) -> World:
        """The exact probabilities behind these careers. Raises `UserError` as `read` does."""
        mobility_CC = None if self.mobility_path is None else read_mobility(Path(self.mobility_path), taxonomy)
        return World(taxonomy, self.preference_strength, self.stay_share, mobility_CC)

    def simulate(self, taxonomy: Taxonomy, indexes: Iterable[int]) -> Iterator[SimulatedPerson]:
        """The people of these indexes, whatever `num_people` is, so that processes can share the work."""
        return self._draw(self.world(taxonomy), indexes)

    def _draw(self, world: World, indexes: Iterable[int]) -> Iterator[SimulatedPerson]:
        disclosure = Disclosure(world, self.disclosure, self.alternate_title_share)
        for index in indexes:
            yield draw_person(world, disclosure, self.mean_positions, self.seed, index)
