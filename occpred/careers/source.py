"""What every source of careers shares: the component's interface and what it hands over."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from occpred.errors import UserError
from occpred.records import CareerHistory, RejectedRow, TrueReason
from occpred.settings import MISSING, Settings, setting

if TYPE_CHECKING:
    from occpred.taxonomy.taxonomy import Taxonomy

logger = logging.getLogger(__name__)

MIN_POSITIONS = 2
"""A career teaches something only where one position follows another."""
_EXCERPT_BYTES = 80


@dataclass(frozen=True)
class CanonicalCut:
    """A split that comes with the data: indices into one person's `positions`, 1 <= validation < test."""

    validation_position: int
    test_position: int


@dataclass(frozen=True)
class CareerData:
    """All that was read: usable people, what was set aside, and what is known about the whole.

    Attributes:
        people: everybody with at least `MIN_POSITIONS` positions, in the order of the source; ids are unique.
        rejected: rows set aside; accepted rows + rejected rows = `rows_read`.
        rows_read: number of rows of the source, counted in `unit`.
        facts: findings for the report, such as `{"esco_codes_mapped_share": 0.98}`.
        true_reasons: what really drove the moves; known of simulated people only.
        cuts: validation and test position of every person id, where the data gives a split.
        unit: what one row holds, a `person` or a `position`.
    """

    people: tuple[CareerHistory, ...]
    rejected: tuple[RejectedRow, ...]
    rows_read: int
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
    true_reasons: tuple[TrueReason, ...] = ()
    cuts: Mapping[str, CanonicalCut] | None = None
    unit: str = "person"

    @property
    def rejected_share(self) -> float:
        """Rejected rows over rows read, 0 to 1."""
        return len(self.rejected) / max(self.rows_read, 1)


@dataclass
class Careers(Settings, ABC):
    """A source of careers: simulated, or read from files."""

    @abstractmethod
    def read(self, taxonomy: Taxonomy) -> CareerData:
        """Give all careers, their occupations placed in `taxonomy`. Raises `UserError` where nothing usable is left."""


@dataclass
class CareerFiles(Careers):
    """A source that reads files, sets bad rows aside and stops only where too few good ones are left."""

    path: str = setting(MISSING, content=True)
    """The file or folder to read."""
    max_positions: int = setting(100, minimum=MIN_POSITIONS)
    """A longer history is taken for a fault of the data and set aside."""
    max_rejected_share: float = setting(0.5, minimum=0.0, maximum=1.0)
    """The run stops where a larger share of the rows had to be set aside."""

    def read(self, taxonomy: Taxonomy) -> CareerData:
        """Read all rows, and say how many were set aside where some were.

        Raises:
            UserError: the path cannot be read, no usable career is left, or more than `max_rejected_share` is rejected.
        """
        try:
            data = self.read_rows(taxonomy)
        except OSError as error:
            given = f"careers.path={self.path}"
            raise UserError(f"{given}: {error.filename} cannot be read: {error.strerror}") from error
        self._check(data)
        return data

    @abstractmethod
    def read_rows(self, taxonomy: Taxonomy) -> CareerData:
        """Read all rows, however few of them are usable."""

    def check_length(self, positions: int) -> None:
        """Raise `RowError` where a career of so many positions is too short or too long."""
        if positions < MIN_POSITIONS:
            raise RowError("too few positions", f"{positions}, but history and target need at least {MIN_POSITIONS}")
        if positions > self.max_positions:
            raise RowError("too many positions", f"{positions}, careers.max_positions={self.max_positions}")

    def _check(self, data: CareerData) -> None:
        found = f"careers.path={self.path}: {rejections(data.rejected, data.rows_read, data.unit)}"
        if not data.people:
            raise UserError(f"{found}; no usable career is left")
        if data.rejected_share > self.max_rejected_share:
            limit = f"careers.max_rejected_share={self.max_rejected_share}"
            raise UserError(f"{found}; {limit} allows fewer: mend the data or raise the limit")
        if data.rejected:
            logger.warning("%s", found)


def rejections(rejected: Sequence[RejectedRow], rows_read: int, unit: str) -> str:
    """Say how many rows, each of them one `unit`, were set aside, and what the most frequent fault was."""
    counts = f"{len(rejected)} of {rows_read} rows (one {unit} each) rejected"
    if not rejected:
        return counts
    kind, times = Counter(row.reason.partition(":")[0] for row in rejected).most_common(1)[0]
    first = next(row for row in rejected if row.reason.startswith(kind))
    return f"{counts}, {times} of them for {kind!r} (first in {first.source}, line {first.line}: {first.reason})"


class RowError(Exception):
    """Why a row is set aside: the kind of fault, by which faults are counted, and what exactly was found."""

    def __init__(self, kind: str, found: str) -> None:
        super().__init__(f"{kind}: {found}")


@dataclass(frozen=True)
class RowOrigin:
    """Where a row stood, line 1 being a file's first, and how it began."""

    source: str
    line: int
    excerpt: str

    @classmethod
    def of(cls, source: str, line: int, content: bytes) -> RowOrigin:
        """The origin of a row of which only the beginning of `content` is kept."""
        return cls(source, line, content[:_EXCERPT_BYTES].decode("utf-8", errors="replace").rstrip())

    def rejected(self, error: RowError) -> RejectedRow:
        """The record of the row set aside because of `error`."""
        return RejectedRow(self.source, self.line, str(error), self.excerpt)
