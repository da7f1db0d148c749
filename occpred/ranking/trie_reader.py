"""Lets a language model read parts of one trie behind many prompts, each of which it reads only once.

Shapes: B prompts still in work, T tokens of the longest, W trie nodes read together behind each, K tokens that there is
room for, M nodes read in all, E edges from these to their children, N nodes of the trie, C nodes of a chunk, D hidden
size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import pad

from occpred.language_model.decoder import hidden_states
from occpred.language_model.remembering import RememberingAttention, rounded_room
from occpred.ranking.title_trie import Ints, TitleTrie, padded
from occpred.rankings import Floats
from occpred.trees.attention import sees

_CHUNK = 1024
"""Nodes whose logits exist at one time: 1,024 of a 152k vocabulary in float32 take 0.6 GB."""
# All but cuDNN's, which takes 0.1 s to plan for each new shape; and hardly two waves have the same.
_KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class TrieReader:
    """A model that has read prompts, and goes on to read behind each of them the nodes it is told to.

    All memory, and all work but the prompts', grows with the nodes that are read and not with the trie. What is
    remembered of each prompt is the prompt and its own nodes, one behind the other without padding, in as much room as
    the one with the most tokens needs (see `rounded_room`). Prompts that are read together are padded on the right,
    where causal attention does not see the padding; nodes find what they see by the rule of all token trees, a token
    sees its ancestors: the tokens of its own prompt count as node 0, and empty room as a node behind the last, which is
    nobody's ancestor.
    """

    def __init__(self, model: nn.Module, trie: TitleTrie, prompts: Sequence[Sequence[int]]) -> None:
        self._causal_lm: Any = model
        self._device = next(model.parameters()).device
        self._trie = trie
        self._tokens_N, self._depths_N = self._tensor(trie.tokens_N), self._tensor(trie.depths_N)
        self._ends_N = self._tensor(np.append(trie.ends_N, 0))
        self._prompts = prompts
        self._lengths_B = np.array([len(prompt) for prompt in prompts])
        self._used_B = np.zeros_like(self._lengths_B)
        self._keys_BK = torch.empty((len(prompts), 0), dtype=torch.long, device=self._device)
        self._attention = RememberingAttention()
        self._rows = list(range(len(prompts)))

    def read_prompts(self) -> Floats:
        """Read all prompts; return log-probabilities of the trie's first tokens, prompt by prompt, (E,)."""
        tokens_BT = padded(self._prompts)
        sources_M, places_M = self._make_room(self._lengths_B, tokens_BT.shape[1])
        self._keys_BK.view(-1)[places_M] = 0
        self._attention.expect(sources_M, places_M, self._keys_BK.shape[1], None)
        positions_BT = torch.arange(tokens_BT.shape[1], device=self._device).expand(tokens_BT.shape)
        last_B = self._tensor(np.arange(len(tokens_BT)) * tokens_BT.shape[1] + self._lengths_B - 1)
        last_BD = hidden_states(self._causal_lm, self._tensor(tokens_BT), positions_BT, self._attention, last_B)
        return self._steps(last_BD, np.zeros(len(tokens_BT), dtype=np.int64))

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all prompts but those of these numbers, in this order; free the room that only others needed."""
        if list(rows) == self._rows:
            return
        kept_B = np.array([self._rows.index(row) for row in rows], dtype=np.int64)
        self._lengths_B, self._used_B = self._lengths_B[kept_B], self._used_B[kept_B]
        room, kept = rounded_room(int(self._used_B.max(initial=0))), self._tensor(kept_B)
        self._keys_BK = self._keys_BK[kept, :room]
        self._attention.keep(kept, room)
        self._rows = list(rows)

    def read(self, nodes: Sequence[Ints]) -> Floats:
        """Read nodes behind each prompt kept; return log-probabilities of all their children given them, (E,).

        Args:
            nodes: for each prompt, whole stretches; what lies between them and the prompt was read before.

        Returns:
            Numbers for `TitleTrie.edges` of all nodes, prompt after prompt.
        """
        nodes_M, nodes_BW = np.concatenate(nodes), self._tensor(padded(nodes))
        read_M, places_M = self._make_room(np.array(list(map(len, nodes))), nodes_BW.shape[1])
        self._keys_BK.view(-1)[places_M] = self._tensor(nodes_M)
        mask_BWK = sees(nodes_BW[:, :, None], self._keys_BK[:, None, :], self._ends_N[self._keys_BK][:, None, :])
        self._attention.expect(read_M, places_M, self._keys_BK.shape[1], mask_BWK)
        positions_BW = self._tensor(self._lengths_B)[:, None] - 1 + self._depths_N[nodes_BW]
        tokens_BW = self._tokens_N[nodes_BW]
        with sdpa_kernel(_KERNELS):
            hidden_MD = hidden_states(self._causal_lm, tokens_BW, positions_BW, self._attention, read_M)
        return self._steps(hidden_MD, nodes_M)

    def _make_room(self, counts_B: Ints, width: int) -> tuple[Tensor, Tensor]:
        """Use the next places for so many tokens of each row, among `width` columns; return columns and places, flat.

        Both are (M,), row after row.
        """
        rows_M = np.repeat(np.arange(len(counts_B)), counts_B)
        columns_M = np.arange(len(rows_M)) - np.repeat(np.cumsum(counts_B) - counts_B, counts_B)
        places_M, self._used_B = self._used_B[rows_M] + columns_M, self._used_B + counts_B
        room = max(self._keys_BK.shape[1], rounded_room(int(self._used_B.max())))
        self._keys_BK = pad(self._keys_BK, (0, room - self._keys_BK.shape[1]), value=len(self._trie))
        return self._tensor(rows_M * width + columns_M), self._tensor(rows_M * room + places_M)

    def _steps(self, hidden_MD: Tensor, nodes_M: Ints) -> Floats:
        """Log-probability of each child of each node, (E,); logits exist for one chunk of nodes at a time."""
        parents_E, children_E = self._trie.edges(nodes_M)
        bounds = np.searchsorted(parents_E, np.arange(0, len(nodes_M) + _CHUNK, _CHUNK))
        parents, tokens = self._tensor(parents_E), self._tensor(self._trie.tokens_N[children_E])
        head, found = self._causal_lm.get_output_embeddings(), []
        for number, hidden_CD in enumerate(torch.split(hidden_MD, _CHUNK)):
            edges = slice(bounds[number], bounds[number + 1])
            logits_CV = head(hidden_CD).float()
            own = parents[edges] - number * _CHUNK
            found.append(logits_CV[own, tokens[edges]] - logits_CV.logsumexp(dim=1)[own])
        return np.asarray(torch.cat(found).double().cpu())

    def _tensor(self, array: Ints) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device, non_blocking=True)
