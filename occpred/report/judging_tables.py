"""Tables on how far a judge's marks can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from occpred.findings import MARKS, Agreement, LabelAgreement, MarkTrend
from occpred.records import Estimate
from occpred.report.environment import percent_of
from occpred.report.heat_map import STRONGEST
from occpred.report.table import NO_VALUE, Cell, has_interval, interval, number

_PLACES = 2


@dataclass(frozen=True)
class AgreementRow:
    """How far some raters agree on one criterion; `undefined` says why there is no alpha, or is empty."""

    criterion: str
    raters: str
    reasons: int
    alpha: str
    undefined: str
    mean_spread: str
    unanimous: str


def agreement_rows(agreements: Sequence[Agreement]) -> tuple[AgreementRow, ...]:
    """A row for each criterion and group of raters."""
    return tuple(
        AgreementRow(
            agreement.criterion,
            _raters(agreement),
            agreement.reasons,
            alpha=_text(agreement.alpha),
            undefined="" if agreement.alpha is not None else _why_undefined(agreement),
            mean_spread=_text(agreement.mean_spread),
            unanimous=NO_VALUE if agreement.unanimous_share is None else percent_of(agreement.unanimous_share, 1),
        )
        for agreement in agreements
    )


def _raters(agreement: Agreement) -> str:
    if not agreement.judge:
        return f"{agreement.raters} judges"
    return f"{agreement.raters} {'sample' if agreement.raters == 1 else 'samples'} of {agreement.judge}"


def _why_undefined(agreement: Agreement) -> str:
    if agreement.raters < 2:
        return "one rater alone"
    return "all marks are equal" if agreement.reasons else "no reason has two marks"


def _text(value: float | None) -> str:
    return NO_VALUE if value is None else number(value, _PLACES)


def correlation_cell(estimate: Estimate | None) -> Cell:
    """A correlation as text, with its sign; a dash where it is not defined."""
    if estimate is None:
        return Cell()
    value = number(estimate.value, _PLACES, signed=True)
    return Cell(value, interval(estimate, _PLACES)) if has_interval(estimate) else Cell(value)


@dataclass(frozen=True)
class BiasRow:
    """How the marks of one criterion go together with a reason's length and with its number."""

    criterion: str
    reasons: int
    length: Cell
    candidate: Cell


def bias_rows(by_length: Sequence[MarkTrend], by_candidate: Sequence[MarkTrend]) -> tuple[BiasRow, ...]:
    """A row for each criterion; both have the same criteria in the same order."""
    return tuple(
        BiasRow(
            length.criterion,
            sum(point.mark.n for point in length.points),
            correlation_cell(length.correlation),
            correlation_cell(candidate.correlation),
        )
        for length, candidate in zip(by_length, by_candidate, strict=True)
    )


@dataclass(frozen=True)
class CandidateRow:
    """The mean marks of all candidates of one number, criterion by criterion."""

    candidate: int
    reasons: int
    marks: tuple[Cell, ...]


def candidate_rows(by_candidate: Sequence[MarkTrend]) -> tuple[CandidateRow, ...]:
    """A row for each number; there is none where all reasons have the same."""
    points = list(zip(*(trend.points for trend in by_candidate), strict=True))
    return tuple(
        CandidateRow(
            round(same[0].place),
            same[0].mark.n,
            tuple(Cell(number(point.mark.value, _PLACES), interval(point.mark, _PLACES)) for point in same),
        )
        for same in (points if len(points) > 1 else ())
    )


@dataclass(frozen=True)
class LabelRow:
    """How far a judge agrees with people on one criterion: Pearson's r, Spearman's rho and kappa."""

    criterion: str
    reasons: int
    cells: tuple[Cell, ...]


def label_rows(agreements: Sequence[LabelAgreement]) -> tuple[LabelRow, ...]:
    """A row for each criterion."""
    return tuple(
        LabelRow(
            agreement.criterion,
            agreement.count,
            tuple(map(correlation_cell, (agreement.pearson, agreement.spearman, agreement.kappa))),
        )
        for agreement in agreements
    )


@dataclass(frozen=True)
class Confusion:
    """Labels against marks: for each label from 1 to 5 the five counts, each with its shade in percent.

    The shade is the stronger the larger a count's share of all reasons with that label.
    """

    criterion: str
    rows: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


def confusions(agreements: Sequence[LabelAgreement]) -> tuple[Confusion, ...]:
    """A table for each criterion that has labels."""
    return tuple(
        Confusion(
            agreement.criterion,
            tuple(
                (label, tuple((count, round(STRONGEST * count / max(1, sum(counts)))) for count in counts))
                for label, counts in zip(MARKS, agreement.confusion, strict=True)
            ),
        )
        for agreement in agreements
        if agreement.count
    )
