"""A sweep that never was: systems of all kinds, one of them failed, with everything that a report can show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from occpred.findings import (
    Cost,
    DosePoint,
    DoseResponse,
    Fact,
    FailedJob,
    Outcome,
    PairedTest,
    Verdict,
)
from occpred.records import CalibrationBin, Estimate, SystemMetrics
from occpred.report.data import Results
from occpred.report.sweep_data import Axis, SweepData, SweepSummary
from tests.report import report_example
from tests.report.report_example import HOSTILE, around, hostile_names

Value = TypeVar("Value")

COLUMNS = tuple(column for column in report_example.COLUMNS if column.name in ("acc_em", "acc_rm", "mrr", "perplexity"))
STRENGTHS = {
    "joint, own reason": 30.0,
    "two models, own reason": 27.0,
    "direct, no reason": 29.0,
    "joint, oracle reason": 52.0,
    "joint, shuffled reason of the same major group": 24.0,
    "markov_1": 21.0,
}
REFERENCE, LOST = "joint, own reason", "joint, title masked out of the oracle reason"
BASELINE_SIZES = report_example.GROUP_SIZES
SIZES = {group: 3 * size for group, size in BASELINE_SIZES.items()}
"""Three seeds; baselines have none."""


def metrics(strength: float, n: int) -> dict[str, Estimate]:
    return {
        "acc_em": around(strength, 4.0, n),
        "acc_rm": around(strength + 6, 3.5, n),
        "mrr": around(strength / 100 + 0.1, 0.03, n),
        "perplexity": around(132 * math.exp(-strength / 20), 2.0, n),
    }


def row(system: str, group: str, strength: float) -> SystemMetrics:
    n = (BASELINE_SIZES if system == "markov_1" else SIZES)[group]
    return SystemMetrics(system, group, metrics(strength + {"all": 8, "movers": 0, "stayers": 25}[group], n))


def paired_tests() -> tuple[PairedTest, ...]:
    """Against the reference, AccEM and MRR, on movers and on all; one difference is beyond doubt, one is nearly."""
    return tuple(
        PairedTest(
            system=system,
            reference=REFERENCE,
            group=group,
            metric=metric,
            difference=around((strength - 30) * scale, 4.0 * scale, 393),
            test=test,
            p_value=p_value,
            p_adjusted=min(1.0, 5 * p_value),
        )
        for group in ("movers", "all")
        for system, strength in STRENGTHS.items()
        if system != REFERENCE
        for metric, scale, test in (("acc_em", 1.0, "exact McNemar"), ("mrr", 0.01, "paired permutation (10,000)"))
        for p_value in [{52.0: 0.00001, 21.0: 0.0021, 24.0: 0.0162}.get(strength, 0.3)]
    )


def dose(criterion: str, slope: float, within: Estimate | None) -> DoseResponse:
    points = tuple(DosePoint(mark, around(20 + slope * mark, 5.0, 80)) for mark in (1.5, 3.0, 4.0, 5.0))
    return DoseResponse(criterion, "acc_em", points, around(slope, 1.2, 320), within)


VERDICTS = (
    Verdict(
        "a",
        "Fine-tuned with oracle reasons, small models are comparable with supervised methods.",
        Outcome.SUPPORTED,
        ("AccEM on movers, joint minus markov_1: +9.0 points [5.0, 13.0], p = 0.002.",),
        persons=131,
    ),
    Verdict(
        "b",
        "One model for both tasks beats two models trained apart.",
        Outcome.UNDECIDED,
        ("AccEM on movers, joint minus two models: +3.0 points [−1.0, 7.0].", "The sign is as claimed."),
        persons=131,
        persons_needed=2310,
    ),
    Verdict("c", "Accuracy depends on the quality of the reasons.", Outcome.NOT_SUPPORTED, (), persons=1),
)


def sweep_example() -> SweepData:
    return SweepData(
        summary=SweepSummary(
            name="paper_main",
            question="Which system predicts the next occupation best, and does its reason have a part in that?",
            command="occpred sweeps=paper_main",
            signature="77aa19c0de42",
            started="2026-05-04T09:00:00+00:00",
            git_commit="0123abcd",
            config="name: paper_main\nseeds: [0, 1, 2]\n",
            device="2 CPU cores",
            num_jobs=21,
            seeds=(0, 1, 2),
            versions={"python": "3.12.3", "torch": "2.13.0"},
        ),
        results=Results(
            COLUMNS,
            tuple(row(system, group, strength) for group in SIZES for system, strength in STRENGTHS.items()),
            interval_note="95% intervals by bootstrap over persons, seeds pooled",
        ),
        data=("800 people; sample, 150 candidates; 3 of 803 rows (one person each) rejected",),
        reference=REFERENCE,
        significance=0.05,
        tests=paired_tests(),
        costs={REFERENCE: Cost(1_234_567, 4000.0, 2_500_000_000), "markov_1": Cost(0, 0.4)},
        row_seeds={REFERENCE: (0, 1, 2), "markov_1": (0,)},
        failures=(
            FailedJob(LOST, ("reason=masked", "seed=0"), "CUDA out of memory: tried to allocate 2 GiB"),
            FailedJob(LOST, ("reason=masked", "seed=1"), "CUDA out of memory: tried to allocate 2 GiB"),
            FailedJob("joint, oracle reason", ("reason=oracle", "seed=2"), "the loss is not a number at step 7"),
        ),
        verdicts=VERDICTS,
        facts=(
            Fact(
                "AUC of the judge's utility",
                Estimate(0.83, 0.79, 0.87, 900, 900),
                "How often a true reason gets a higher mark than a false one.",
                {"true_reasons": 450, "ties_share": 0.125},
            ),
            Fact("Title leakage", Estimate(11.5, 7.0, 16.0, 393, 393), "Points that go when the title is masked."),
        ),
        doses={
            REFERENCE: (
                dose("factuality", 0.4, None),
                dose("coherence", -0.3, around(-0.1, 0.9, 200)),
                dose("utility", 4.2, around(2.5, 1.1, 200)),
                dose("mean", 2.0, around(1.6, 1.4, 200)),
            )
        },
        calibrations={
            system: tuple(
                CalibrationBin(0.1 + 0.2 * n, min(1.0, (0.1 + 0.2 * n) * strength / 30), 10 * (5 - n)) for n in range(5)
            )
            for system, strength in list(STRENGTHS.items())[:4]
        },
        axes=(Axis("system", {system: system for system in (*STRENGTHS, LOST)}),),
    )


def swept(axes: dict[str, tuple[str, ...]], value: Callable[..., float]) -> SweepData:
    """A sweep whose rows are all combinations of the values of its axes, with a baseline besides."""
    example = sweep_example()
    combinations: list[tuple[str, ...]] = [()]
    for levels in axes.values():
        combinations = [(*combination, level) for combination in combinations for level in levels]
    labels = {combination: f"joint {' '.join(combination)}" for combination in combinations}
    strengths = {labels[combination]: value(*combination) for combination in combinations} | {"markov_1": 21.0}
    rows = tuple(row(label, group, strength) for group in SIZES for label, strength in strengths.items())
    return replace(
        example,
        results=replace(example.results, rows=rows),
        reference="markov_1",
        tests=(),
        failures=(),
        costs={},
        calibrations={},
        axes=tuple(
            Axis(name, {label: combination[place] for combination, label in labels.items()})
            for place, name in enumerate(axes)
        ),
    )


def hostile_sweep_twin() -> SweepData:
    """The example where every text that may come from outside attacks its reader; small, for it is drawn as well."""
    example = sweep_example()
    names = hostile_names((*STRENGTHS, LOST))

    def renamed(values: Mapping[str, Value]) -> dict[str, Value]:
        return {names[system]: value for system, value in values.items()}

    return replace(
        example,
        summary=replace(
            example.summary,
            name=HOSTILE,
            question=HOSTILE,
            command=HOSTILE,
            config=HOSTILE,
            git_commit=HOSTILE,
            device=HOSTILE,
            versions={HOSTILE: HOSTILE},
        ),
        results=replace(
            example.results,
            rows=tuple(replace(row, system=names[row.system]) for row in example.results.rows),
            interval_note=HOSTILE,
        ),
        data=(HOSTILE,),
        reference=names[REFERENCE],
        tests=tuple(
            replace(test, system=names[test.system], reference=names[REFERENCE], test=HOSTILE)
            for test in example.tests
            if test.metric == "acc_em"
        ),
        costs=renamed(example.costs),
        row_seeds=renamed(example.row_seeds),
        failures=(FailedJob(names[LOST], (HOSTILE, HOSTILE), HOSTILE),),
        verdicts=(Verdict(HOSTILE, HOSTILE, Outcome.UNDECIDED, (HOSTILE,), 1),),
        facts=(replace(example.facts[0], name=HOSTILE, meaning=HOSTILE, details={HOSTILE: 1.0}),),
        doses={names[REFERENCE]: (replace(dose(HOSTILE, 1.0, None), metric=HOSTILE),)},
        calibrations={names[REFERENCE]: example.calibrations[REFERENCE]},
        axes=(Axis(HOSTILE, {names[system]: f"{HOSTILE} {system}" for system in names}),),
    )
