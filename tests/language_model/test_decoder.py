from __future__ import annotations

import pytest
from transformers import AutoConfig

from occpred.errors import UserError
from occpred.language_model.decoder import check_attention


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "gemma2"}, r"of the family gemma2, .* one of llama, mistral, qwen2, qwen3"),
        ({"model_type": "mistral", "sliding_window": 4096}, "window of 4096 tokens"),
        ({"model_type": "qwen3", "use_sliding_window": True, "max_window_layers": 1, "sliding_window": 64}, "of 64 to"),
    ],
)
def test_attention_that_cannot_follow_a_tree_is_refused(config: dict[str, object], reason: str) -> None:
    sizes = dict(config)
    with pytest.raises(UserError, match=reason):
        check_attention(AutoConfig.for_model(str(sizes.pop("model_type")), **sizes))


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_families_as_they_come_are_welcome(family: str) -> None:
    check_attention(AutoConfig.for_model(family))
