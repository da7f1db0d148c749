"""Hidden states of a Llama-like decoder under any attention, computed layer by layer.

Hugging Face's own layers know causal attention. Here the caller says which tokens a token sees, everything else is
theirs: the parameters, the norms, the rotary embeddings. Linear layers that share their input are computed together
(see `occpred.language_model.linears`); on a GPU one layer is compiled, and all layers share what was compiled.

Shapes: B rows, T tokens a row, N tokens whose hidden states are wanted, D hidden size, H query heads, G key and value
heads, E size of a head.
"""

from __future__ import annotations

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

    Of the other tokens, the last layer computes no more than is attended to: their keys and values.

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


def keep_layer_inputs_only(model: nn.Module) -> None:
    """Let the layers of `model` keep for the backward pass what goes into them, and compute the rest again then."""
    for module in model.modules():
        if isinstance(module, GradientCheckpointingLayer):
            under_any_attention(module).keeps_input_only = True


def under_any_attention(layer: nn.Module) -> _Forward:
    """Teach a decoder layer, in place, to be called with an attention; the second time, nothing."""
    if not isinstance(layer.forward, _Forward):
        layer.forward = _Forward(layer)
    return layer.forward


class _Forward:
    """The forward pass of one decoder layer: ours with an attention, that of Hugging Face without."""

    def __init__(self, layer: nn.Module) -> None:
        self._layer = layer
        self._of_hugging_face = layer.forward
        self.keeps_input_only = False

    def __call__(self, hidden_BTD: Tensor, *args: Any, attention: Attention | None = None, **kwargs: Any) -> Any:
        if attention is None:
            return self._of_hugging_face(hidden_BTD, *args, **kwargs)
        compute = _compiled() if hidden_BTD.is_cuda else _layer_states
        given = (self._layer, hidden_BTD, kwargs["rotation"], attention, kwargs.get("wanted_N"))
        if self.keeps_input_only and torch.is_grad_enabled():
            return checkpoint(compute, *given, use_reentrant=False)
        return compute(*given)


@cache
def _compiled() -> Any:
    """One graph for all layers, which differ in nothing but their weights: it is made in seconds, not minutes."""
    # Training, reading prompts and reading titles have graphs of their own; beyond the limit there would be none.
    torch._dynamo.config.recompile_limit = 64
    return torch.compile(_layer_states, dynamic=True)


def _layer_states(
    layer: Any,
    hidden: Tensor,
    rotation: tuple[Tensor, Tensor],
    attention: Attention,
    wanted_N: Tensor | None = None,
) -> Tensor:
    """States after the layer: of all tokens (B, T, D), or of the wanted ones (N, D).

    Attention is called here and nowhere deeper: one that cannot be compiled divides the layer into two graphs.
    """
    attended = attention(*_projected(layer, hidden, rotation), layer.self_attn.scaling).flatten(2)
    if wanted_N is not None:
        hidden, attended = (each.flatten(0, 1)[wanted_N] for each in (hidden, attended))
    (output,) = linears(attended, layer.self_attn.o_proj)
    hidden = hidden + output
    mlp = layer.mlp
    gate, up = linears(normed(layer.post_attention_layernorm, hidden), mlp.gate_proj, mlp.up_proj)
    (down,) = linears(mlp.act_fn(gate) * up, mlp.down_proj)
    return hidden + down


def _projected(layer: Any, hidden_BTD: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries (B, T, H, E), keys and values (B, T, G, E)."""
    module = layer.self_attn
    projected = linears(normed(layer.input_layernorm, hidden_BTD), module.q_proj, module.k_proj, module.v_proj)
    query_BTHE, key_BTGE, value_BTGE = (each.view(*each.shape[:2], -1, module.head_dim) for each in projected)
    if hasattr(module, "q_norm"):
        query_BTHE, key_BTGE = normed(module.q_norm, query_BTHE), normed(module.k_norm, key_BTGE)
    query_BTHE, key_BTGE = (rotated(each, rotation).to(value_BTGE.dtype) for each in (query_BTHE, key_BTGE))
    return query_BTHE, key_BTGE, value_BTGE
