"""Lets a language model read parts of one trie behind many prompts, each of which it reads only once.

Shapes: B prompts still in work, T tokens of the longest, W trie nodes read together behind each, K keys so far, M nodes
read in all, E edges from these to their children, N nodes of the trie, C nodes of a chunk, D hidden size, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor, nn

from occpred.language_model.decoder import hidden_states
from occpred.ranking.remembering import RememberingAttention
from occpred.ranking.title_trie import Ints, TitleTrie
from occpred.rankings import Floats
from occpred.trees.attention import sees

_CHUNK = 1024
"""Nodes whose logits exist at one time: 1,024 of a 152k vocabulary in float32 take 0.6 GB."""


class TrieReader:
    """A model that has read prompts, and goes on to read behind each of them the nodes it is told to.

    All memory, and all work but the prompts', grows with the nodes that are read and not with the trie. Prompts are
    padded on the right, where causal attention does not see the padding; nodes find what they see by the rule of all
    token trees, a token sees its ancestors: the tokens of its own prompt count as node 0, and padding as a node behind
    the last, which is nobody's ancestor.
    """

    def __init__(self, model: nn.Module, trie: TitleTrie, prompts: Sequence[Sequence[int]]) -> None:
        self._causal_lm: Any = model.get_base_model() if isinstance(model, PeftModel) else model
        self._device = next(model.parameters()).device
        self._trie = trie
        self._tokens_N, self._depths_N = self._tensor(trie.tokens_N), self._tensor(trie.depths_N)
        self._ends_N = self._tensor(np.append(trie.ends_N, 0))
        self._prompts = prompts
        self._lengths_B = self._tensor(np.array([len(prompt) for prompt in prompts]))
        columns_T = torch.arange(int(self._lengths_B.max()), device=self._device)
        self._keys_BK = torch.where(columns_T < self._lengths_B[:, None], 0, len(trie))
        self._attention = RememberingAttention()
        self._rows = list(range(len(prompts)))

    def read_prompts(self) -> Floats:
        """Read all prompts; return log-probabilities of the trie's first tokens, prompt by prompt, (E,)."""
        tokens = np.zeros(self._keys_BK.shape, dtype=np.int64)
        for row, prompt in zip(tokens, self._prompts, strict=True):
            row[: len(prompt)] = prompt
        positions_BT = torch.arange(tokens.shape[1], device=self._device).expand(tokens.shape)
        last_B = torch.arange(len(tokens), device=self._device) * tokens.shape[1] + self._lengths_B - 1
        last_BD = hidden_states(self._causal_lm, self._tensor(tokens), positions_BT, self._attention, last_B)
        return self._steps(last_BD, np.zeros(len(tokens), dtype=np.int64))

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all prompts but those of these numbers, in this order."""
        if list(rows) == self._rows:
            return
        kept = self._tensor(np.array([self._rows.index(row) for row in rows]))
        self._lengths_B, self._keys_BK = self._lengths_B[kept], self._keys_BK[kept]
        self._attention.keep(kept)
        self._rows = list(rows)

    def read(self, nodes: Sequence[Ints]) -> Floats:
        """Read nodes behind each prompt kept; return log-probabilities of all their children given them, (E,).

        Args:
            nodes: for each prompt, whole stretches; what lies between them and the prompt was read before.

        Returns:
            Numbers for `TitleTrie.edges` of all nodes, prompt after prompt.
        """
        width, counts = max(map(len, nodes)), [len(each) for each in nodes]
        nodes_BW = self._tensor(np.stack([np.pad(each, (0, width - len(each)), constant_values=-1) for each in nodes]))
        queries_BW = nodes_BW.clamp(min=0)
        new_keys_BW = torch.where(nodes_BW < 0, len(self._trie), nodes_BW)
        self._keys_BK = torch.cat((self._keys_BK, new_keys_BW), dim=1)
        self._attention.mask_BTK = sees(
            queries_BW[:, :, None], self._keys_BK[:, None, :], self._ends_N[self._keys_BK][:, None, :]
        )
        positions_BW = self._lengths_B[:, None] - 1 + self._depths_N[queries_BW]
        read_M = self._tensor(np.concatenate([row * width + np.arange(count) for row, count in enumerate(counts)]))
        tokens_BW = self._tokens_N[queries_BW]
        hidden_MD = hidden_states(self._causal_lm, tokens_BW, positions_BW, self._attention, read_M)
        return self._steps(hidden_MD, np.concatenate(nodes))

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
