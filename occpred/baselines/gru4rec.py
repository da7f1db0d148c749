"""GRU4Rec-style: a recurrent network over the occupations so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from occpred.baselines.sequence import SequenceBaseline

if TYPE_CHECKING:
    from occpred.baselines.gru4rec_network import Gru4RecNetwork


@dataclass
class Gru4Rec(SequenceBaseline):
    """p(c | h) = softmax_c(E g(h) + b), where g(h) is the state of a GRU that has read the embeddings E of h.

    After Hidasi et al. 2016, "Session-based recommendations with recurrent neural networks", with a career in the place
    of a session. What differs: cross-entropy over all occupations, which gives probabilities, instead of a ranking loss
    (BPR, TOP1) over sampled ones; one set of embeddings for what is read and what is foreseen (the option
    `constrained_embedding` of the authors' later code) instead of one-hot inputs; whole careers side by side in a
    batch, with gradients through all of a career, instead of session-parallel batches; AdamW instead of Adagrad.
    """

    name: ClassVar[str] = "gru4rec"

    def network(self, num_occupations: int) -> Gru4RecNetwork:
        from occpred.baselines.gru4rec_network import Gru4RecNetwork

        return Gru4RecNetwork(num_occupations, self.hidden_size, self.dropout)
