"""What comparisons of systems and checks of judges find. Reports are made of these records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from occpred.records import Estimate

CRITERIA = ("factuality", "coherence", "utility")
"""What judges mark."""
MARKS = (1, 2, 3, 4, 5)
"""Worst to best."""
FEWEST_PERSONS = 30
"""Intervals from drawing fewer people than this are too narrow for a conclusion to rest on them."""


@dataclass(frozen=True)
class PairedTest:
    """`system` minus `reference` on the same examples of `group`, with an interval and a test of no difference.

    `test` names the test in words. `p_adjusted` is Holm's, over all systems that are held against the reference in this
    metric and group.
    """

    system: str
    reference: str
    group: str
    metric: str
    difference: Estimate
    test: str
    p_value: float
    p_adjusted: float


class Outcome(Enum):
    """What the data say about a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    UNDECIDED = "undecided at this n"


@dataclass(frozen=True)
class Verdict:
    """One claim of the paper and what became of it here.

    Attributes:
        claim: its letter.
        statement: what is claimed, as a sentence.
        outcome: what the data say.
        figures: the figures it rests on, a sentence each.
        persons: how many persons these rest on.
        persons_needed: how many would decide it with 80% power, were the difference as large as estimated; `None` where
            it is decided, or where no number of persons would do.
    """

    claim: str
    statement: str
    outcome: Outcome
    figures: tuple[str, ...]
    persons: int
    persons_needed: int | None = None


@dataclass(frozen=True)
class DosePoint:
    """The answers whose reasons got about this mark: the mean mark, and how good the answers were."""

    mark: float
    response: Estimate


@dataclass(frozen=True)
class DoseResponse:
    """How a metric depends on one mark of the reasons that the answers rest on.

    `slope` is the change of the metric for one mark more, over all answers; `within` the same among answers to one and
    the same example, which leaves out that some people are easier; `None` where no example has reasons of unlike marks.
    """

    criterion: str
    metric: str
    points: tuple[DosePoint, ...]
    slope: Estimate
    within: Estimate | None = None


@dataclass(frozen=True)
class Cost:
    """What a system took, over all its seeds: tokens learned from, seconds of all its stages, peak memory."""

    target_tokens: int
    seconds: float
    peak_memory_bytes: int | None = None


@dataclass(frozen=True)
class FailedJob:
    """A job of a sweep that ended without a result: its overrides, and why in one line."""

    label: str
    overrides: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Fact:
    """A number worth a sentence, such as how well a judge tells true reasons from false ones."""

    name: str
    estimate: Estimate
    meaning: str
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """How far the raters of reasons agree on one criterion.

    Attributes:
        criterion: what they marked.
        judge: whose samples the raters are; empty where they are the judges.
        raters: how many there are.
        reasons: how many reasons at least two of them marked.
        alpha: Krippendorff's for ordinal marks; `None` where it is not defined.
        mean_spread: mean over the reasons of the highest mark minus the lowest; `None` where there is no reason.
        unanimous_share: share of the reasons on which all agree; likewise.
    """

    criterion: str
    judge: str
    raters: int
    reasons: int
    alpha: float | None = None
    mean_spread: float | None = None
    unanimous_share: float | None = None


@dataclass(frozen=True)
class TrendPoint:
    """Reasons that stand at about the same place, such as a length: their mean place and their mean mark."""

    place: float
    mark: Estimate


@dataclass(frozen=True)
class MarkTrend:
    """How the marks of one criterion depend on a place: a reason's length, or its number among the candidates.

    `correlation` is Spearman's; `None` where all marks or all places are the same.
    """

    criterion: str
    correlation: Estimate | None
    points: tuple[TrendPoint, ...]


@dataclass(frozen=True)
class LabelAgreement:
    """How far a judge's marks of one criterion agree with people's labels of the same `count` reasons.

    `pearson`, `spearman` and `kappa` (Cohen's, quadratic weights) are `None` where they are not defined. `confusion`
    counts the reasons with each label from 1 to 5 (outer) and each mark from 1 to 5 (inner).
    """

    criterion: str
    count: int
    pearson: Estimate | None
    spearman: Estimate | None
    kappa: Estimate | None
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LargestError:
    """By how much `metric` of a system on `group` may be off at most, in its units; 0 where it is exact."""

    group: str
    metric: str
    error: float


@dataclass(frozen=True)
class Certainty:
    """What is certain where not all titles were computed: the `top` most probable ones of each answer.

    Of each answer `epsilon` was allowed to remain unknown, and `largest` of all titles' probability was, at most. In
    `num_exact` of `num_answers` nothing was: all titles were computed, for the model was not sure.
    """

    epsilon: float
    top: int
    largest: float
    num_exact: int
    num_answers: int
    errors: tuple[LargestError, ...]
