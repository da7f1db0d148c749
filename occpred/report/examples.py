"""The worked examples a report shows: drawn at random, so that they are neither the best nor the worst.

Shapes: P examples, C occupations.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from occpred.rankings import Rankings
from occpred.records import JudgeScores, NextOccupationExample
from occpred.report.data import ScoredOccupation, WorkedExample

COUNT = 10
TOP = 5


def worked_examples(
    examples: Sequence[NextOccupationExample],
    rankings: Rankings,
    scores: Mapping[str, JudgeScores] | None = None,
    seed: int = 0,
) -> tuple[WorkedExample, ...]:
    """Draw `COUNT` examples, with the `TOP` most probable occupations of each, in the order of the rankings.

    Args:
        examples: all those that `rankings` answers, in any order.
        rankings: the system's answers.
        scores: a judge's marks of the reasons the system wrote, by example id.
        seed: decides which examples are drawn.
    """
    by_id = {example.example_id: example for example in examples}
    count = len(rankings.example_ids)
    drawn = sorted(random.Random(f"{seed}/report").sample(range(count), min(COUNT, count)))
    probabilities_PC, order_PC = np.exp(rankings.normalised()), rankings.order()
    worked = []
    for row in drawn:
        example = by_id[rankings.example_ids[row]]
        ranked = [rankings.codes[column] for column in order_PC[row]]
        top = [
            ScoredOccupation(rankings.codes[column], float(probabilities_PC[row, column]))
            for column in order_PC[row, :TOP]
        ]
        worked.append(
            WorkedExample(
                example=example,
                top=tuple(top),
                target_rank=1 + ranked.index(example.target_code),
                reason=rankings.reasons[row] if rankings.reasons else "",
                scores=(scores or {}).get(example.example_id),
            )
        )
    return tuple(worked)
