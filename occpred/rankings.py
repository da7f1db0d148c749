"""A system's whole answer: a log-probability for every occupation and every example.

Shapes: P examples (one prediction each), R reasons each, C occupations (candidates). Where both are possible, "..." is
P or P, R.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_TEXTS = ("codes", "example_ids", "reasons", "free_text")
_ARRAYS, _JSON = "log_probs.safetensors", "rankings.json"


@dataclass(frozen=True)
class Certificate:
    """What is certain of log-probabilities that were not all computed. The others are guesses within these bounds.

    Attributes:
        epsilon: at most this share of all occupations' probability was left to guesses, in each single answer.
        top: so many of the most probable occupations are certain in each answer, with their order.
        upper: log of what the probability of each occupation can be at most, (..., C); what was computed itself where
            it was, and above the guess elsewhere.
        unopened: log of what the guessed probabilities can add up to at most, (...,); the guesses add up to half of it.
            Of averages, what was guessed of them; -inf where everything was computed.
    """

    epsilon: float
    top: int
    upper: Floats
    unopened: Floats

    def mean(self) -> Certificate:
        """The certificate, (P, ...), of probabilities averaged over the reasons, from that of each, (P, R, ...)."""
        return replace(self, upper=log_mean(self.upper), unopened=log_mean(self.unopened))

    def of_reason(self, reason: int) -> Certificate:
        """The certificate, (P, ...), of the answers to one reason alone."""
        return replace(self, upper=self.upper[:, reason], unopened=self.unopened[:, reason])


def log_mean(log_probs_PR: Floats) -> Floats:
    """Log of the mean over axis 1 of what the numbers are logs of; -inf where all of these are 0."""
    top_P1 = log_probs_PR.max(axis=1, keepdims=True)
    finite_P1 = np.where(np.isfinite(top_P1), top_P1, 0)
    with np.errstate(divide="ignore"):
        return np.asarray(finite_P1[:, 0] + np.log(np.exp(log_probs_PR - finite_P1).mean(axis=1)))


def rank_bounds(upper_PC: Floats, known_PC: NDArray[np.bool_], columns_P: Ints) -> tuple[Ints, Ints]:
    """The best and the worst rank, from 1, that each row's given column can have; equal ones are in column order.

    Args:
        upper_PC: log of what each probability is at most.
        known_PC: where the probability is exactly that; for the given columns it is taken to be.
        columns_P: one column for each row.
    """
    own_P1 = np.take_along_axis(upper_PC, columns_P[:, None], axis=1)
    is_earlier_PC = np.arange(upper_PC.shape[1]) < columns_P[:, None]
    is_before_PC = (upper_PC > own_P1) | ((upper_PC == own_P1) & is_earlier_PC)
    best_P = 1 + (is_before_PC & known_PC).sum(axis=1)
    return best_P, best_P + (~known_PC & (upper_PC >= own_P1)).sum(axis=1)


@dataclass(frozen=True)
class Rankings:
    """Log-probabilities of all C occupations for P examples.

    `log_probs_PC` need not sum to one over the occupations: a language model spends some mass on texts that are no
    title. `reasons` holds the text each answer rests on (the first, where there are several) and `free_text` the
    greedily written title; each is empty where the system has none. `log_probs_PRC` holds the answers to each of
    several reasons apart; `None` where there is one reason at most. `certificate`, (P, ...), and
    `certificate_by_reason`, (P, R, ...), say how far log-probabilities that were not all computed may be off; `None`
    where they are exact.
    """

    codes: tuple[str, ...]
    example_ids: tuple[str, ...]
    log_probs_PC: Floats
    reasons: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    log_probs_PRC: Floats | None = None
    certificate: Certificate | None = None
    certificate_by_reason: Certificate | None = None

    def __post_init__(self) -> None:
        expected = (len(self.example_ids), len(self.codes))
        if self.log_probs_PC.shape != expected:
            raise ValueError(f"log_probs_PC has shape {self.log_probs_PC.shape}, expected {expected}")
        for name in ("reasons", "free_text"):
            if len(getattr(self, name)) not in (0, len(self.example_ids)):
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {len(self.example_ids)} examples")

    @classmethod
    def averaged(
        cls, *, log_probs_PRC: Floats, certificate: Certificate | None = None, **texts: tuple[str, ...]
    ) -> Rankings:
        """The ranking by each title's probability averaged over the reasons: an estimate of it without any one reason.

        Args:
            log_probs_PRC: log-probabilities given each of R reasons.
            certificate: of these, (P, R, ...), where they were not all computed.
            texts: the other fields.
        """
        has_several = log_probs_PRC.shape[1] > 1
        return cls(
            log_probs_PC=log_mean(log_probs_PRC),
            log_probs_PRC=log_probs_PRC if has_several else None,
            certificate=certificate.mean() if certificate else None,
            certificate_by_reason=certificate if has_several else None,
            **texts,
        )

    def for_each_reason(self) -> list[Rankings]:
        """R rankings, each by one of the reasons alone; the ranking itself where there are no several."""
        if self.log_probs_PRC is None:
            return [self]
        own = self.certificate_by_reason
        return [
            Rankings(
                self.codes,
                self.example_ids,
                self.log_probs_PRC[:, reason],
                certificate=own.of_reason(reason) if own else None,
            )
            for reason in range(self.log_probs_PRC.shape[1])
        ]

    def normalised(self) -> NDArray[np.float64]:
        """Log-probabilities over the closed set, (P, C): each row's probabilities sum to one."""
        top_P1 = self.log_probs_PC.max(axis=1, keepdims=True)
        shifted_PC = self.log_probs_PC - top_P1
        total_P1 = np.exp(shifted_PC).sum(axis=1, keepdims=True)
        return np.asarray(shifted_PC - np.log(total_P1))

    def unopened_share(self) -> Floats:
        """What share of all occupations' probability is on those that were not computed, at most, (P,)."""
        if self.certificate is None:
            return np.zeros(len(self.example_ids))
        # Guesses add up to half of what is unopened; with the other half, all could be as large as this.
        rest_P = self.certificate.unopened - np.log(2)
        total_P = np.logaddexp(np.logaddexp.reduce(self.log_probs_PC, axis=1), rest_P)
        return np.asarray(np.exp(self.certificate.unopened - total_P))

    def order(self) -> NDArray[np.int64]:
        """Occupation columns from most to least probable, (P, C); equal ones stay in taxonomy order."""
        return np.argsort(-self.log_probs_PC, axis=1, kind="stable")

    def save(self, folder: Path) -> None:
        """Write `log_probs.safetensors` and `rankings.json` into `folder`."""
        from safetensors.numpy import save_file

        arrays: dict[str, Floats | None] = {"log_probs": self.log_probs_PC, "log_probs_by_reason": self.log_probs_PRC}
        for suffix, certificate in (("", self.certificate), ("_by_reason", self.certificate_by_reason)):
            if certificate:
                arrays |= {f"upper{suffix}": certificate.upper, f"unopened{suffix}": certificate.unopened}
        given = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
        save_file(given, folder / _ARRAYS)
        texts: dict[str, Any] = {name: getattr(self, name) for name in _TEXTS}
        if self.certificate:
            texts["certified"] = {"epsilon": self.certificate.epsilon, "top": self.certificate.top}
        (folder / _JSON).write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Rankings:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        texts = json.loads((folder / _JSON).read_text(encoding="utf-8"))
        arrays = load_file(folder / _ARRAYS)

        def certificate(suffix: str = "") -> Certificate | None:
            if f"upper{suffix}" not in arrays:
                return None
            return Certificate(
                **texts["certified"], upper=arrays[f"upper{suffix}"], unopened=arrays[f"unopened{suffix}"]
            )

        return cls(
            log_probs_PC=arrays["log_probs"],
            log_probs_PRC=arrays.get("log_probs_by_reason"),
            certificate=certificate(),
            certificate_by_reason=certificate("_by_reason"),
            **{name: tuple(texts[name]) for name in _TEXTS},
        )
