"""Certified ranking against the exact one, on models that know nothing and on models that are sure of themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from occpred.language_model.adaptation import LoRA
from occpred.ranking.certified import CertifiedRanking
from occpred.ranking.exact import ExactRanking
from occpred.ranking.ranking import Question
from occpred.ranking.title_search import most_nodes
from occpred.ranking.title_trie import TitleTrie
from occpred.rankings import Rankings, rank_bounds
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import collate
from occpred.trees.token_tree import TokenTree
from tests.ranking.table_model import END, as_rankings, drawn_titles, known

FIXTURE_IS_FROZEN = [HealthCheck.function_scoped_fixture]
PROMPTS = ((5, 17, 3), (8,), (61, 2, 2, 9, 30, 4), (44, 45))


MANY_TITLES = drawn_titles(400, seed=2, tokens=40)
LEARNED = {prompt: 90 * place for place, prompt in enumerate(PROMPTS)}
"""The title, as a column of `MANY_TITLES`, that stands behind each prompt."""


def sharpened(model: PreTrainedModel, factor: float) -> PreTrainedModel:
    """Output embeddings scaled up make probabilities peaked."""
    model.get_output_embeddings().weight.mul_(factor)
    return model


def check(exact: Rankings, found: Rankings, asked: Sequence[int], epsilon: float) -> None:
    """Everything the certificate promises, for the mean and for each reason alone."""
    for whole, certified in zip(exact.for_each_reason(), found.for_each_reason(), strict=True):
        check_one(whole, certified, asked, epsilon)
        certificate, known_PC = known(certified)
        left_P = np.where(known_PC, 0, np.exp(whole.log_probs_PC)).sum(axis=1)
        assert (left_P <= np.exp(certificate.unopened) * (1 + 1e-4)).all()
    check_one(exact, found, asked, epsilon)


def check_one(exact: Rankings, found: Rankings, asked: Sequence[int], epsilon: float) -> None:
    certificate, known_PC = known(found)
    rows, columns, top = np.arange(len(asked)), np.array(asked), certificate.top
    np.testing.assert_array_equal(found.order()[:, :top], exact.order()[:, :top])
    np.testing.assert_allclose(found.log_probs_PC[known_PC], exact.log_probs_PC[known_PC], rtol=1e-5, atol=1e-5)
    assert known_PC[rows, columns].all()
    assert np.take_along_axis(known_PC, found.order()[:, :top], axis=1).all()
    assert (exact.log_probs_PC <= certificate.upper + 1e-5 * (1 + np.abs(certificate.upper))).all()
    # What the mass that is left does to the sum of all and to each share.
    off_P = np.abs(np.exp(exact.log_probs_PC).sum(axis=1) - np.exp(found.log_probs_PC).sum(axis=1))
    assert (off_P <= np.exp(certificate.unopened) / 2 + 1e-5).all()
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


@pytest.mark.parametrize(("factor", "epsilon"), [(1, 1e-3), (4, 0.05), (20, 1e-3)])
def test_certified_keeps_its_promise(micro_model: PreTrainedModel, factor: float, epsilon: float) -> None:
    titles = drawn_titles(60, seed=1)
    questions = [Question((prompt,), asked=9 * place) for place, prompt in enumerate(PROMPTS)]
    exact, found = both(sharpened(micro_model, factor), questions, titles, epsilon=epsilon, tokens_per_wave=40)
    check(exact, found, [question.asked for question in questions], epsilon)


title_sets = st.lists(
    st.lists(st.integers(1, 3), min_size=1, max_size=5).map(tuple), min_size=1, max_size=25, unique=True
)


@given(titles=title_sets, factor=st.sampled_from([0.5, 3, 30]), data=st.data())
@settings(max_examples=20, suppress_health_check=FIXTURE_IS_FROZEN)
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
    """A model that has learned which of many titles stands behind each prompt, and that few others ever do."""
    model = make_micro_qwen3().requires_grad_(True)
    others = list(range(7, 400, 60))
    weights = torch.tensor([0.95, *(0.05 * 0.5**place for place in range(1, 1 + len(others)))])
    trees = [
        TokenTree.grow(prompt, [MANY_TITLES[title] for title in (own, *others)]) for prompt, own in LEARNED.items()
    ]
    batch = collate([[tree] for tree in trees], max(map(len, trees)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(30):
        optimizer.zero_grad()
        branches_PK = branch_log_probs(model, batch).branches_K.view(len(trees), -1)
        (-(weights * branches_PK).sum(dim=1).mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.requires_grad_(False)


def test_a_sure_model_reads_little(sure_model: PreTrainedModel) -> None:
    """A guard of speed that needs no clock: tokens, padding and prompts included."""
    questions = [Question((prompt,), own) for prompt, own in LEARNED.items()]
    exact, found = both(sure_model, questions, MANY_TITLES, tokens_per_wave=64)
    check(exact, found, list(LEARNED.values()), 1e-3)
    assert np.exp(exact.log_probs_PC)[range(4), list(LEARNED.values())].min() > 0.8
    whole = tokens_read(sure_model, ExactRanking(), questions, MANY_TITLES)
    assert tokens_read(sure_model, CertifiedRanking(tokens_per_wave=64), questions, MANY_TITLES) < whole / 3


def test_what_is_computed_together_changes_nothing(sure_model: PreTrainedModel) -> None:
    """Not even the guesses: a question is answered as if it were alone, whatever else has been read."""
    pairs = list(itertools.pairwise((*PROMPTS, PROMPTS[0])))
    questions = [Question(prompts, asked=LEARNED[prompts[0]]) for prompts in pairs]
    together = CertifiedRanking()(sure_model, questions, MANY_TITLES, stage="test")
    apart = CertifiedRanking(tokens_per_forward=1, tokens_per_wave=40)(sure_model, questions, MANY_TITLES, stage="test")
    np.testing.assert_allclose(apart.log_probs_PRC, together.log_probs_PRC, rtol=1e-4, atol=1e-4)


def test_the_title_asked_for_does_not_change_the_prediction(sure_model: PreTrainedModel) -> None:
    """It is the target: that it is opened must say nothing of it."""
    orders = [
        as_rankings(
            CertifiedRanking()(
                sure_model, [Question((prompt,), asked) for prompt in PROMPTS], MANY_TITLES, stage="test"
            )
        ).order()[:, :10]
        for asked in (3, 250)
    ]
    np.testing.assert_array_equal(*orders)


def test_titles_that_begin_one_another_are_refused(micro_qwen3: PreTrainedModel) -> None:
    with pytest.raises(ValueError, match="the beginning of another"):
        CertifiedRanking()(micro_qwen3, [Question((PROMPTS[0],), 0)], [[1, 2], [1, 2, 3]], stage="test")


def test_adapters_take_part(micro_qwen3: PreTrainedModel) -> None:
    adapted = LoRA(rank=2)(micro_qwen3, seed=0)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.3)
    questions = [Question((prompt,), asked=5) for prompt in PROMPTS]
    exact, found = both(adapted.eval(), questions, drawn_titles(40, seed=3), tokens_per_wave=30)  # type: ignore[arg-type]
    check(exact, found, [5] * len(questions), 1e-3)


UNSURE = ((7, 7, 7, 30), (50, 12), (33, 4, 18))


@pytest.mark.parametrize(("reasons", "tokens_per_forward"), [(1, 1000), (2, 8192)])
def test_unsure_people_are_ranked_exactly_beside_sure_ones(
    sure_model: PreTrainedModel, reasons: int, tokens_per_forward: int
) -> None:
    """Whatever stands together in one group, or in one question."""
    prompts = (PROMPTS[0], UNSURE[0], PROMPTS[1], UNSURE[1], UNSURE[2], PROMPTS[2], PROMPTS[3])
    questions = [
        Question(prompts[place : place + reasons], asked=LEARNED.get(prompts[place], 17))
        for place in range(len(prompts) - reasons + 1)
    ]
    given = {"tokens_per_forward": tokens_per_forward, "tokens_per_wave": 64}
    exact, found = both(sure_model, questions, MANY_TITLES, **given)
    check(exact, found, [question.asked for question in questions], 1e-3)
    is_unsure_PR = np.array([[prompt in UNSURE for prompt in question.prompts] for question in questions])
    certificates = [known(each)[0] for each in found.for_each_reason()]
    is_exact_PR = np.stack([np.isneginf(certificate.unopened) for certificate in certificates], axis=1)
    assert is_exact_PR[is_unsure_PR].all()
    # For a mean with another answer, much may have to be known behind a sure prompt.
    assert reasons > 1 or not is_exact_PR[~is_unsure_PR].any()


@pytest.mark.parametrize("longest", [40, 120])
@pytest.mark.parametrize(("factor", "tokens_per_wave"), [(0.5, 64), (4, 1024)])
def test_what_is_remembered_is_bounded(
    micro_qwen3: PreTrainedModel,
    remembered: list[tuple[int, int]],
    factor: float,
    tokens_per_wave: int,
    longest: int,
) -> None:
    """However unsure the model is, and however short its prompts: it is counted in tokens."""
    generator, forward = np.random.default_rng(0), 1000
    prompts = [tuple(generator.integers(1, 60, length).tolist()) for length in generator.integers(2, longest, 24)]
    questions = [Question((prompt,), asked=5) for prompt in prompts]
    ranking = CertifiedRanking(tokens_per_forward=forward, tokens_per_wave=tokens_per_wave)
    ranking(sharpened(micro_qwen3, factor), questions, MANY_TITLES, stage="test")
    assert remembered
    for rows, room in remembered:
        assert room < max(map(len, prompts)) + most_nodes(TitleTrie(MANY_TITLES)) + 128
        assert rows * (room - 128) < 3 * forward
