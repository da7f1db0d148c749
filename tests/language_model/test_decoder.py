from __future__ import annotations

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AutoConfig, PreTrainedModel

from occpred.errors import UserError
from occpred.language_model import decoder, elementwise
from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.language_model.decoder import check_attention, hidden_states
from occpred.language_model.text_reader import TextReader
from tests.language_model.compiler import counted_compiler


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "gemma2"}, r"of the family gemma2, .* one of llama, mistral, qwen2, qwen3"),
        ({"model_type": "mistral", "sliding_window": 4096}, "window of 4096 tokens"),
        ({"model_type": "qwen3", "use_sliding_window": True, "max_window_layers": 1, "sliding_window": 64}, "of 64 to"),
    ],
)
def test_attention_that_cannot_follow_a_tree_is_refused(config: dict[str, object], reason: str) -> None:
    sizes = dict(config)
    with pytest.raises(UserError, match=reason):
        check_attention(AutoConfig.for_model(str(sizes.pop("model_type")), **sizes))


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_families_as_they_come_are_welcome(family: str) -> None:
    check_attention(AutoConfig.for_model(family))


def causal(query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
    heads_first = (each.transpose(1, 2) for each in (query_BTHE, key_BTGE, value_BTGE))
    return scaled_dot_product_attention(*heads_first, is_causal=True, scale=scale, enable_gqa=True).transpose(1, 2)


def states(model: PreTrainedModel, length: int, through: Any = causal) -> Tensor:
    tokens_BT = torch.arange(length)[None] % 60
    return hidden_states(model, tokens_BT, torch.arange(length)[None], through, torch.arange(length))[None]


def test_causal_attention_gives_what_hugging_face_gives(micro_model: PreTrainedModel) -> None:
    tokens_BT = torch.arange(20)[None] % 60
    expected = micro_model.get_decoder()(tokens_BT, use_cache=False).last_hidden_state
    torch.testing.assert_close(states(micro_model, 20), expected, rtol=1e-5, atol=1e-5)
    again = micro_model.get_decoder()(tokens_BT, use_cache=False).last_hidden_state
    assert torch.equal(again, expected)


def test_all_layers_but_the_last_share_one_graph_for_all_lengths(
    make_micro: Callable[[], PreTrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a GPU compiles, here with a backend that only counts: a graph for each layer would take minutes."""
    model: Any = LoRA(rank=2)(make_micro(), seed=0)
    base = model.get_base_model()
    expected = [states(base, length) for length in (40, 56, 72)]
    counter = counted_compiler(monkeypatch)
    for length, plain in zip((40, 56, 72), expected, strict=True):
        torch.testing.assert_close(states(base, length), plain)
    assert counter.frame_count == 2


def test_reading_without_gradients_has_two_graphs_for_all_shapes(
    make_micro: Callable[[], PreTrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rankings and texts ask for many; where each was compiled for itself, that took longer than all the work."""
    model: Any = LoRA(rank=2)(make_micro(), seed=0)
    base = model.get_base_model()

    def read() -> list[Tensor]:
        found = []
        with torch.inference_mode():
            for prompts, steps in (([[5] * 9, [6, 7]], 3), ([[8] * 30] * 5, 2), ([[1, 2, 3]] * 9, 4)):
                reader = TextReader(base, prompts, steps)
                found.append(reader.read_prompts())
                found += [reader.read(torch.full((len(prompts),), 4)) for _ in range(steps)]
                found.append(states(base, len(prompts) + 20))
        return found

    expected = read()
    counter = counted_compiler(monkeypatch)
    for ours, theirs in zip(read(), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert counter.frame_count == 2


def test_compiled_float8_layers_learn_as_plain_ones(
    make_micro_qwen3: Callable[[], PreTrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer has four products of frozen weights in one graph; what the first made, the others once could not use."""
    # Gradients written by hand differ in the last bit, which float8 may round to another side.
    monkeypatch.setattr(elementwise, "_counts_passes", lambda _: False)
    model: Any = LoRA(rank=2, base_dtype=BaseDtype.fp8)(make_micro_qwen3(), seed=0)
    base = model.get_base_model().get_decoder()
    layer = base.layers[0]
    trained = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    for parameter in trained:  # Second factors start at zero, under which the first would have no gradient.
        torch.nn.init.normal_(parameter, std=0.1)

    def outcome(length: int) -> list[Tensor]:
        torch.manual_seed(length)
        hidden_BTD = torch.randn(1, length, 32, requires_grad=True)
        rotation = base.rotary_emb(hidden_BTD, torch.arange(length)[None])
        states_BTD = decoder._layer_states(layer, hidden_BTD, rotation, causal)
        weighed = (states_BTD * torch.randn_like(states_BTD)).sum()
        return [states_BTD, *torch.autograd.grad(weighed, [hidden_BTD, *trained])]

    expected = [outcome(length) for length in (40, 56)]
    torch.compiler.reset()
    compiled = torch.compile(decoder._layer_states, backend="aot_eager", dynamic=True, fullgraph=True)
    monkeypatch.setattr(decoder, "_layer_states", compiled)
    for length, plain in zip((40, 56), expected, strict=True):
        for ours, theirs in zip(outcome(length), plain, strict=True):
            assert theirs.abs().max() > 0.01
            torch.testing.assert_close(ours, theirs)


def test_a_used_model_is_freed_with_its_last_name(make_micro: Callable[[], PreTrainedModel]) -> None:
    """At once: while one waits for the garbage collector, the next model would find no room on its GPU."""
    model = make_micro()
    states(model, 5).sum().backward()
    weights = [weakref.ref(parameter) for parameter in model.parameters()]
    gc.collect()
    gc.disable()
    try:
        del model
        assert not any(weight() is not None for weight in weights)
    finally:
        gc.enable()


def test_a_copy_of_a_used_model_computes_with_its_own_weights(micro_qwen3: PreTrainedModel) -> None:
    expected = states(micro_qwen3, 5)
    copied = copy.deepcopy(micro_qwen3)
    for parameter in micro_qwen3.parameters():
        torch.nn.init.zeros_(parameter)
    assert torch.equal(states(copied, 5), expected)
