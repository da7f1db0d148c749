"""Hidden states of a Llama-like decoder under any attention, computed layer by layer.

Hugging Face's own layers know causal attention. Here the caller says which tokens a token sees, everything else is
theirs: the parameters, the norms, the rotary embeddings. Linear layers that share their input are computed together
(see `occpred.language_model.linears`); on a GPU one layer is compiled, and all layers share what was compiled.

Shapes: B rows, T tokens a row, X either these two axes or one of all tokens, N tokens whose hidden states are wanted,
D hidden size, H query heads, G key and value heads, E size of a head, F = H x E.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer

from occpred.errors import UserError
from occpred.language_model.elementwise import normed, rotated
from occpred.language_model.linears import linears

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

Rotation = tuple[Tensor, Tensor]
"""Cosines and sines of all positions, each (X, E)."""
FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
"""Values of `model_type` whose layers are computed here."""


class Attention(Protocol):
    """Which tokens each token sees, as a function of queries, keys and values."""

    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Return the attended values (B, T, H, E); logits of the attention are multiplied by `scale`."""


def check_attention(config: PreTrainedConfig) -> None:
    """Refuse a model whose attention cannot be replaced.

    Raises:
        UserError: its family is not known, or some layer sees a window of the past only.
    """
    family = config.model_type
    if family not in FAMILIES:
        raise UserError(
            f"backbone: is of the family {family}, whose attention cannot follow token trees; "
            f"must be one of {', '.join(FAMILIES)}"
        )
    if "sliding_attention" in (getattr(config, "layer_types", None) or ()) or (
        getattr(config, "layer_types", None) is None and getattr(config, "sliding_window", None)
    ):
        raise UserError(
            f"backbone: this {family} model has layers that see a window of {config.sliding_window} tokens, which "
            "cannot follow token trees; take one with full attention in all layers"
        )


def hidden_states(
    causal_lm: Any, tokens_BT: Tensor, positions_BT: Tensor, attention: Attention, wanted_N: Tensor
) -> Tensor:
    """Return what the decoder makes of the wanted tokens, (N, D), with `attention` in every layer.

    After its attention, the last layer goes on with these tokens only.

    Args:
        causal_lm: a Hugging Face model of one of `FAMILIES`, with or without PEFT layers injected.
        tokens_BT: vocabulary ids.
        positions_BT: position of each token.
        attention: which tokens each token sees.
        wanted_N: flat indices (row * T + column).
    """
    decoder = causal_lm.get_decoder()
    hidden_BTD = decoder.embed_tokens(tokens_BT)
    if torch.is_grad_enabled() and not hidden_BTD.requires_grad:
        # For the sake of one gradient that nobody needs, the first layer has the same graph as the others.
        hidden_BTD.requires_grad_()
    rotation = decoder.rotary_emb(hidden_BTD, positions_BT)
    *layers, last = decoder.layers
    for layer in layers:
        # Called as a module, so that what shards its weights puts them together before and takes them apart after.
        under_any_attention(layer)
        hidden_BTD = layer(hidden_BTD, rotation=rotation, attention=attention)
    under_any_attention(last)
    states_ND: Tensor = decoder.norm(last(hidden_BTD, rotation=rotation, attention=attention, wanted_N=wanted_N))
    return states_ND


def decoder_layers(model: nn.Module) -> list[nn.Module]:
    """The decoder layers that `model`, or whatever holds it, consists of."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def keep_layer_inputs_only(model: nn.Module) -> None:
    """Let the layers of `model` keep for the backward pass what goes into them, and compute the rest again then."""
    for layer in decoder_layers(model):
        under_any_attention(layer).keeps_input_only = True


def under_any_attention(layer: Any) -> Any:
    """Teach a decoder layer, in place, to be called with an attention; the second time, nothing."""
    if not isinstance(layer, _UnderAnyAttention):
        # Through its class: what is kept in the layer and knows the layer would keep its weights for the collector.
        layer.__class__ = _taught(layer.__class__)
    return layer


@cache
def _taught(kind: type[nn.Module]) -> type[_UnderAnyAttention]:
    """That kind of layers with our forward pass, one class for all of them, so that they share what was compiled."""
    return type(kind.__name__, (_UnderAnyAttention, kind), {})


class _UnderAnyAttention(nn.Module):
    """The forward pass of one decoder layer: ours with an attention, that of Hugging Face without."""

    keeps_input_only = False

    def forward(self, hidden_BTD: Tensor, *args: Any, attention: Attention | None = None, **kwargs: Any) -> Any:
        if attention is None:
            return super().forward(hidden_BTD, *args, **kwargs)
        given = (self, hidden_BTD, kwargs["rotation"], attention, kwargs.get("wanted_N"))
        if not torch.is_grad_enabled():
            return _inferred_states(*given)
        compute = _made_for(hidden_BTD.device.type, _layer_states)
        if self.keeps_input_only:
            return checkpoint(compute, *given, use_reentrant=False)
        return compute(*given)


@cache
def _made_for(device_type: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """For a GPU it is compiled, once for all layers, which differ in nothing but weights: in seconds, not minutes."""
    if device_type == "cpu":
        return function
    # Beyond the limit nothing would be compiled any more.
    torch._dynamo.config.recompile_limit = 64
    return torch.compile(function, dynamic=True)


def _layer_states(
    layer: Any, hidden: Tensor, rotation: Rotation, attention: Attention, wanted_N: Tensor | None = None
) -> Tensor:
    """States after the layer: of all tokens (B, T, D), or of the wanted ones (N, D)."""
    attended = attention(*_projected(layer, hidden, rotation), layer.self_attn.scaling).flatten(2)
    if wanted_N is not None:
        hidden, attended = (each.flatten(0, 1)[wanted_N] for each in (hidden, attended))
    return _finished(layer, hidden, attended)


def _inferred_states(
    layer: Any, hidden: Tensor, rotation: Rotation, attention: Attention, wanted_N: Tensor | None = None
) -> Tensor:
    """The same where no gradients are wanted.

    Rankings read all tokens of few rows, then few tokens of many, in ever other numbers, and what is compiled for one
    kind of shape seldom serves another. So here only what is done to each token by itself is compiled, and the number
    of all tokens is the one size that varies.
    """
    project, finish = (_made_for(hidden.device.type, part) for part in (_projected, _finished))
    flat = hidden.flatten(0, 1)
    heads = project(layer, flat, tuple(each.flatten(0, 1) for each in rotation))
    query, key, value = (each.unflatten(0, hidden.shape[:2]) for each in heads)
    attended = attention(query, key, value, layer.self_attn.scaling).reshape(len(flat), -1)
    states: Tensor
    if wanted_N is not None:
        states = finish(layer, flat[wanted_N], attended[wanted_N])
    else:
        states = finish(layer, flat, attended).view_as(hidden)
    return states


def _projected(layer: Any, hidden_XD: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (X, H, E), keys and values (X, G, E)."""
    module = layer.self_attn
    projected = linears(normed(layer.input_layernorm, hidden_XD), module.q_proj, module.k_proj, module.v_proj)
    query_XHE, key_XGE, value_XGE = (each.view(*each.shape[:-1], -1, module.head_dim) for each in projected)
    if hasattr(module, "q_norm"):
        query_XHE, key_XGE = normed(module.q_norm, query_XHE), normed(module.k_norm, key_XGE)
    query_XHE, key_XGE = (rotated(each, rotation).to(value_XGE.dtype) for each in (query_XHE, key_XGE))
    return query_XHE, key_XGE, value_XGE


def _finished(layer: Any, hidden_XD: Tensor, attended_XF: Tensor) -> Tensor:
    """States after the layer, (X, D)."""
    (output_XD,) = linears(attended_XF, layer.self_attn.o_proj)
    hidden_XD = hidden_XD + output_XD
    mlp = layer.mlp
    gate, up = linears(normed(layer.post_attention_layernorm, hidden_XD), mlp.gate_proj, mlp.up_proj)
    (down_XD,) = linears(mlp.act_fn(gate) * up, mlp.down_proj)
    return hidden_XD + down_XD
