"""Encoding once: what is kept is what was encoded, and it is found again by all that it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.encoding import DirectEncoder, Encoder, JointEncoder
from occpred.language_model.backbone import Backbone
from occpred.prompts import Prompts
from occpred.stages.encoded import encoded_once
from occpred.taxonomy.taxonomy import Taxonomy
from occpred.trees.token_tree import TokenTree

TREES = [TokenTree.grow([5, 6, 7], [[1, 2, 3]]), TokenTree.grow([4_000_000], [[9, 8], [9, 1, 1], [2]])]


@dataclass(frozen=True)
class Texts(Stage):
    name: ClassVar[str] = "texts"
    number: int

    def run(self, folder: Path, store: ArtifactStore) -> None: ...


@pytest.fixture
def encoder(tiny_backbone: Backbone, taxonomy: Taxonomy) -> Encoder:
    return JointEncoder(Prompts(), tiny_backbone.load_tokenizer(), taxonomy)


class Counted:
    """Encodes, and counts how often."""

    def __init__(self, trees: list[TokenTree]) -> None:
        self.trees, self.calls = trees, 0

    def __call__(self) -> Iterator[TokenTree]:
        self.calls += 1
        yield from self.trees


def test_the_same_trees_are_read_again(encoder: Encoder, tmp_path: Path) -> None:
    encode = Counted(TREES)
    for _ in range(2):
        assert encoded_once(ArtifactStore(tmp_path), encoder, [Texts(0)], encode) == TREES
    assert encode.calls == 1


def test_whatever_changes_the_tokens_has_them_encoded_anew(
    encoder: Encoder, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    store, encode = ArtifactStore(tmp_path), Counted(TREES)
    encoded_once(store, encoder, [Texts(0)], encode)
    other_tokenizer = tiny_backbone.load_tokenizer()
    other_tokenizer.add_tokens(["occupation"])
    others = [
        replace(encoder, prompts=Prompts(max_positions=2)),
        replace(encoder, tokenizer=other_tokenizer),
        DirectEncoder(encoder.prompts, encoder.tokenizer, encoder.taxonomy),
    ]
    for calls, other in enumerate(others, start=2):
        encoded_once(store, other, [Texts(0)], encode)
        assert encode.calls == calls
    encoded_once(store, encoder, [Texts(1)], encode)
    assert encode.calls == len(others) + 2
    encoded_once(store, replace(encoder, tokenizer=tiny_backbone.load_tokenizer()), [Texts(0)], encode)
    assert encode.calls == len(others) + 2, "the same tokenizer, loaded again"


def test_an_encoding_that_fails_leaves_nothing(encoder: Encoder, tmp_path: Path) -> None:
    def fail() -> Iterator[TokenTree]:
        yield TREES[0]
        raise KeyError("no such title")

    with pytest.raises(Exception, match="generating the dataset"):
        encoded_once(ArtifactStore(tmp_path), encoder, [Texts(0)], fail)
    assert encoded_once(ArtifactStore(tmp_path), encoder, [Texts(0)], Counted(TREES)) == TREES
