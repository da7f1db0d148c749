"""Reasons that people have marked, to hold a judge against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.careers.json_history import check_id, find_occupation, place, read_lines
from occpred.careers.source import RowError, rejections
from occpred.errors import UserError
from occpred.records import CareerHistory, RejectedRow
from occpred.settings import Settings, setting

if TYPE_CHECKING:
    from occpred.careers.json_forms import JsonLabel
    from occpred.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True)
class LabelledReason:
    """A reason for the move from `history` to `target_code`, and people's marks of it: some of the three criteria."""

    label_id: str
    history: CareerHistory
    reason: str
    target_code: str
    marks: Mapping[str, int]


@dataclass(frozen=True)
class Labels:
    """What was read: labelled reasons, and lines that were set aside."""

    reasons: tuple[LabelledReason, ...]
    rejected: tuple[RejectedRow, ...]


@dataclass
class JudgeLabels(Settings):
    """Reads a UTF-8 file with one marked reason a line.

    A line is a JSON object such as this one, written on a single line:

        {"label_id": "l1",
         "history": {"education": [{"degree": "BSc", "field": "Nursing"}],
                     "positions": [{"title": "Registered Nurses", "start": "2009-09"}]},
         "reason": "After years on the ward, leading one is the next step.",
         "occupation": "Medical and Health Services Managers",
         "factuality": 5, "coherence": 4, "utility": 4}

    - `label_id`: text, unique in the file.
    - `history`: `positions`, at least one, and maybe `education` and `name`, as `JsonlCareers` reads them.
    - `occupation`: title of the true next occupation; or `occupation_code`, its code.
    - `factuality`, `coherence`, `utility`: 1 (worst) to 5 (best); at least one of them.

    A line that does not fit is set aside with its number and the reason. Blank lines are skipped.
    """

    path: str | None = setting(None, content=True)
    """The file; without one, the judge is held against nobody."""
    max_rejected_share: float = setting(0.5, minimum=0.0, maximum=1.0)
    """The run stops where a larger share of the lines had to be set aside."""

    def read(self, taxonomy: Taxonomy) -> Labels:
        """Read all lines.

        Raises:
            UserError: the path cannot be read, no label is left, or more than `max_rejected_share` is rejected.
        """
        from occpred.careers.json_forms import JsonLabel, parse

        labelled: dict[str, LabelledReason] = {}
        rejected: list[RejectedRow] = []
        try:
            for origin, content in read_lines(Path(self.path or "").expanduser(), "judge labels"):
                try:
                    label = parse(content, JsonLabel)
                    check_id("label_id", label.label_id, labelled, "label")
                    labelled[label.label_id] = _place(label, taxonomy)
                except RowError as error:
                    rejected.append(origin.rejected(error))
        except OSError as error:
            raise UserError(f"judge_labels.path={self.path}: cannot be read: {error.strerror}") from error
        self._check(len(labelled), rejected)
        return Labels(tuple(labelled.values()), tuple(rejected))

    def _check(self, usable: int, rejected: list[RejectedRow]) -> None:
        rows_read = usable + len(rejected)
        found = f"judge_labels.path={self.path}: {rejections(rejected, rows_read, 'label')}"
        if not usable:
            raise UserError(f"{found}; no usable label is left")
        if len(rejected) / rows_read > self.max_rejected_share:
            limit = f"judge_labels.max_rejected_share={self.max_rejected_share}"
            raise UserError(f"{found}; {limit} allows fewer: mend the data or raise the limit")


def _place(label: JsonLabel, taxonomy: Taxonomy) -> LabelledReason:
    marks = {"factuality": label.factuality, "coherence": label.coherence, "utility": label.utility}
    given = {criterion: mark for criterion, mark in marks.items() if mark is not None}
    if not given:
        raise RowError("no mark", f"one of {', '.join(marks)} is needed")
    if not label.reason.strip():
        raise RowError("wrong form", "reason is blank")
    if not label.history.positions:
        raise RowError("too few positions", "a history needs at least one")
    history, _ = place(label.label_id, label.history, taxonomy)
    target_code, _ = find_occupation("occupation", label.occupation_code, label.occupation, taxonomy)
    return LabelledReason(label.label_id, history, label.reason, target_code, given)
