from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3ForCausalLM

from occpred.backbones import TINY
from occpred.backbones.architecture import tiny_config
from occpred.backbones.corpus import VALIDATION_SEED, timelines
from occpred.taxonomy.sample import SampleTaxonomy

FRESH_SEED = VALIDATION_SEED + 1_000_000
"""People of neither the training text nor the text the training was watched on."""
PERPLEXITY_BOUND = 2.13
"""The embedded weights reach 1.93 on these people."""


@pytest.fixture(scope="module")
def model() -> Qwen3ForCausalLM:
    return AutoModelForCausalLM.from_pretrained(TINY, local_files_only=True).float()


def test_the_weights_stay_within_twelve_megabytes() -> None:
    files = list(TINY.glob("*.safetensors"))
    assert len(files) == 1
    assert files[0].stat().st_size <= 12_000_000


def test_it_is_the_stated_qwen3_model(model: Qwen3ForCausalLM) -> None:
    tokenizer = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    stated = tiny_config(tokenizer)
    assert type(model) is Qwen3ForCausalLM
    for name in ("hidden_size", "num_hidden_layers", "vocab_size", "tie_word_embeddings", "eos_token_id"):
        assert getattr(model.config, name) == getattr(stated, name)
    assert sum(parameter.numel() for parameter in model.parameters()) == 4_196_864


def test_it_reads_the_timelines_of_people_it_has_never_seen(model: Qwen3ForCausalLM) -> None:
    """A model without training is at about 4,096, the size of the vocabulary."""
    tokenizer = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
    total, count = 0.0, 0
    for text in timelines(FRESH_SEED, 20, SampleTaxonomy().load()):
        ids_1T = torch.tensor([tokenizer.encode(text)])
        with torch.no_grad():
            log_probs_TV = model(ids_1T).logits[0, :-1].log_softmax(dim=-1)
        total -= log_probs_TV.gather(1, ids_1T[0, 1:, None]).sum().item()
        count += ids_1T.shape[1] - 1
    assert math.exp(total / count) < PERPLEXITY_BOUND
