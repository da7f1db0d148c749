"""The paper's three claims, and what the data of a sweep say about each.

Source of the claims: Dong et al., "On Reasoning Behind Next Occupation Recommendation", arXiv 2604.21204.

All are judged by AccEM, over movers and stayers together; what holds for movers alone stands among the figures.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from occpred.evaluation.comparison import Comparison, persons_by_group
from occpred.evaluation.decision import Decision, Rule, all_of
from occpred.evaluation.dose import MEAN_MARK
from occpred.evaluation.intervals import Evaluation
from occpred.evaluation.scores import Scores
from occpred.findings import DoseResponse, Outcome, PairedTest, Verdict
from occpred.records import Estimate

MEASURE = "acc_em"
_FIGURES_OF = {"all": "", "movers": " among movers"}


_KNOWS_THE_ANSWER = (
    "utility is marked by a judge who knows the true occupation, so a reason that leads to it earns both the mark and "
    "the answer; factuality and coherence are marked without that knowledge"
)


@dataclass(frozen=True)
class Evidence:
    """What the claims are judged by.

    Attributes:
        systems: scores by label, seeds pooled.
        supervised: labels of the baselines that learn from all training careers.
        unsupervised: labels of the backbones that were not tuned.
        doses: how the answers of the joint model depend on the marks of its reasons (`dose.dose_responses`).
        judged_persons: how many persons' reasons were marked for `doses`; 0 where none were.
    """

    systems: Mapping[str, Scores]
    supervised: Collection[str] = ()
    unsupervised: Collection[str] = ()
    doses: Sequence[DoseResponse] = ()
    judged_persons: int = 0


def verdicts(evidence: Evidence, comparison: Comparison, evaluation: Evaluation) -> list[Verdict]:
    """Judge each claim whose rows are in the sweep, in the order of the claims."""
    systems, joint = evidence.systems, comparison.joint

    def against(rivals: Collection[str]) -> list[PairedTest]:
        present = [label for label in systems if label in rivals and label != joint and joint in systems]
        return [test for rival in present for test in comparison.pair(joint, rival, systems, evaluation)]

    persons = persons_by_group(systems[joint]) if joint in systems else {}
    confidence = evaluation.confidence
    found = (
        claim_a(against(evidence.supervised), against(evidence.unsupervised), persons, comparison, confidence),
        claim_b(against([comparison.two_models]), persons, comparison, confidence),
        claim_c(evidence.doses, evidence.judged_persons, comparison, confidence),
    )
    return [verdict for verdict in found if verdict is not None]


def claim_a(
    supervised: Sequence[PairedTest],
    unsupervised: Sequence[PairedTest],
    persons: Mapping[str, int],
    comparison: Comparison,
    confidence: float,
) -> Verdict | None:
    """Comparable with the best fully supervised baseline, and better than the best unsupervised one.

    Comparable: the interval of the difference lies above minus `comparable_margin`; not comparable: below it. Better:
    as in claim (b). Both parts must hold. The best baseline of a family is the one with the highest AccEM on these very
    people, which flatters it. So the claim is harder to support than against a baseline chosen beforehand, and a little
    easier to refute.

    Args:
        supervised: the joint model minus each fully supervised baseline.
        unsupervised: the joint model minus each untuned backbone.
        persons: how many persons each group holds.
        comparison: the margins.
        confidence: that of the intervals.

    Returns:
        `None` where either family is missing.
    """
    rival, untuned = _best_rival(supervised), _best_rival(unsupervised)
    if rival is None or untuned is None:
        return None
    margin = comparison.comparable_margin
    comparable = Rule(-margin, -margin, confidence)(rival.difference, persons["all"])
    better = _gain(comparison, confidence)(untuned.difference, persons["all"], untuned.p_value)
    return _verdict(
        "a",
        f"Tuned on oracle reasons, {rival.system} is comparable with the best fully supervised baseline, "
        f"{rival.reference} (at most {margin:g} points of AccEM below), and better than the best untuned backbone, "
        f"{untuned.reference}.",
        all_of([comparable, better]),
        (*_sentences(supervised, rival.reference, persons), *_sentences(unsupervised, untuned.reference, persons)),
        persons["all"],
    )


def claim_b(
    tests: Sequence[PairedTest], persons: Mapping[str, int], comparison: Comparison, confidence: float
) -> Verdict | None:
    """One model for both tasks beats two models.

    Supported where the interval of the difference lies above 0 and the test agrees. Not supported where it lies below
    `relevant_gain`, so that a gain which would matter is excluded; an interval below 0 does so too. Else undecided.

    Args:
        tests: the joint model minus the two models.
        persons: how many persons each group holds.
        comparison: the relevant gain.
        confidence: that of the intervals.

    Returns:
        `None` where either is missing.
    """
    test = _best_rival(tests)
    if test is None:
        return None
    return _verdict(
        "b",
        f"One language model tuned for both tasks ({test.system}) beats two tuned apart ({test.reference}).",
        _gain(comparison, confidence)(test.difference, persons["all"], test.p_value),
        _sentences(tests, test.reference, persons),
        persons["all"],
    )


def claim_c(doses: Sequence[DoseResponse], persons: int, comparison: Comparison, confidence: float) -> Verdict | None:
    """Accuracy depends on the quality of the reasons that the model wrote.

    Decided by the slope of AccEM on the mean mark: within examples where that is known, since people who are easier to
    predict may be easier to reason about, too; else over all answers. Supported where its interval lies above 0, not
    supported where it lies below `relevant_gain` for a mark, else undecided, as also where all marks are the same.

    Args:
        doses: the answers held against marks.
        persons: how many persons' reasons were marked.
        comparison: the relevant gain.
        confidence: that of the intervals.

    Returns:
        `None` where no reason was marked.
    """
    if not persons:
        return None
    of_accuracy = [dose for dose in doses if dose.metric == MEASURE]
    means = [dose.within or dose.slope for dose in of_accuracy if dose.criterion == MEAN_MARK]
    return _verdict(
        "c",
        "The accuracy of the answers depends on the quality of the generated reasons.",
        _gain(comparison, confidence)(means[0], persons) if means else Decision(Outcome.UNDECIDED),
        (*(sentence for dose in of_accuracy for sentence in _slopes(dose, persons)), _KNOWS_THE_ANSWER)
        if of_accuracy
        else (f"All reasons have the same marks (n = {persons:,} persons)",),
        persons,
    )


def _gain(comparison: Comparison, confidence: float) -> Rule:
    return Rule(0.0, comparison.relevant_gain, confidence)


def _verdict(claim: str, statement: str, decision: Decision, figures: tuple[str, ...], persons: int) -> Verdict:
    return Verdict(claim, statement, decision.outcome, figures, persons, decision.persons_needed)


def _best_rival(tests: Sequence[PairedTest]) -> PairedTest | None:
    deciding = [test for test in tests if test.metric == MEASURE and test.group == "all"]
    return min(deciding, key=lambda test: test.difference.value, default=None)


def _sentences(tests: Sequence[PairedTest], rival: str, persons: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        f"{test.system} minus {rival}{_FIGURES_OF[test.group]}: {_points(test.difference)}, "
        f"{_probability(test.p_value)} (n = {persons[test.group]:,} persons)"
        for test in tests
        if test.metric == MEASURE and test.reference == rival and test.group in _FIGURES_OF
    )


def _slopes(dose: DoseResponse, persons: int) -> tuple[str, ...]:
    name = "the mean mark" if dose.criterion == MEAN_MARK else dose.criterion
    over_all = f"one mark more in {name}, over all answers: {_points(dose.slope)} (n = {persons:,} persons)"
    if dose.within is None:
        return (over_all,)
    within = f"one mark more in {name}, among answers to the same example: {_points(dose.within)}"
    return (over_all, f"{within} (n = {dose.within.n:,} answers)")


def _points(estimate: Estimate) -> str:
    return f"{estimate.value:+z.1f} points [{estimate.low:z.1f}, {estimate.high:z.1f}]"


def _probability(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
