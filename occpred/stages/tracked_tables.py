"""The tables that tracking shows of an evaluated model: its answers one by one, and the judge's marks of its reasons.

Shapes: P examples, C occupations.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence, Set

import numpy as np

from occpred.findings import CRITERIA
from occpred.prompts import render_history
from occpred.rankings import Rankings
from occpred.records import JudgedReason, JudgeScores, NextOccupationExample
from occpred.taxonomy.taxonomy import Taxonomy
from occpred.tracking.tracking import Scalar, Tracker

TOP = 5
Row = list[Scalar | None]


def drawn(examples: Sequence[NextOccupationExample], count: int) -> list[int]:
    """The places of at most `count` examples, drawn at random and always the same, in their order."""
    return sorted(random.Random("tracked").sample(range(len(examples)), min(count, len(examples))))


def log_answers(
    tracker: Tracker,
    places: Sequence[int],
    examples: Sequence[NextOccupationExample],
    rankings: Rankings,
    taxonomy: Taxonomy,
    marks: Sequence[JudgedReason],
) -> None:
    """Log the table `answers`: a row for each of the examples at `places`.

    Args:
        tracker: where to.
        places: which examples.
        examples: all of them, in the order of `rankings`.
        rankings: the model's answers.
        taxonomy: gives the titles.
        marks: a judge's marks of the reasons that the answers rest on, where there are any.
    """
    choices = [name for number in range(1, TOP + 1) for name in (f"choice {number}", f"probability {number}")]
    columns = ["example", "history", "reason", *CRITERIA, "next occupation", "rank", *choices]
    scores = {entry.reason.example_id: entry.scores for entry in marks if entry.reason.candidate == 0}
    rows = (
        [
            examples[place].example_id,
            render_history(examples[place].history, taxonomy),
            rankings.reasons[place] if rankings.reasons else None,
            *_marks(scores.get(examples[place].example_id)),
            taxonomy[examples[place].target_code].title,
            *answer,
        ]
        for place, answer in zip(places, _answers(places, examples, rankings, taxonomy), strict=True)
    )
    tracker.log_table("answers", columns, list(rows))


def log_marks(tracker: Tracker, shown: Set[str], marks: Sequence[JudgedReason]) -> None:
    """Log the table `judge`, a row for each reason of the examples that are `shown`, and all reasons' mean marks."""
    columns = [
        *("example", "candidate", "reason", *CRITERIA),
        *("names the occupation", "factual errors", "contradictions", "justification"),
    ]
    rows: list[Row] = [
        [
            entry.reason.example_id,
            entry.reason.candidate,
            entry.reason.text,
            *_marks(entry.scores),
            str(entry.scores.leaks_title).lower(),
            "\n".join(entry.scores.factuality_errors),
            "\n".join(entry.scores.coherence_errors),
            entry.scores.justification,
        ]
        for entry in marks
        if entry.reason.example_id in shown
    ]
    tracker.log_table("judge", columns, rows)
    means = {name: float(np.mean([getattr(entry.scores, name) for entry in marks])) for name in CRITERIA if marks}
    tracker.log_summary({f"judge/{name}": mean for name, mean in means.items()})


def _marks(scores: JudgeScores | None) -> Row:
    return [getattr(scores, name) if scores else None for name in CRITERIA]


def _answers(
    places: Sequence[int], examples: Sequence[NextOccupationExample], rankings: Rankings, taxonomy: Taxonomy
) -> Iterator[Row]:
    """The rank of the true occupation, then title and probability of the most probable ones."""
    probabilities_PC, order_PC = np.exp(rankings.normalised()), rankings.order()
    for place in places:
        target = taxonomy.index(examples[place].target_code)
        row: Row = [1 + int(np.flatnonzero(order_PC[place] == target)[0])]
        for column in order_PC[place, :TOP]:
            row += [taxonomy.occupations[column].title, float(probabilities_PC[place, column])]
        yield row
