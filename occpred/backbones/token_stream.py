"""The corpus as one long stream of tokens, made in parallel; the same whatever the number of processes.

Shapes: N tokens of the stream.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from occpred.backbones.corpus import documents
from occpred.backbones.tokenizer import END
from occpred.progress import progress
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

Made = TypeVar("Made")

PEOPLE_PER_CHUNK = 500
_FULL_TAXONOMY_EVERY = 4
"""Where the whole of O*NET is at hand, every fourth chunk of people lives in it, the others in the embedded sample."""


@dataclass(frozen=True)
class Chunk:
    """Documents that share one seed. `onet` is the folder of O*NET's files, `None` for the embedded sample."""

    seed: int
    people: int
    onet: str | None

    def documents(self) -> list[str]:
        """Make the documents."""
        return documents(self.seed, self.people, taxonomy(self.onet))


@cache
def taxonomy(onet: str | None) -> Taxonomy:
    """Load the whole of O*NET from the folder `onet`, or the embedded sample."""
    return OnetTaxonomy(path=onet).load() if onet else SampleTaxonomy().load()


def chunks(people: int, first_seed: int, onet: str | None) -> list[Chunk]:
    """Cut `people` into chunks with seeds `first_seed`, `first_seed + 1`, and so on."""
    starts = range(0, people, PEOPLE_PER_CHUNK)
    return [
        Chunk(
            seed=first_seed + index,
            people=min(PEOPLE_PER_CHUNK, people - start),
            onet=onet if index % _FULL_TAXONOMY_EVERY == 1 else None,
        )
        for index, start in enumerate(starts)
    ]


def make_documents(plan: Sequence[Chunk], processes: int) -> list[str]:
    """Make all documents of the chunks, in order."""
    return [text for texts in _map(Chunk.documents, plan, "text", processes) for text in texts]


def make_tokens(plan: Sequence[Chunk], tokenizer_file: Path, processes: int) -> NDArray[np.uint16]:
    """Make and tokenize all documents of the chunks, in order, each closed by the tokenizer's end token; (N,)."""
    return np.concatenate(list(_map(partial(_encode, tokenizer_file=tokenizer_file), plan, "tokens", processes)))


def _encode(chunk: Chunk, tokenizer_file: Path) -> NDArray[np.uint16]:
    tokenizer, end = _tokenizer(tokenizer_file)
    ids = [token for text in chunk.documents() for token in (*tokenizer.encode(text).ids, end)]
    return np.array(ids, dtype=np.uint16)


@cache
def _tokenizer(file: Path) -> tuple[Tokenizer, int]:
    tokenizer = Tokenizer.from_file(str(file))
    (end,) = tokenizer.encode(END).ids
    return tokenizer, end


def _map(make: Callable[[Chunk], Made], plan: Sequence[Chunk], stage: str, processes: int) -> Iterator[Made]:
    if processes == 1:
        yield from progress(map(make, plan), stage, total=len(plan), unit="chunk")
        return
    # spawn: forked children of a process that holds threads (tokenizers, CUDA) may hang
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from progress(pool.map(make, plan), stage, total=len(plan), unit="chunk")
