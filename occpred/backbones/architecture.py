"""The shape of the tiny backbone: Qwen3 in 4.2 million parameters, 8.4 MB in bfloat16."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast, Qwen3Config

from occpred.backbones.tokenizer import LONGEST_INPUT, VOCABULARY


def tiny_config(tokenizer: PreTrainedTokenizerFast) -> Qwen3Config:
    """Describe the model. Four layers: on a CPU it is depth that costs time, and the demo runs on a CPU."""
    return Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        max_position_embeddings=LONGEST_INPUT,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
