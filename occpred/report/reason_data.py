"""What a report says about reasons: what became of them, what they cost, and how far their marks can be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from occpred.findings import CRITERIA, MARKS, Agreement, LabelAgreement, MarkTrend
from occpred.records import JudgedReason, Reason, RejectedRow, Unanswered


def by_kind(rejected: Sequence[RejectedRow]) -> dict[str, list[RejectedRow]]:
    """Rejected rows by the kind of fault (their reason up to its colon), most frequent kind first."""
    kinds: dict[str, list[RejectedRow]] = {}
    for row in rejected:
        kinds.setdefault(row.reason.partition(":")[0], []).append(row)
    return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))


@dataclass(frozen=True)
class Spending:
    """What was asked of chat models. `cost` is by currency; it is empty where nothing is charged."""

    calls: int = 0
    tokens: int = 0
    cost: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def total(cls, parts: Iterable[Spending]) -> Spending:
        """All of them together."""
        calls = tokens = 0
        cost: Counter[str] = Counter()
        for part in parts:
            calls, tokens = calls + part.calls, tokens + part.tokens
            cost.update(part.cost)
        return cls(calls, tokens, dict(cost))


@dataclass(frozen=True)
class GroupSurvival:
    """The examples whose target is in one occupation group: how many there are, and how many kept a reason.

    `proposed` and `kept` count reasons, `spent` what was asked to get them.
    """

    group: str
    examples: int
    survivors: int
    proposed: int = 0
    kept: int = 0
    spent: Spending = Spending()

    @property
    def calls_per_kept(self) -> float | None:
        """Calls for one kept reason; `None` where none was kept."""
        return self.spent.calls / self.kept if self.kept else None

    @property
    def cost_per_kept(self) -> dict[str, float] | None:
        """Cost of one kept reason, by currency; `None` where none was kept."""
        return {currency: cost / self.kept for currency, cost in self.spent.cost.items()} if self.kept else None


@dataclass(frozen=True)
class SetAside:
    """Questions of one kind that one model did not answer: how many, and by why, how many of them."""

    question: str
    model: str
    count: int
    whys: Mapping[str, int]


@dataclass(frozen=True)
class ReasonSummary:
    """How the oracle's reasons were judged and which survived.

    `judged_marks` and `selected_marks` map a criterion to its five counts, for the marks 1 to 5. `leaking` counts the
    reasons that name their target's title.
    """

    teacher: str
    judge: str
    judged: int
    selected: int
    leaking: int
    leaking_selected: int
    judged_marks: Mapping[str, tuple[int, ...]]
    selected_marks: Mapping[str, tuple[int, ...]]
    groups: tuple[GroupSurvival, ...]
    set_aside: tuple[SetAside, ...] = ()

    @classmethod
    def count(
        cls,
        teacher: str,
        judge: str,
        proposed: Sequence[Reason],
        judged: Sequence[JudgedReason],
        selected: Sequence[JudgedReason],
        group_of: Mapping[str, str],
        spending: Mapping[str, Spending],
        unanswered: Sequence[Unanswered],
    ) -> ReasonSummary:
        """Count marks, leaks, survivors and what they cost.

        Args:
            teacher: who wrote them.
            judge: who judged them.
            proposed: all that were written.
            judged: all that have marks.
            selected: those that were kept.
            group_of: for each example that reasons were wanted for, its target's occupation group.
            spending: for each example what was asked for its reasons; none where nobody was asked.
            unanswered: the questions that were set aside.
        """
        return cls(
            teacher=teacher,
            judge=judge,
            judged=len(judged),
            selected=len(selected),
            leaking=sum(reason.scores.leaks_title for reason in judged),
            leaking_selected=sum(reason.scores.leaks_title for reason in selected),
            judged_marks=_mark_counts(judged),
            selected_marks=_mark_counts(selected),
            groups=_groups(proposed, selected, group_of, spending),
            set_aside=_set_aside(unanswered),
        )

    @property
    def total(self) -> GroupSurvival:
        """All groups together."""
        return GroupSurvival(
            "All groups",
            examples=sum(group.examples for group in self.groups),
            survivors=sum(group.survivors for group in self.groups),
            proposed=sum(group.proposed for group in self.groups),
            kept=sum(group.kept for group in self.groups),
            spent=Spending.total(group.spent for group in self.groups),
        )


def _mark_counts(reasons: Sequence[JudgedReason]) -> dict[str, tuple[int, ...]]:
    counts = {criterion: Counter(getattr(reason.scores, criterion) for reason in reasons) for criterion in CRITERIA}
    return {criterion: tuple(counts[criterion][mark] for mark in MARKS) for criterion in CRITERIA}


def _groups(
    proposed: Sequence[Reason],
    selected: Sequence[JudgedReason],
    group_of: Mapping[str, str],
    spending: Mapping[str, Spending],
) -> tuple[GroupSurvival, ...]:
    examples = Counter(group_of.values())
    survivors = Counter(group_of[example_id] for example_id in {entry.reason.example_id for entry in selected})
    written = Counter(group_of[reason.example_id] for reason in proposed)
    kept = Counter(group_of[entry.reason.example_id] for entry in selected)
    spent: dict[str, list[Spending]] = {}
    for example_id, part in spending.items():
        spent.setdefault(group_of[example_id], []).append(part)
    return tuple(
        GroupSurvival(
            group,
            examples=examples[group],
            survivors=survivors[group],
            proposed=written[group],
            kept=kept[group],
            spent=Spending.total(spent.get(group, ())),
        )
        for group in sorted(examples)
    )


def _set_aside(unanswered: Sequence[Unanswered]) -> tuple[SetAside, ...]:
    kinds: dict[tuple[str, str], Counter[str]] = {}
    for entry in unanswered:
        kinds.setdefault((entry.question, entry.model), Counter())[entry.why] += 1
    return tuple(SetAside(*kind, whys.total(), dict(whys.most_common())) for kind, whys in kinds.items())


@dataclass(frozen=True)
class LabelCheck:
    """The judge held against people's marks: on how many labelled reasons, and which lines of them were set aside.

    `unanswered` counts the labelled reasons that the judge gave no marks.
    """

    labels: int
    unanswered: int
    agreements: tuple[LabelAgreement, ...]
    rejected: tuple[RejectedRow, ...] = ()

    def rejections(self) -> dict[str, list[RejectedRow]]:
        """The lines set aside by the kind of fault, most frequent kind first."""
        return by_kind(self.rejected)


@dataclass(frozen=True)
class JudgingSummary:
    """How far the marks can be trusted: do raters agree, and do marks follow what they should not?

    `one_by_one` says that candidates were proposed until enough were kept, so that those of different numbers are about
    different people.
    """

    agreements: tuple[Agreement, ...] = ()
    by_length: tuple[MarkTrend, ...] = ()
    by_candidate: tuple[MarkTrend, ...] = ()
    one_by_one: bool = False
    labels: LabelCheck | None = None
