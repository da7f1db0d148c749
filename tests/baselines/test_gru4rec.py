from __future__ import annotations

import numpy as np
import torch

from occpred.baselines.gru4rec_network import Gru4RecNetwork


def test_equal_to_the_recurrence_of_the_paper():
    torch.manual_seed(0)
    network = Gru4RecNetwork(num_occupations=3, hidden_size=4, dropout=0.5).eval()
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    inputs = [3, 1, 1, 0]
    state_H = np.zeros(4)
    for column, log_probs_C in zip(inputs, network(torch.tensor([inputs]))[0].detach(), strict=True):
        state_H = gru(weights["occupations.weight"][column], state_H, weights)
        logits_C = weights["occupations.weight"][:3] @ state_H + weights["bias"]
        np.testing.assert_allclose(log_probs_C, logits_C - np.log(np.exp(logits_C).sum()), rtol=1e-5)


def gru(input_H: np.ndarray, state_H: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """One step of a gated recurrent unit, gates in torch's order: reset, update, candidate."""
    from_input = np.split(weights["gru.weight_ih_l0"] @ input_H + weights["gru.bias_ih_l0"], 3)
    from_state = np.split(weights["gru.weight_hh_l0"] @ state_H + weights["gru.bias_hh_l0"], 3)
    reset_H = 1 / (1 + np.exp(-from_input[0] - from_state[0]))
    update_H = 1 / (1 + np.exp(-from_input[1] - from_state[1]))
    candidate_H = np.tanh(from_input[2] + reset_H * from_state[2])
    return (1 - update_H) * candidate_H + update_H * state_H
