"""What is read bit by bit behind many prompts, against all of it read at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel

from occpred.language_model.remembering import rounded_room
from occpred.ranking import trie_reader
from occpred.ranking.exact import trie_log_probs
from occpred.ranking.title_search import stretches
from occpred.ranking.title_trie import TitleTrie
from occpred.ranking.trie_reader import TrieReader
from tests.ranking.table_model import drawn_titles

PROMPTS = [[5, 17, 3], list(range(1, 41)), [8], [61, 2, 2, 9]]
TRIE = TitleTrie(drawn_titles(300, seed=4, tokens=40))


@torch.inference_mode()
def test_prompts_that_take_turns_keep_no_padding(
    micro_qwen3: PreTrainedModel, remembered: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each wave is wide for another prompt; some prompts are forgotten on the way."""
    # A wave has logits in several chunks, with nodes of one prompt in two of them.
    monkeypatch.setattr(trie_reader, "_CHUNK", 7)
    of_nodes_DN = trie_log_probs(micro_qwen3, TRIE.tree, PROMPTS)
    reader = TrieReader(micro_qwen3, TRIE, PROMPTS)
    _, children = TRIE.edges(np.zeros(1, dtype=np.int64))
    np.testing.assert_allclose(reader.read_prompts(), of_nodes_DN[:, children].ravel(), atol=1e-4)
    # Depth-first, so that what lies above has been read.
    waiting = {row: [n for n in _starts() if not TRIE.is_leaf_N[n]] for row in range(len(PROMPTS))}
    read = dict.fromkeys(waiting, 1)
    for wave in range(12):
        rows = [row for row in (3, 1, 0, 2) if row != 2 or wave < 5]
        reader.keep(rows)
        counts = [30 if wave % len(rows) == place else 1 for place in range(len(rows))]
        nodes = [stretches(TRIE, waiting[row][:count]) for row, count in zip(rows, counts, strict=True)]
        found = reader.read(nodes)
        expected = [of_nodes_DN[row][TRIE.edges(own)[1]] for row, own in zip(rows, nodes, strict=True)]
        np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-4)
        for row, count, own in zip(rows, counts, nodes, strict=True):
            waiting[row], read[row] = waiting[row][count:], read[row] + len(own)
        most = max(len(PROMPTS[row]) + read[row] - 1 for row in rows)
        assert remembered[-1] == (len(rows), rounded_room(most))


def _starts() -> list[int]:
    """Where stretches begin, but for the one of the prompt."""
    inside = {node for first in range(1, len(TRIE)) for node in range(first + 1, TRIE.lasts_N[first] + 1)}
    return [node for node in range(1, len(TRIE)) if node not in inside]
