from __future__ import annotations

from pathlib import Path

import numpy as np

from occpred.backbones.corpus import FIRST_SEED, documents
from occpred.backbones.token_stream import PEOPLE_PER_CHUNK, Chunk, chunks, make_documents, make_tokens, taxonomy
from occpred.backbones.tokenizer import END, train_tokenizer


def test_chunks_share_people_out_over_seeds_and_taxonomies() -> None:
    plan = chunks(2 * PEOPLE_PER_CHUNK + 3, FIRST_SEED, onet="somewhere")
    assert plan == [
        Chunk(FIRST_SEED, PEOPLE_PER_CHUNK, None),
        Chunk(FIRST_SEED + 1, PEOPLE_PER_CHUNK, "somewhere"),
        Chunk(FIRST_SEED + 2, 3, None),
    ]
    assert sum(chunk.onet is not None for chunk in chunks(400 * PEOPLE_PER_CHUNK, FIRST_SEED, "somewhere")) == 100


def test_the_stream_holds_every_document_in_order_whatever_the_number_of_processes(tmp_path: Path) -> None:
    plan = [Chunk(FIRST_SEED, 4, None), Chunk(FIRST_SEED + 1, 3, None)]
    sample = taxonomy(None)
    texts = documents(FIRST_SEED, 4, sample) + documents(FIRST_SEED + 1, 3, sample)
    assert make_documents(plan, processes=2) == texts
    tokenizer = train_tokenizer(texts)
    tokenizer.save_pretrained(tmp_path)
    tokens_N = make_tokens(plan, tmp_path / "tokenizer.json", processes=1)
    assert tokens_N.dtype == np.uint16
    assert tokenizer.decode(tokens_N.tolist()) == "".join(text + END for text in texts)
