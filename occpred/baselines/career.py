"""CAREER-style: a small transformer that first decides between staying and moving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from occpred.baselines.sequence import SequenceBaseline
from occpred.settings import SettingError, setting

if TYPE_CHECKING:
    from occpred.baselines.career_network import CareerNetwork


@dataclass
class Career(SequenceBaseline):
    """p(c | h) = stay(h) * [c = last] + (1 - stay(h)) * [c != last] * softmax over the others of move(h).

    Both are read from a causal transformer over the occupations so far; at the start of a career there is nothing to
    stay in, and move alone answers. After Vafa et al. 2024, "CAREER: A foundation model for labor sequence data". What
    differs: no covariates (year, education, place), no pretraining on millions of resumes, a much smaller network, and
    one set of embeddings for what is read and where people move.
    """

    name: ClassVar[str] = "career"

    num_layers: int = setting(1, minimum=1)
    """Transformer blocks."""
    num_heads: int = setting(2, minimum=1)
    """Attention heads of a block; they divide the hidden size."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden_size % (2 * self.num_heads):
            sizes = f"hidden_size={self.hidden_size} and num_heads={self.num_heads}"
            raise SettingError(f"Career: {sizes}: the hidden size must be a multiple of twice the number of heads")

    def network(self, num_occupations: int) -> CareerNetwork:
        from occpred.baselines.career_network import CareerNetwork

        return CareerNetwork(num_occupations, self.hidden_size, self.num_layers, self.num_heads, self.dropout)
