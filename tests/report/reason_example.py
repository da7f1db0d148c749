"""Reasons of a run that never was: judged by two models, one of them several times, at a price."""

from __future__ import annotations

import random
from dataclasses import replace

from occpred.findings import CRITERIA, Agreement, LabelAgreement, MarkTrend, TrendPoint
from occpred.records import Estimate, JudgedReason, JudgeScores, Reason, RejectedRow, Unanswered
from occpred.report.reason_data import JudgingSummary, LabelCheck, ReasonSummary, Spending


def reason_summary(groups: list[str]) -> ReasonSummary:
    """600 examples with four reasons each, in all of `groups`."""
    random_source = random.Random(5)
    judged = [
        JudgedReason(
            Reason(f"p{number // 4}/2", number % 4, "text", "template"),
            JudgeScores(
                factuality=random_source.choice([2, 3, 4, 5, 5, 5]),
                coherence=random_source.choice([1, 3, 4, 5, 5]),
                utility=random_source.choice([1, 2, 3, 3, 4, 5]),
                leaks_title=random_source.random() < 0.06,
            ),
        )
        for number in range(2400)
    ]
    group_of = {f"p{number}/2": random_source.choice(groups) for number in range(600)}
    return ReasonSummary.count(
        teacher="gpt-large, blind",
        judge="gpt-large, small-7b",
        proposed=[entry.reason for entry in judged],
        judged=judged,
        selected=[entry for entry in judged if min(entry.scores.factuality, entry.scores.coherence) >= 4],
        group_of=group_of,
        spending={example_id: Spending(28, 31_000, {"USD": 0.0421}) for example_id in group_of},
        unanswered=[
            Unanswered(f"p{number}/2", 0, "utility", "small-7b", f"no JSON in the reply, which begins {'{' * number}")
            for number in range(1, 6)
        ]
        + [Unanswered("p9/2", 3, "reason", "gpt-large", "HTTP 400: content policy")],
    )


def _estimate(value: float, half_width: float, n: int) -> Estimate:
    return Estimate(value, value - half_width, value + half_width, n, n)


def _trends(places: list[float], slope: float, correlation: float) -> tuple[MarkTrend, ...]:
    return tuple(
        MarkTrend(
            criterion,
            None if criterion == "coherence" else _estimate(correlation, 0.04, 2400),
            tuple(
                TrendPoint(place, _estimate(base + slope * index, 0.08, 2400 // len(places)))
                for index, place in enumerate(places)
            ),
        )
        for criterion, base in zip(CRITERIA, (3.2, 3.6, 2.7), strict=True)
    )


def judging_summary() -> JudgingSummary:
    confusion = ((9, 4, 1, 0, 0), (3, 12, 6, 1, 0), (0, 4, 21, 7, 1), (0, 1, 5, 18, 6), (0, 0, 2, 5, 14))
    return JudgingSummary(
        agreements=tuple(
            agreement
            for criterion in CRITERIA
            for agreement in (
                Agreement(criterion, "", 2, 2380, 0.61, 0.42, 0.66),
                Agreement(criterion, "gpt-large", 3, 2400, 0.83, 0.2, 0.81),
                Agreement(criterion, "small-7b", 1, 0),
            )
        ),
        by_length=_trends([31.2, 42.0, 50.3, 58.9, 66.1, 77.7, 90.4, 118.0], 0.16, 0.31),
        by_candidate=_trends([0.0, 1.0, 2.0, 3.0], -0.02, -0.01),
        labels=LabelCheck(
            labels=124,
            unanswered=4,
            agreements=(
                *(
                    LabelAgreement(
                        criterion, 120, *(_estimate(value, 0.08, 120) for value in (0.81, 0.8, 0.79)), confusion
                    )
                    for criterion in CRITERIA[:2]
                ),
                LabelAgreement("utility", 0, None, None, None, ((0,) * 5,) * 5),
            ),
            rejected=(
                RejectedRow("judge_labels.jsonl", 7, "wrong form: utility: must be at most 5", '{"label_id": "l7"'),
            ),
        ),
    )


def hostile_reasons(reasons: ReasonSummary, hostile: str) -> ReasonSummary:
    """The same where every text that may come from outside is `hostile`."""
    return replace(
        reasons,
        teacher=hostile,
        judge=hostile,
        groups=(replace(reasons.groups[0], group=hostile, spent=Spending(1, 1, {hostile: 1.0})),),
        set_aside=(replace(reasons.set_aside[0], question=hostile, model=hostile, whys={hostile: 1}),),
    )


def hostile_judging(judging: JudgingSummary, hostile: str) -> JudgingSummary:
    """The same where every text that may come from outside is `hostile`."""
    assert judging.labels is not None
    return replace(
        judging,
        agreements=tuple(replace(agreement, judge=hostile) for agreement in judging.agreements),
        labels=replace(judging.labels, rejected=(RejectedRow(hostile, 1, hostile, hostile),)),
    )
