"""Fixtures shared by all tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from occpred.language_model.backbone import Backbone, EmbeddedBackbone, Precision
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
# Time limits of single examples would fail on a busy machine and nowhere else.
settings.register_profile("occpred", deadline=None)
settings.load_profile("occpred")

_SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "tie_word_embeddings": False,
}


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data beside the checkout; tests that need it are skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the public data files in {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The embedded sample."""
    return SampleTaxonomy().load()


@pytest.fixture(scope="session")
def tiny_backbone() -> Backbone:
    """The embedded backbone in float32."""
    return EmbeddedBackbone(name="tiny", precision=Precision.FLOAT32)


def _micro(family: str) -> PreTrainedModel:
    torch.manual_seed(0)
    models = {
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**_SIZES, head_dim=8)),
        "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**_SIZES)),
        "llama": lambda: LlamaForCausalLM(LlamaConfig(**_SIZES)),
        "mistral": lambda: MistralForCausalLM(MistralConfig(**_SIZES, sliding_window=None)),
    }
    model = models[family]()
    # Initial weights are so small that all predictions are alike; larger ones make wrong attention show.
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return model.requires_grad_(False).eval()


@pytest.fixture(params=["qwen3", "qwen2", "llama", "mistral"])
def make_micro(request: pytest.FixtureRequest) -> Callable[[], PreTrainedModel]:
    """Makes a two-layer model of each supported family, always with the same random weights, float32, frozen."""
    return partial(_micro, request.param)


@pytest.fixture
def micro_model(make_micro: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    """One such model of each family."""
    return make_micro()


@pytest.fixture(scope="session")
def make_micro_qwen3() -> Callable[[], PreTrainedModel]:
    """Makes the Qwen3 one alone, where the family does not matter."""
    return partial(_micro, "qwen3")


@pytest.fixture
def micro_qwen3() -> PreTrainedModel:
    """One such Qwen3 model."""
    return _micro("qwen3")


@pytest.fixture(params=["qwen3", "llama"])
def wider_model(request: pytest.FixtureRequest) -> PreTrainedModel:
    """Like the micro models, but with rows of whole blocks, as NF4 needs them, and trainable."""
    sizes = {"vocab_size": 64, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "head_dim": 16}
    sizes |= {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False}
    architecture = {"model_type": request.param, **sizes}
    backbone = Backbone(name="wider", random_init=True, architecture=architecture, precision=Precision.FLOAT32)
    model = backbone.load_model()
    torch.manual_seed(0)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    return model
