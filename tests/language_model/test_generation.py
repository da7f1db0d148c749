from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from occpred.language_model.backbone import Backbone
from occpred.language_model.generation import Generation, Written
from occpred.language_model.stopping import Ending

PROMPTS = [[7, 3, 12], [5], [9, 9, 9, 9, 9, 9, 30, 31], [60, 2], [33, 34, 35, 36]]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """For the micro models: 64 tokens, the last two the pad and the end; each of the others one or two letters."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ<>/ "
    vocabulary = {letter: index for index, letter in enumerate(letters)}
    vocabulary |= {pair: len(vocabulary) + index for index, pair in enumerate(("th", "he", "in", "er", "an", "on"))}
    wrapped = Tokenizer(models.WordLevel({**vocabulary, "[pad]": 62, "[end]": 63}))
    wrapped.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=wrapped, pad_token="[pad]", eos_token="[end]")


def one_at_a_time(model: PreTrainedModel, prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
    """The plain slow way: the most probable next token, again and again, the whole text computed each time."""
    written = []
    for prompt in prompts:
        ids = list(prompt)
        for _ in range(new_tokens):
            with torch.no_grad():
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
        written.append(ids[len(prompt) :])
    return written


def text_of(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True))


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_greedy_text_is_what_the_model_writes_one_prompt_at_a_time(
    micro_model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, batch_size: int
) -> None:
    micro_model.generation_config.eos_token_id = None
    generation = Generation(max_new_tokens=12, batch_size=batch_size)
    texts = generation(micro_model, tokenizer, PROMPTS, stop="never", stage="test")
    assert texts == [text_of(tokenizer, ids) for ids in one_at_a_time(micro_model, PROMPTS, 12)]
    assert len(set(texts)) > 1


def test_a_text_ends_right_after_the_stop(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    micro_qwen3.generation_config.eos_token_id = None
    generation = Generation(max_new_tokens=12, batch_size=3)
    whole = generation(micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test")
    stop = whole[2][3:5]
    stopped = generation(micro_qwen3, tokenizer, PROMPTS, stop=stop, stage="test")
    for text, complete in zip(stopped, whole, strict=True):
        head, found, _ = complete.partition(stop)
        assert text == head + found
    assert stopped[2].endswith(stop)


def test_no_more_is_computed_than_is_needed(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    micro_qwen3.generation_config.eos_token_id = None
    first = text_of(tokenizer, one_at_a_time(micro_qwen3, PROMPTS[:1], 3)[0])
    read: list[int] = []
    micro_qwen3.get_decoder().embed_tokens.register_forward_hook(lambda _, inputs, __: read.append(inputs[0].numel()))
    Generation(max_new_tokens=50)(micro_qwen3, tokenizer, PROMPTS[:1], stop=first[-1], stage="test")
    assert read == [len(PROMPTS[0]), 1, 1][: len(read)]
    assert 1 <= len(read) <= 3


def test_texts_that_have_ended_are_forgotten(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    written = one_at_a_time(micro_qwen3, PROMPTS, 12)
    ends = {ids[step] for ids, step in zip(written, (1, 3, 3, 6, 11), strict=True)}
    micro_qwen3.generation_config.eos_token_id = list(ends)
    lengths = [next((step for step, token in enumerate(ids) if token in ends), 11) + 1 for ids in written]
    read: list[int] = []
    micro_qwen3.get_decoder().embed_tokens.register_forward_hook(lambda _, inputs, __: read.append(inputs[0].shape[0]))
    texts = Generation(max_new_tokens=12)(micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test")
    assert texts == [text_of(tokenizer, ids[:length]) for ids, length in zip(written, lengths, strict=True)]
    assert len(read) == max(lengths)
    unfinished = [sum(length > step for length in lengths) for step in range(1, len(read))]
    assert 0 < min(unfinished) <= len(PROMPTS) / 2, "or this tests nothing"
    assert all(
        going <= rows < 2 * going for rows, going in zip(read[1:], unfinished, strict=True) if rows < len(PROMPTS)
    )


def test_a_stop_in_the_prompt_stops_nothing(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    micro_qwen3.generation_config.eos_token_id = None
    prompt = [7, 3, 12]
    written = one_at_a_time(micro_qwen3, [prompt], 4)
    assert text_of(tokenizer, prompt) not in text_of(tokenizer, written[0])
    generation = Generation(max_new_tokens=4)
    assert generation(micro_qwen3, tokenizer, [prompt], stop=text_of(tokenizer, prompt), stage="test") == [
        text_of(tokenizer, written[0])
    ]


def test_the_models_own_end_ends_a_text(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    written = one_at_a_time(micro_qwen3, PROMPTS, 12)
    end = written[0][4]
    micro_qwen3.generation_config.eos_token_id = end
    texts = Generation(max_new_tokens=12)(micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test")
    for text, ids in zip(texts, written, strict=True):
        until_end = ids[: ids.index(end) + 1] if end in ids else ids
        assert text == text_of(tokenizer, until_end)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_come_in_the_order_of_their_prompts(
    micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, temperature: float
) -> None:
    alone = Generation(max_new_tokens=6, batch_size=1, temperature=temperature)
    together = Generation(max_new_tokens=6, batch_size=5, temperature=temperature)
    assert alone(micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test") == together(
        micro_qwen3, tokenizer, PROMPTS, stop="never", stage="test"
    )


def test_sampling_is_reproducible_and_leaves_the_global_state_alone(
    micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    def draw(seed: int) -> list[str]:
        generation = Generation(max_new_tokens=8, temperature=1.0, seed=seed)
        return generation(micro_qwen3, tokenizer, [[7, 3]] * 4, stop="never", stage="test")

    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert draw(0) == first
    assert draw(1) != first
    assert len(set(first)) == 4, "the same prompt at another place is another draw"


def test_samples_follow_the_models_probabilities(
    micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    temperature, count = 0.7, 4000
    with torch.no_grad():
        probabilities_V = (micro_qwen3(torch.tensor([[7, 3]])).logits[0, -1] / temperature).softmax(dim=-1)
    generation = Generation(max_new_tokens=1, temperature=temperature, batch_size=500)
    drawn = Counter(generation(micro_qwen3, tokenizer, [[7, 3]] * count, stop="never", stage="test"))
    for token in probabilities_V.topk(5).indices.tolist():
        expected = float(probabilities_V[token])
        deviation = (expected * (1 - expected) / count) ** 0.5
        assert abs(drawn[text_of(tokenizer, [token])] / count - expected) < 5 * deviation


def test_no_prompts_give_no_texts(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    assert Generation()(micro_qwen3, tokenizer, [], stop="x", stage="test") == []


@given(st.text(min_size=1, max_size=6), st.text(max_size=12))
def test_the_stop_is_seen_at_the_token_that_completes_it(
    tiny_tokenizer: PreTrainedTokenizerBase, stop: str, before: str
) -> None:
    written = tiny_tokenizer.encode(before + stop, add_special_tokens=False)
    ending = Ending(tiny_tokenizer, stop, ())
    seen = [ending.ends(written[:length]) for length in range(1, len(written) + 1)]
    first = next(
        (length for length in range(1, len(written) + 1) if stop in tiny_tokenizer.decode(written[:length])), None
    )
    assert first is not None
    assert seen.index(True) == first - 1


@pytest.fixture(scope="module")
def tiny_tokenizer(tiny_backbone: Backbone) -> PreTrainedTokenizerBase:
    return tiny_backbone.load_tokenizer()


def test_texts_of_a_batch_stop_each_on_its_own(tiny_tokenizer: PreTrainedTokenizerBase) -> None:
    texts = ["a</think>", "bcdefgh", "x</think>y z w v u t s r q"]
    encoded = [tiny_tokenizer.encode(text, add_special_tokens=False)[:4] for text in texts]
    length = min(map(len, encoded))
    ending = Ending(tiny_tokenizer, "</think>", ())
    stopped = [ending.ends(ids[:length]) for ids in encoded]
    assert stopped == ["</think>" in tiny_tokenizer.decode(ids[:length]) for ids in encoded]


def test_a_draw_depends_on_its_number_and_not_on_its_place(
    micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    micro_qwen3.generation_config.eos_token_id = None
    generation = Generation(max_new_tokens=8, temperature=1.0)

    def draw(*draws: int) -> list[str]:
        return [
            each.text for each in generation.continue_batch(micro_qwen3, tokenizer, [[7, 3]] * len(draws), draws=draws)
        ]

    far = 2**255 + 11
    first, second, third = draw(5, far, 0)
    assert len({first, second, third}) == 3
    assert draw(far, 5) == [second, first]
    assert draw(0) == [third]
    assert generation(micro_qwen3, tokenizer, [[7, 3]] * 2, stop="never", stage="test") == draw(0, 1)


def test_what_was_written_is_counted_and_known_to_be_cut_or_finished(
    micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompts = [[7, 3, 12], [5]]
    written = one_at_a_time(micro_qwen3, prompts, 8)
    end = written[0][3]
    assert end not in written[0][:3]
    micro_qwen3.generation_config.eos_token_id = [end, 999]
    upto = [ids.index(end) if end in ids else 8 for ids in written]
    assert Generation(max_new_tokens=8).continue_batch(micro_qwen3, tokenizer, prompts, draws=[0, 1]) == [
        # The token that ends a text is none of the special ones that a tokenizer leaves out, so it is read here.
        Written(text_of(tokenizer, ids[: length + 1]), length, length < 8)
        for ids, length in zip(written, upto, strict=True)
    ]


def test_a_text_that_is_stopped_is_finished(micro_qwen3: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    micro_qwen3.generation_config.eos_token_id = None
    ids = one_at_a_time(micro_qwen3, PROMPTS[:1], 5)[0]
    stop = text_of(tokenizer, ids[2:3])
    text = text_of(tokenizer, ids)
    generation = Generation(max_new_tokens=5)
    stopped = generation.continue_batch(micro_qwen3, tokenizer, PROMPTS[:1], draws=[0], stop=stop)[0]
    assert (stopped.text, stopped.is_finished) == (text[: text.index(stop) + len(stop)], True)
    assert generation.continue_batch(micro_qwen3, tokenizer, PROMPTS[:1], draws=[0])[0] == Written(text, 5, False)
