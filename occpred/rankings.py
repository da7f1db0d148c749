"""A system's whole answer: a log-probability for every occupation and every example.

Shapes: P examples (one prediction each), C occupations (candidates).
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
    title. `reasons` holds the text each answer rests on and `free_text` the greedily written title; each is empty where
    the system has none.
    """

    codes: tuple[str, ...]
    example_ids: tuple[str, ...]
    log_probs_PC: NDArray[np.float64]
    reasons: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expected = (len(self.example_ids), len(self.codes))
        if self.log_probs_PC.shape != expected:
            raise ValueError(f"log_probs_PC has shape {self.log_probs_PC.shape}, expected {expected}")
        for name in ("reasons", "free_text"):
            if len(getattr(self, name)) not in (0, len(self.example_ids)):
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {len(self.example_ids)} examples")

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

        save_file({"log_probs": np.ascontiguousarray(self.log_probs_PC)}, folder / "log_probs.safetensors")
        texts = {name: getattr(self, name) for name in ("codes", "example_ids", "reasons", "free_text")}
        (folder / "rankings.json").write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Rankings:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        texts = json.loads((folder / "rankings.json").read_text(encoding="utf-8"))
        log_probs_PC = load_file(folder / "log_probs.safetensors")["log_probs"]
        return cls(log_probs_PC=log_probs_PC, **{name: tuple(entries) for name, entries in texts.items()})
