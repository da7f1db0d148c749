"""A system's whole answer: a log-probability for every occupation and every example.

Shapes: P examples (one prediction each), R reasons each, C occupations (candidates).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rankings:
    """Log-probabilities of all C occupations for P examples.

    `log_probs_PC` need not sum to one over the occupations: a language model spends some mass on texts that are no
    title. `reasons` holds the text each answer rests on (the first, where there are several) and `free_text` the
    greedily written title; each is empty where the system has none. `log_probs_PRC` holds the answers to each of
    several reasons apart; `None` where there is one reason at most.
    """

    codes: tuple[str, ...]
    example_ids: tuple[str, ...]
    log_probs_PC: NDArray[np.float64]
    reasons: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    log_probs_PRC: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        expected = (len(self.example_ids), len(self.codes))
        if self.log_probs_PC.shape != expected:
            raise ValueError(f"log_probs_PC has shape {self.log_probs_PC.shape}, expected {expected}")
        for name in ("reasons", "free_text"):
            if len(getattr(self, name)) not in (0, len(self.example_ids)):
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {len(self.example_ids)} examples")

    @classmethod
    def averaged(cls, *, log_probs_PRC: NDArray[np.float64], **texts: tuple[str, ...]) -> Rankings:
        """The ranking by each title's probability averaged over the reasons: an estimate of it without any one reason.

        Args:
            log_probs_PRC: log-probabilities given each of R reasons.
            texts: the other fields.
        """
        top_P1C = log_probs_PRC.max(axis=1, keepdims=True)
        mean_PC = top_P1C[:, 0] + np.log(np.exp(log_probs_PRC - top_P1C).mean(axis=1))
        apart = log_probs_PRC if log_probs_PRC.shape[1] > 1 else None
        return cls(log_probs_PC=mean_PC, log_probs_PRC=apart, **texts)

    def for_each_reason(self) -> list[Rankings]:
        """R rankings, each by one of the reasons alone; the ranking itself where there are no several."""
        if self.log_probs_PRC is None:
            return [self]
        return [
            Rankings(self.codes, self.example_ids, self.log_probs_PRC[:, reason])
            for reason in range(self.log_probs_PRC.shape[1])
        ]

    def normalised(self) -> NDArray[np.float64]:
        """Log-probabilities over the closed set, (P, C): each row's probabilities sum to one."""
        top_P1 = self.log_probs_PC.max(axis=1, keepdims=True)
        shifted_PC = self.log_probs_PC - top_P1
        total_P1 = np.exp(shifted_PC).sum(axis=1, keepdims=True)
        return np.asarray(shifted_PC - np.log(total_P1))

    def order(self) -> NDArray[np.int64]:
        """Occupation columns from most to least probable, (P, C); equal ones stay in taxonomy order."""
        return np.argsort(-self.log_probs_PC, axis=1, kind="stable")

    def save(self, folder: Path) -> None:
        """Write `log_probs.safetensors` and `rankings.json` into `folder`."""
        from safetensors.numpy import save_file

        arrays = {"log_probs": self.log_probs_PC, "log_probs_by_reason": self.log_probs_PRC}
        given = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
        save_file(given, folder / "log_probs.safetensors")
        texts = {name: getattr(self, name) for name in ("codes", "example_ids", "reasons", "free_text")}
        (folder / "rankings.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Rankings:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        texts = json.loads((folder / "rankings.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "log_probs.safetensors")
        return cls(
            log_probs_PC=arrays["log_probs"],
            log_probs_PRC=arrays.get("log_probs_by_reason"),
            **{name: tuple(entries) for name, entries in texts.items()},
        )
