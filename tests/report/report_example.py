"""A report on a run that never was, with the shape and sizes of the demo, and a hostile twin of it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from occpred.records import (
    CalibrationBin,
    CareerHistory,
    EducationEntry,
    Estimate,
    JudgeScores,
    NextOccupationExample,
    Position,
    RejectedRow,
    SystemMetrics,
)
from occpred.report.data import (
    CurvePoint,
    DataSummary,
    MetricColumn,
    PairedDifference,
    ReportData,
    Results,
    RunSummary,
    ScoredOccupation,
    SplitSummary,
    StageRun,
    TrainingCurves,
    WorkedExample,
)
from tests.report.reason_example import hostile_judging, hostile_reasons, judging_summary, reason_summary

COLUMNS = (
    MetricColumn("acc_em", "AccEM", True, True, "Share of first-ranked titles that are the true one."),
    MetricColumn("acc_rm", "AccRM", True, True),
    MetricColumn("recall@5", "Recall@5", False, True),
    MetricColumn("recall@10", "Recall@10", False, True),
    MetricColumn("mrr", "MRR", False, True),
    MetricColumn("ndcg@10", "NDCG@10", False, True),
    MetricColumn("major_group_accuracy", "Major group", True, True),
    MetricColumn("perplexity", "Perplexity", False, False),
    MetricColumn("ece", "ECE", False, False),
    MetricColumn("invalid", "Invalid", True, False),
)
TITLES = {
    "11-3021.00": "Computer and Information Systems Managers",
    "15-1211.00": "Computer Systems Analysts",
    "15-1232.00": "Computer User Support Specialists",
    "15-1242.00": "Database Administrators",
    "15-1252.00": "Software Developers",
    "15-1253.00": "Software Quality Assurance Analysts and Testers",
    "29-1141.00": "Registered Nurses",
    "31-1131.00": "Nursing Assistants",
    "11-9111.00": "Medical and Health Services Managers",
    "25-2021.00": "Elementary School Teachers, Except Special Education",
}
GROUP_TITLES = {
    "11": "Management",
    "15": "Computer and Mathematical",
    "25": "Educational Instruction and Library",
    "29": "Healthcare Practitioners and Technical",
    "31": "Healthcare Support",
}
STRENGTHS = {"joint": 0.34, "popularity": 0.06, "repeat_last": 0.0, "markov_1": 0.22, "markov_2": 0.24}
GROUP_SIZES = {"all": 200, "movers": 131, "stayers": 69}
HOSTILE = (
    "<script>alert(1)</script><script>document.title='attacked'</script>"
    "\"'&<img src=x onerror=\"document.title='attacked'\">"
    "{{7*7}}{% raw %}</title></style>]]>-->\\input{/etc/passwd}$x_1$ 50% # ~^\x1b[31mred\x1b]0;title\x07\u202e"
)


def results() -> Results:
    rows = tuple(
        SystemMetrics(
            system, group, _metrics(strength + {"all": 0.1, "movers": 0.0, "stayers": 0.3}[group], system, size)
        )
        for group, size in GROUP_SIZES.items()
        for system, strength in STRENGTHS.items()
    )
    differences = tuple(
        PairedDifference("joint", system, "movers", name, _around(centre * scale, 0.08 * abs(scale), 131))
        for system, strength in STRENGTHS.items()
        if system != "joint"
        for name, scale in (("acc_em", 100), ("recall@5", 1), ("perplexity", -40))
        for centre in [0.34 - strength]
    )
    note = "95% percentile intervals from 2,000 bootstrap samples of persons"
    return Results(COLUMNS, rows, differences, interval_note=note)


def _metrics(strength: float, system: str, n: int) -> dict[str, Estimate]:
    values = {
        "acc_em": 100 * strength,
        "acc_rm": 100 * min(1, strength + 0.07),
        "recall@5": min(1, strength + 0.31),
        "recall@10": min(1, strength + 0.42),
        "mrr": min(1, strength + 0.12),
        "ndcg@10": min(1, strength + 0.19),
        "major_group_accuracy": 100 * min(1, strength + 0.25),
        "perplexity": 132 * math.exp(-4 * strength),
        "ece": 0.04 + strength / 10,
    }
    if system == "joint":
        values["invalid"] = 3.5
    limits = {column.name: 100.0 if column.percent else 1.0 for column in COLUMNS} | {"perplexity": math.inf}
    spread = {name: _around(value, 0.12 * abs(value), n) for name, value in values.items()}
    return {name: replace(entry, high=min(entry.high, limits[name])) for name, entry in spread.items()}


def _around(value: float, half_width: float, n: int) -> Estimate:
    return around(value, half_width, n, skew=1.05)


def around(value: float, half_width: float, n: int, *, skew: float = 1.0) -> Estimate:
    """An estimate whose interval reaches `skew` times as far up as it does down."""
    return Estimate(value, value - half_width, value + skew * half_width, n, n)


def hostile_names(systems: Iterable[str]) -> dict[str, str]:
    """For each system a name that attacks who reads it as HTML, as LaTeX, in a terminal or in a spreadsheet."""
    return {system: f"{system} {HOSTILE}" for system in systems} | {"markov_1": "=cmd|' /C calc'!A0"}


def _history(person: str, random_source: random.Random) -> CareerHistory:
    codes = random_source.choices(list(TITLES), k=random_source.randint(1, 5))
    year = 2003
    positions = []
    for code in codes:
        end = year + random_source.randint(1, 5)
        wording = random_source.choice([TITLES[code], f"Senior {TITLES[code].lower()}"])
        positions.append(
            Position(code, wording, random_source.choice(["", "Northwind", "City Hospital"]), f"{year}-03", f"{end}-02")
        )
        year = end
    education = (EducationEntry("Bachelor", "Computer Science", "State University", "1999", "2003"),)
    return CareerHistory(person, education, tuple(positions))


def _worked_examples() -> Iterator[WorkedExample]:
    random_source = random.Random(3)
    for number in range(10):
        history = _history(f"p{number:04d}", random_source)
        top = random_source.sample(list(TITLES), 5)
        shares = sorted((random_source.random() ** 2 for _ in range(7)), reverse=True)
        rank = random_source.choice([1, 1, 2, 4, 17])
        target = top[rank - 1] if rank <= 5 else next(code for code in TITLES if code not in top)
        yield WorkedExample(
            example=NextOccupationExample(f"{history.person_id}/3", history.person_id, history, target),
            top=tuple(ScoredOccupation(code, share / sum(shares)) for code, share in zip(top, shares, strict=False)),
            target_rank=rank,
            reason=f"After {history.positions[-1].title} the person has stayed close to one field and taken on more "
            "responsibility with every move; the degree and the employers point the same way.",
            scores=JudgeScores(4, 5, random_source.randint(1, 5)) if number % 2 else None,
        )


def _curves() -> TrainingCurves:
    noise = random.Random(7)
    train = tuple(CurvePoint(step, 0.6 + 2.4 * math.exp(-step / 90) + 0.15 * noise.random()) for step in range(1, 401))
    validation = tuple(CurvePoint(step, 0.72 + 2.3 * math.exp(-step / 90)) for step in range(50, 401, 50))
    metric = tuple(CurvePoint(step, 34 * (1 - math.exp(-step / 120))) for step in range(50, 401, 50))
    return TrainingCurves("the joint model", train, validation, metric, COLUMNS[0])


def report_example() -> ReportData:
    rejected = [
        RejectedRow("careers.jsonl", 4 * n + 2, f"unknown code: '15-{n}'", f'{{"person_id": "p{n}"') for n in range(9)
    ]
    rejected += [
        RejectedRow(
            "careers.jsonl", 77, "broken JSON: Expecting ',' delimiter at column 31", '{"person_id": "p19" "pos'
        )
    ]
    return ReportData(
        run=RunSummary(
            experiment="demo",
            question="Does a jointly fine-tuned model that first writes a reason predict the next occupation of "
            "simulated people better than the baselines do?",
            command="occpred experiments=demo",
            signature="9f2c1ab87d04",
            started="2026-01-05T14:03:22+00:00",
            git_commit="4be1f0c2d9a7",
            backbone="tiny (Qwen3, 5.1 M parameters)",
            lora="rank 16, alpha 32, all linear layers",
            config="model:\n  objective: sft\ncareers:\n  people: 900\n  seed: 0\n",
            seeds={"careers": 0, "trainer": 1, "evaluation": 0},
            versions={"occpred": "0.1.0", "python": "3.12.4", "torch": "2.13.0", "transformers": "5.23.0"},
            stages=(
                StageRun("prepare", "11aa22bb33cc", 1.25, 310_000_000),
                StageRun("reason", "44dd55ee66ff", 8.5, 340_000_000),
                StageRun("train", "77aa88bb99cc", 131.0, 1_420_000_000),
                StageRun("evaluate", "00dd11ee22ff", 3905.0),
            ),
        ),
        data=DataSummary(
            taxonomy="O*NET sample",
            occupations=132,
            people=900,
            rows_read=910,
            splits=(
                SplitSummary("train", 600, 1764, 617),
                SplitSummary("validation", 100, 100, 33),
                SplitSummary("test", 200, 200, 69),
            ),
            facts={"stays_share": 0.3486, "mean_positions": 4.217, "fields": 22, "mobility": "built in"},
            rejected=tuple(rejected),
            read_unit="person",
        ),
        results=results(),
        titles=TITLES,
        reasons=reason_summary(list(GROUP_TITLES.values())),
        judging=judging_summary(),
        training=(_curves(),),
        calibration=tuple(
            CalibrationBin(0.05 + n / 10, max(0.0, 0.8 * (0.05 + n / 10)) if count else math.nan, count)
            for n, count in enumerate([3, 18, 41, 52, 33, 21, 14, 9, 6, 0])
        ),
        examples=tuple(_worked_examples()),
    )


def hostile_twin(data: ReportData) -> ReportData:
    """The same report where every text that may come from outside attacks its reader."""
    position = Position("15-1252.00", HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    history = CareerHistory(HOSTILE, (EducationEntry(HOSTILE, HOSTILE, HOSTILE),), (position,))
    worked = replace(
        data.examples[0],
        example=NextOccupationExample(HOSTILE, HOSTILE, history, "15-1252.00"),
        reason=HOSTILE,
        scores=JudgeScores(1, 1, 1, (HOSTILE,), (HOSTILE,), HOSTILE, leaks_title=True),
    )
    systems = hostile_names(STRENGTHS)
    rows = tuple(replace(row, system=systems[row.system]) for row in data.results.rows)
    differences = tuple(
        replace(entry, system=systems[entry.system], reference=systems[entry.reference])
        for entry in data.results.differences
    )
    reasons, judging = data.reasons, data.judging
    assert reasons is not None
    assert judging is not None
    return replace(
        data,
        run=replace(
            data.run, experiment=HOSTILE, question=HOSTILE, command=HOSTILE, config=HOSTILE, seeds={HOSTILE: 1}
        ),
        data=replace(
            data.data, taxonomy=HOSTILE, rejected=(RejectedRow(HOSTILE, 1, HOSTILE, HOSTILE),), facts={HOSTILE: HOSTILE}
        ),
        results=replace(data.results, rows=rows, differences=differences, interval_note=HOSTILE),
        titles=dict.fromkeys(TITLES, HOSTILE),
        reasons=hostile_reasons(reasons, HOSTILE),
        judging=hostile_judging(judging, HOSTILE),
        training=(replace(data.training[0], title=HOSTILE),),
        examples=(worked,),
    )
