"""What the stages hand to each other: frozen records, stored as JSON lines.

Records are validated when they are read (pydantic), so a damaged or hand-edited artifact is refused with its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from occpred.errors import UserError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Record = TypeVar("Record")


@dataclass(frozen=True)
class Occupation:
    """One occupation of a taxonomy.

    `code` is the O*NET-SOC 2019 code (`15-1252.00`) or, in another taxonomy, its own key. `job_zone` runs from 1
    (little preparation) to 5 (extensive preparation). `related` holds codes, most related first; it may be empty.
    """

    code: str
    title: str
    job_zone: int | None = None
    related: tuple[str, ...] = ()
    alternate_titles: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class EducationEntry:
    """One completed or current education. Dates are `YYYY` or `YYYY-MM`; `None` is unknown."""

    degree: str
    field: str = ""
    institution: str = ""
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Position:
    """One job. `title` is the wording of the source; `occupation_code` places it in the taxonomy.

    Dates are `YYYY` or `YYYY-MM`; an `end` of `None` is unknown or ongoing.
    """

    occupation_code: str
    title: str
    employer: str = ""
    start: str | None = None
    end: str | None = None
    description: str = ""


@dataclass(frozen=True)
class CareerHistory:
    """One person's education and positions, oldest first.

    `name` is the person's, where the data gives it: it goes into no prompt, and is masked wherever a text repeats it.
    """

    person_id: str
    education: tuple[EducationEntry, ...]
    positions: tuple[Position, ...]
    name: str = ""


@dataclass(frozen=True)
class NextOccupationExample:
    """One question: given `history`, which occupation is `target_code`? Several examples may share a person."""

    example_id: str
    person_id: str
    history: CareerHistory
    target_code: str

    @property
    def is_move(self) -> bool:
        """Whether the target differs from the last occupation of the history (a mover, not a stayer)."""
        return not self.history.positions or self.history.positions[-1].occupation_code != self.target_code


@dataclass(frozen=True)
class TrueReason:
    """What really drove a simulated person's move: known to science, never shown to a model, teacher or judge."""

    example_id: str
    text: str
    preference: Mapping[str, float | str]


@dataclass(frozen=True)
class RejectedRow:
    """Input that was set aside: where it stood, why it was refused, and how it began."""

    source: str
    line: int
    reason: str
    excerpt: str


@dataclass(frozen=True)
class Reason:
    """A text that is to explain an example's next occupation. `candidate` numbers the texts of one example from 0."""

    example_id: str
    candidate: int
    text: str
    source: str


@dataclass(frozen=True)
class Completion:
    """What a model wrote for an example; `candidate` numbers the texts of one example from 0.

    `answer` is the title that followed the reason: empty where the model writes reasons only, or where the title was
    never closed.
    """

    example_id: str
    candidate: int
    reason: str
    answer: str = ""


@dataclass(frozen=True)
class PreferencePair:
    """Two completions for one example, the better and the worse one, with what made them so.

    The worths are in units of the rule that compared them (mean mark of a judge, log-probability of the true
    occupation, 1 or 0 for right or wrong).
    """

    example_id: str
    chosen: Completion
    rejected: Completion
    chosen_worth: float
    rejected_worth: float


@dataclass(frozen=True)
class ReferencedPair:
    """A pair with the log-probability, in nats, that the policy gave to each completion before it learned from it."""

    pair: PreferencePair
    chosen_log_prob: float
    rejected_log_prob: float


@dataclass(frozen=True)
class Call:
    """One answer of a chat model that a result rests on, with the tokens that were read and written for it.

    `question` is what it was asked for: `reason`, `factuality`, `coherence` or `utility`. Malformed ones count.
    """

    example_id: str
    candidate: int
    question: str
    model: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Unanswered:
    """A question that was set aside: what it was about, and why there is no answer that can be used."""

    example_id: str
    candidate: int
    question: str
    model: str
    why: str


@dataclass(frozen=True)
class JudgeScores:
    """A judge's marks, 1 (worst) to 5 (best), with what they rest on (PAPER.md: factuality, coherence, utility)."""

    factuality: int
    coherence: int
    utility: int
    factuality_errors: tuple[str, ...] = ()
    coherence_errors: tuple[str, ...] = ()
    justification: str = ""
    leaks_title: bool = False
    ratings: Mapping[str, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    """By criterion and judge, the marks of each of its samples, where a mark is the median of several."""


@dataclass(frozen=True)
class JudgedReason:
    """A reason together with its marks."""

    reason: Reason
    scores: JudgeScores


@dataclass(frozen=True)
class Estimate:
    """A metric on `n` examples, of so many `persons`, with its interval."""

    value: float
    low: float
    high: float
    n: int
    persons: int


@dataclass(frozen=True)
class SystemMetrics:
    """All metrics of one system on one group of examples (`all`, `movers` or `stayers`)."""

    system: str
    group: str
    metrics: Mapping[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class CalibrationBin:
    """The answers of one bin: mean probability of the first choice, share of them right, and how many there are."""

    confidence: float
    accuracy: float
    count: int


def from_json(kind: type[Record], text: str | bytes) -> Record:
    """Read one record of `kind` from JSON text. Raises `pydantic.ValidationError` where it does not fit."""
    record: Record = _adapter(kind).validate_json(text)  # type: ignore[arg-type]
    return record


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def to_json(record: Any) -> str:
    """Write one record as a single line of JSON, characters kept as they are."""
    return json.dumps(asdict(record), ensure_ascii=False)


def write_jsonl(path: Path, records: Iterable[Any]) -> int:
    """Write records one a line; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(to_json(record) + "\n")
            count += 1
    return count


def read_jsonl(path: Path, kind: type[Record]) -> list[Record]:
    """Read all records of `kind`. Raises `UserError` naming file and line where a line does not fit."""
    from pydantic import ValidationError

    records = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                records.append(from_json(kind, line))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "line"
                raise UserError(f"{path}, line {number}: not a {kind.__name__}: {where}: {first['msg']}") from error
    return records
