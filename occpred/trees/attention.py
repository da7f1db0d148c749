"""The one rule of attention, a token sees itself and its ancestors, in the way that each device does fastest.

Shapes: B rows, T tokens a row, H query heads, G key and value heads, E size of a head, Q queries and K keys of a piece,
or blocks of such, C tokens of a block, U documents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, cached_property
from inspect import signature
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import pad, scaled_dot_product_attention

from occpred.trees.packing import Span, TreeBatch

_BLOCK = 128
"""Tokens of a block of FlexAttention's mask, and of a piece of a tree."""


_GROUPED: dict[str, Any] = {"enable_gqa": True} if "enable_gqa" in signature(varlen_attn).parameters else {}
"""From PyTorch 2.12 on it must be said that several query heads share keys and values; before, it could not."""


class AncestorAttention(ABC):
    """Attention of each token to itself and its ancestors."""

    @abstractmethod
    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Return the attended values (B, T, H, E). What unused columns get has no meaning, but is finite."""


def ancestor_attention(batch: TreeBatch, dtype: torch.dtype) -> AncestorAttention:
    """Choose by where `batch` lies, by the format of queries and keys, and by whether all its trees are chains."""
    if not batch.tokens_BT.is_cuda:
        # Where there is no tree at all parameters still take part, so that processes can average their gradients.
        return TreeByTree(batch.spans or (Span(0, batch.ends_BT.shape[1], is_chain=True),), batch.ends_BT, dtype)
    if dtype != torch.float32 and all(span.is_chain for span in batch.spans):
        return Chains.of(batch)
    return Blocks(block_mask(batch.ends_BT))


class Piece(NamedTuple):
    """Queries of a tree that lie one behind the other, with the keys that any of them sees."""

    num_queries: int
    keys_K: Tensor
    mask_QK: Tensor
    """What is added to the logits: nothing where a query sees a key, and minus infinity where it does not."""


@dataclass(frozen=True)
class TreeByTree(AncestorAttention):
    """PyTorch's attention for each tree on its own: on a CPU nothing is gained by doing several at once.

    A chain needs no mask. Of another tree, some queries at a time attend to what they see at all: the trunk, few
    ancestors, and each other.
    """

    spans: tuple[Span, ...]
    ends_BT: Tensor
    dtype: torch.dtype

    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Attend, tree by tree."""
        # Taken apart at once: the gradient of each slice alone would be as large as the whole.
        parts = (
            torch.split(each.flatten(0, 1).transpose(0, 1).unsqueeze(0), self._lengths, dim=2)
            for each in (query_BTHE, key_BTGE, value_BTGE)
        )
        attended = []
        for number, (query_1HTE, key_1GTE, value_1GTE) in enumerate(zip(*parts, strict=True)):
            tree, is_tree = divmod(number, 2)
            if not is_tree:
                attended.append(torch.zeros_like(query_1HTE))
            elif self.spans[tree].is_chain:
                attended.append(
                    scaled_dot_product_attention(
                        query_1HTE, key_1GTE, value_1GTE, is_causal=True, scale=scale, enable_gqa=True
                    )
                )
            else:
                pieces = self._pieces[tree]
                queries = torch.split(query_1HTE, [piece.num_queries for piece in pieces], dim=2)
                attended += [
                    scaled_dot_product_attention(
                        query_1HQE,
                        key_1GTE[:, :, piece.keys_K],
                        value_1GTE[:, :, piece.keys_K],
                        attn_mask=piece.mask_QK,
                        scale=scale,
                        enable_gqa=True,
                    )
                    for query_1HQE, piece in zip(queries, pieces, strict=True)
                ]
        return torch.cat([each[0].transpose(0, 1) for each in attended]).view(query_BTHE.shape)

    @cached_property
    def _lengths(self) -> list[int]:
        """Of what lies before the first tree, of the first tree, of what lies between it and the second, and so on."""
        bounds = [0, *(bound for span in self.spans for bound in (span.first, span.end)), self.ends_BT.numel()]
        return [end - first for first, end in pairwise(bounds)]

    @cached_property
    def _pieces(self) -> dict[int, list[Piece]]:
        """Those of each tree that is not a chain."""
        return {
            number: _pieces(self.ends_BT.flatten()[span.first : span.end] - self._row_of(span), self.dtype)
            for number, span in enumerate(self.spans)
            if not span.is_chain
        }

    def _row_of(self, span: Span) -> int:
        """What the ends of a tree's subtrees, which count within its row, are too large by."""
        return span.first % self.ends_BT.shape[1]


def _pieces(ends_T: Tensor, dtype: torch.dtype) -> list[Piece]:
    """Divide a tree, given the ends of its tokens' subtrees."""
    index_T = torch.arange(len(ends_T), device=ends_T.device)
    pieces = []
    for query_Q in torch.split(index_T, _BLOCK):
        first, end = int(query_Q[0]), int(query_Q[-1]) + 1
        # Of what lies before the first query, later ones see no more than this one does: its ancestors.
        keys_K = index_T[:end][ends_T[:end] > first]
        seen_QK = sees(query_Q[:, None], keys_K, ends_T[keys_K])
        mask_QK = torch.zeros(seen_QK.shape, dtype=dtype, device=ends_T.device).masked_fill(~seen_QK, -torch.inf)
        pieces.append(Piece(end - first, keys_K, mask_QK))
    return pieces


def sees(query: Any, key: Any, end_of_key: Any) -> Any:
    """Whether the token in column `query` sees the one in column `key`, whose subtree ends before `end_of_key`."""
    return (key <= query) & (query < end_of_key)


@dataclass(frozen=True)
class Chains(AncestorAttention):
    """Causal attention within documents of any length that lie one behind the other (flash attention).

    Attributes:
        bounds_U: int32, where each document begins, and the end of the last one.
        longest: at least the length of the longest.
    """

    bounds_U: Tensor
    longest: int

    @classmethod
    def of(cls, batch: TreeBatch) -> Chains:
        """Take each tree for a document, and the unused columns of each row for another."""
        rows, length = batch.tokens_BT.shape
        bounds = {row * length for row in range(rows + 1)}
        bounds.update(bound for span in batch.spans for bound in (span.first, span.end))
        ordered = sorted(bounds)
        longest = max(end - first for first, end in pairwise(ordered))
        # A number of its own for each batch would be compiled anew; the kernel only rounds it up to its blocks.
        rounded = 1 << (longest - 1).bit_length()
        return cls(torch.tensor(ordered, dtype=torch.int32).to(batch.tokens_BT.device, non_blocking=True), rounded)

    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Attend within documents."""
        attended: Any = varlen_attn(
            query_BTHE.flatten(0, 1),
            key_BTGE.flatten(0, 1),
            value_BTGE.flatten(0, 1),
            self.bounds_U,
            self.bounds_U,
            self.longest,
            self.longest,
            scale=scale,
            window_size=(-1, 0),
            **_GROUPED,
        )
        attended_BTHE: Tensor = attended.view(query_BTHE.shape)
        return attended_BTHE


@dataclass(frozen=True)
class Blocks(AncestorAttention):
    """FlexAttention, which skips the blocks of the mask in which nothing is seen."""

    mask: BlockMask

    def __call__(self, query_BTHE: Tensor, key_BTGE: Tensor, value_BTGE: Tensor, scale: float) -> Tensor:
        """Attend, block by block."""
        heads_first = (each.transpose(1, 2) for each in (query_BTHE, key_BTGE, value_BTGE))
        # Where this is part of what is compiled, it is compiled with it.
        attend = flex_attention if torch.compiler.is_compiling() else _flex()
        attended: Any = attend(*heads_first, block_mask=self.mask, scale=scale, enable_gqa=True)
        attended_BTHE: Tensor = attended.transpose(1, 2)
        return attended_BTHE


@cache
def _flex() -> Any:
    """Compiled even on its own: otherwise all scores of all heads would lie in memory."""
    return torch.compile(flex_attention, dynamic=True)


def block_mask(ends_BT: Tensor) -> BlockMask:
    """Return FlexAttention's mask, straight from the ends of subtrees, without looking at pairs of tokens.

    Keys of a block are seen by later queries up to the end of their subtrees. So a block of queries sees something of
    an earlier block of keys where the latest of these ends lies behind its first query, and all of it where the
    earliest one lies behind its last query.
    """
    length = ends_BT.shape[1]
    blocks_BKC = pad(ends_BT, (0, -length % _BLOCK)).view(len(ends_BT), -1, _BLOCK)
    latest_BK, earliest_BK = blocks_BKC.amax(dim=2), blocks_BKC.amin(dim=2)
    first_Q1 = torch.arange(blocks_BKC.shape[1], device=ends_BT.device)[:, None] * _BLOCK
    first_1K = first_Q1.t()
    earlier_QK, same_QK = first_1K < first_Q1, first_1K == first_Q1
    whole_BQK = earlier_QK & (earliest_BK[:, None, :] >= first_Q1 + _BLOCK)
    some_BQK = (earlier_QK & (latest_BK[:, None, :] > first_Q1) & ~whole_BQK) | same_QK

    def is_seen(row: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Any:
        return sees(query, key, ends_BT[row, key])

    return BlockMask.from_kv_blocks(
        *_listed(some_BQK), *_listed(whole_BQK), BLOCK_SIZE=_BLOCK, mask_mod=is_seen, seq_lengths=(length, length)
    )


def _listed(blocks_BQK: Tensor) -> tuple[Tensor, Tensor]:
    """How many blocks of keys each block of queries has, and which these are, first in order; for all heads."""
    numbers_BQ = blocks_BQK.sum(dim=2, dtype=torch.int32)
    indices_BQK = blocks_BQK.int().argsort(dim=2, descending=True, stable=True).int()
    return numbers_BQ.unsqueeze(1), indices_BQK.unsqueeze(1)
