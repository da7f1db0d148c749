"""Token trees that are encoded once and kept beside the artifacts, for every training on the same texts.

Trainings that differ in seed, adapters, learning rate or loss read the same tokens. To encode 100,000 people takes
minutes in which a GPU has nothing to do; to read them again takes seconds.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from occpred.artifacts.content import content_digest
from occpred.artifacts.signature import canonical_json, reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Encoder
from occpred.progress import progress
from occpred.trees.token_tree import TokenTree

_FOLDER = "encoded"
_VERSION = 1
"""Raised when the same texts come to give other trees."""


def encoded_once(
    store: ArtifactStore, encoder: Encoder, read: Sequence[Stage], encode: Callable[[], Iterable[TokenTree]]
) -> list[TokenTree]:
    """Return the trees that `encode` gives, from the store's folder `encoded` where they were encoded before.

    Several processes may ask for the same trees at once: one of them encodes, the others wait for it.

    Args:
        store: the artifacts, beside which the trees are kept. They can be removed at any time.
        encoder: what `encode` encodes with. Its tokenizer counts by content, so backbones that share one share trees.
        read: the stages whose artifacts `encode` reads.
        encode: gives the trees, one or more, always the same ones for the same encoder and artifacts.
    """
    from datasets import Dataset, Features, List, Value, disable_progress_bars

    def rows() -> Iterator[dict[str, Any]]:
        for tree in progress(encode(), "encode", unit="tree"):
            branches = [[tree.tokens[node] for node in path] for path in tree.paths]
            yield {"trunk": tree.tokens[: tree.trunk_length].tolist(), "branches": branches}

    disable_progress_bars()  # ours says more
    tokens = List(Value("int32"))
    # The name of the file is all that the library knows of what it holds: `rows` is not pickled to find one.
    kept = Dataset.from_generator(
        rows,
        features=Features({"trunk": tokens, "branches": List(tokens)}),
        cache_dir=str(store.root / _FOLDER),
        fingerprint=_fingerprint(encoder, read),
    )
    return [TokenTree.grow(row["trunk"], row["branches"]) for row in kept]


def _fingerprint(encoder: Encoder, read: Sequence[Stage]) -> str:
    """Of all that trees depend on."""
    with tempfile.TemporaryDirectory() as folder:
        encoder.tokenizer.save_pretrained(folder)
        tokenizer = content_digest(Path(folder))
    identity = {
        "version": _VERSION,
        "role": type(encoder).__name__,
        "prompts": asdict(encoder.prompts),
        "tokenizer": tokenizer,
        "read": [reference(stage) for stage in read],
    }
    return hashlib.sha256(canonical_json(identity).encode()).hexdigest()[:16]
