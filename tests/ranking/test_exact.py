"""Exact ranking against the plain model, one title at a time."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from occpred.ranking.exact import ExactRanking
from occpred.ranking.ranking import Question

END = 63
PROMPTS = [[5, 17, 3], [8], [61, 2, 2, 9, 30, 4]]
# The second title continues the first: only the end keeps them apart.
TITLES = [[1, 2, END], [1, 2, 3, END], [1, 9, END], [40, END], [7, 7, 7, 7, END]]


def exact(
    model: PreTrainedModel, prompts: list[list[int]], titles: list[list[int]], tokens_per_forward: int = 8192
) -> np.ndarray:
    questions = [Question((tuple(prompt),), asked=0) for prompt in prompts]
    return ExactRanking(tokens_per_forward)(model, questions, titles, stage="test").log_probs_PRC[:, 0]


def one_by_one(model: PreTrainedModel, prompts: list[list[int]], titles: list[list[int]]) -> np.ndarray:
    log_probs_PC = np.empty((len(prompts), len(titles)))
    for row, prompt in enumerate(prompts):
        for column, title in enumerate(titles):
            with torch.no_grad():
                logits_TV = model(input_ids=torch.tensor([prompt + title])).logits[0].double()
            steps = logits_TV.log_softmax(-1)[len(prompt) - 1 : -1]
            log_probs_PC[row, column] = sum(steps[i, token].item() for i, token in enumerate(title))
    return log_probs_PC


def test_trie_equals_title_by_title(micro_model: PreTrainedModel) -> None:
    found_PC = exact(micro_model, PROMPTS, TITLES)
    np.testing.assert_allclose(found_PC, one_by_one(micro_model, PROMPTS, TITLES), rtol=1e-5, atol=1e-5)


def test_grouping_changes_nothing(micro_qwen3: PreTrainedModel) -> None:
    together_PC = exact(micro_qwen3, PROMPTS, TITLES, tokens_per_forward=1000)
    apart_PC = exact(micro_qwen3, PROMPTS, TITLES, tokens_per_forward=1)
    np.testing.assert_allclose(together_PC, apart_PC, rtol=1e-5, atol=1e-5)


def test_a_title_that_begins_another_does_not_swallow_it(micro_qwen3: PreTrainedModel) -> None:
    """Without the end, p(short) would contain p(long); with it, probabilities of ended titles add up to at most 1."""
    found_PC = exact(micro_qwen3, PROMPTS, TITLES)
    assert (np.exp(found_PC).sum(axis=1) <= 1).all()
    short, long = found_PC[:, 0], found_PC[:, 1]
    assert not np.allclose(short, long)


titles = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=6)


@given(titles)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_trie_equals_title_by_title(micro_qwen3: PreTrainedModel, titles: list[list[int]]) -> None:
    ended = [[*title, END] for title in titles]
    found_PC = exact(micro_qwen3, PROMPTS[:1], ended)
    np.testing.assert_allclose(found_PC, one_by_one(micro_qwen3, PROMPTS[:1], ended), rtol=1e-5, atol=1e-5)
