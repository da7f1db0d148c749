"""Certified ranking against the exact one, on models that know nothing and on models that are sure of themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from occpred.ranking.certified import CertifiedRanking
from occpred.ranking.exact import ExactRanking
from occpred.ranking.ranking import Answers, Question
from occpred.rankings import Rankings, rank_bounds
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate
from occpred.trees.token_tree import TokenTree

END = 63
FIXTURE_IS_FROZEN = [HealthCheck.function_scoped_fixture]
PROMPTS = ((5, 17, 3), (8,), (61, 2, 2, 9, 30, 4), (44, 45))


def drawn_titles(count: int, seed: int, tokens: int = 12) -> list[list[int]]:
    """So many different titles of one to six tokens, with common beginnings, some of them longer forms of others."""
    generator = np.random.default_rng(seed)
    drawn = {tuple(generator.integers(1, tokens, generator.integers(1, 7)).tolist()) for _ in range(20 * count)}
    return [[*title, END] for title in sorted(drawn)[:: len(drawn) // count]][:count]


MANY_TITLES = drawn_titles(400, seed=2, tokens=40)
LEARNED = {prompt: 90 * place for place, prompt in enumerate(PROMPTS)}
"""The title, as a column of `MANY_TITLES`, that stands behind each prompt."""


def sharpened(model: PreTrainedModel, factor: float) -> PreTrainedModel:
    """Output embeddings scaled up make probabilities peaked."""
    model.get_output_embeddings().weight.mul_(factor)
    return model


def as_rankings(answers: Answers) -> Rankings:
    count, _, titles = answers.log_probs_PRC.shape
    names = [tuple(map(str, range(number))) for number in (titles, count)]
    return Rankings.averaged(
        codes=names[0], example_ids=names[1], log_probs_PRC=answers.log_probs_PRC, certificate=answers.certificate
    )


def check(exact: Rankings, found: Rankings, asked: Sequence[int], epsilon: float) -> None:
    """Everything the certificate promises, for the mean and for each reason alone."""
    for whole, certified in zip(exact.for_each_reason(), found.for_each_reason(), strict=True):
        check_one(whole, certified, asked, epsilon)
    check_one(exact, found, asked, epsilon)


def check_one(exact: Rankings, found: Rankings, asked: Sequence[int], epsilon: float) -> None:
    certificate = found.certificate
    assert certificate
    rows, columns = np.arange(len(asked)), np.array(asked)
    known_PC = certificate.upper <= found.log_probs_PC
    top = certificate.top
    np.testing.assert_array_equal(found.order()[:, :top], exact.order()[:, :top])
    np.testing.assert_allclose(found.log_probs_PC[known_PC], exact.log_probs_PC[known_PC], rtol=1e-5, atol=1e-5)
    assert known_PC[rows, columns].all()
    assert np.take_along_axis(known_PC, found.order()[:, :top], axis=1).all()
    assert (exact.log_probs_PC <= certificate.upper + 1e-5 * (1 + np.abs(certificate.upper))).all()
    # The mass that is left, and what it does to the sum of all and to each share.
    left_P = np.where(known_PC, 0, np.exp(exact.log_probs_PC)).sum(axis=1)
    assert (left_P <= np.exp(certificate.unopened) * (1 + 1e-4)).all()
    shares_PC, exact_shares_PC = np.exp(found.normalised()), np.exp(exact.normalised())
    assert np.abs(shares_PC - exact_shares_PC)[known_PC].max() <= epsilon + 1e-6
    assert np.abs(found.normalised() - exact.normalised())[rows, columns].max() <= epsilon + 1e-5
    # Ranks lie between their bounds, and those are close.
    best_P, worst_P = rank_bounds(certificate.upper, known_PC, columns)
    for rankings in (exact, found):
        rank_P = 1 + np.argmax(rankings.order() == columns[:, None], axis=1)
        assert ((best_P <= rank_P) & (rank_P <= worst_P)).all()
    assert (1 / best_P - 1 / worst_P).max() <= epsilon


def both(
    model: PreTrainedModel, questions: list[Question], titles: list[list[int]], **given: float
) -> tuple[Rankings, Rankings]:
    certified = CertifiedRanking(**given)  # type: ignore[arg-type]
    exact = ExactRanking()(model, questions, titles, stage="test")
    return as_rankings(exact), as_rankings(certified(model, questions, titles, stage="test"))


def tokens_read(model: PreTrainedModel, ranking: CertifiedRanking | ExactRanking, *arguments: object) -> int:
    """How many tokens the layers saw, padding included."""
    counts: list[int] = []
    layer = model.get_decoder().layers[0]
    hook = layer.register_forward_pre_hook(lambda _, inputs: counts.append(inputs[0].shape[0] * inputs[0].shape[1]))
    ranking(model, *arguments, stage="test")  # type: ignore[arg-type]
    hook.remove()
    return sum(counts)


@pytest.mark.parametrize("factor", [1, 4, 20])
@pytest.mark.parametrize("epsilon", [1e-3, 0.05])
def test_certified_keeps_its_promise(micro_model: PreTrainedModel, factor: float, epsilon: float) -> None:
    titles = drawn_titles(120, seed=1)
    questions = [Question((prompt,), asked=17 * place) for place, prompt in enumerate(PROMPTS)]
    exact, found = both(sharpened(micro_model, factor), questions, titles, epsilon=epsilon, tokens_per_wave=40)
    check(exact, found, [question.asked for question in questions], epsilon)


title_sets = st.lists(
    st.lists(st.integers(1, 3), min_size=1, max_size=5).map(tuple), min_size=1, max_size=25, unique=True
)


@given(titles=title_sets, factor=st.sampled_from([0.5, 3, 30]), data=st.data())
@settings(max_examples=40, suppress_health_check=FIXTURE_IS_FROZEN)
def test_any_trie_keeps_the_promise(
    micro_qwen3: PreTrainedModel, titles: list[tuple[int, ...]], factor: float, data: st.DataObject
) -> None:
    ended = [[*title, END] for title in titles]
    columns = st.integers(0, len(titles) - 1)
    prompts = st.lists(st.sampled_from(PROMPTS), min_size=2, max_size=2).map(tuple)
    questions = data.draw(st.lists(st.builds(Question, prompts, columns), min_size=1, max_size=4))
    sharpened(micro_qwen3, factor)
    exact, found = both(micro_qwen3, questions, ended, epsilon=0.01, tokens_per_wave=data.draw(st.integers(1, 60)))
    sharpened(micro_qwen3, 1 / factor)
    check(exact, found, [question.asked for question in questions], 0.01)


@pytest.fixture(scope="module")
def sure_model(make_micro_qwen3: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    """A model that has learned which of many titles stands behind each prompt."""
    model = make_micro_qwen3().requires_grad_(True)
    batch = collate([[TokenTree.grow(prompt, [MANY_TITLES[place]])] for prompt, place in LEARNED.items()], 16)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        (-branch_log_probs(model, batch).branches_K.mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.requires_grad_(False)


def test_a_sure_model_reads_little(sure_model: PreTrainedModel) -> None:
    questions = [Question((prompt,), LEARNED[prompt]) for prompt in LEARNED]
    whole = tokens_read(sure_model, ExactRanking(), questions, MANY_TITLES)
    part = tokens_read(sure_model, CertifiedRanking(tokens_per_wave=64), questions, MANY_TITLES)
    exact, found = both(sure_model, questions, MANY_TITLES, tokens_per_wave=64)
    print(np.exp(exact.log_probs_PC)[range(4), list(LEARNED.values())])
    check(exact, found, list(LEARNED.values()), 1e-3)
    print(whole, part)
