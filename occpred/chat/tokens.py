"""How many tokens a text will be, before a server has counted them.

No tokenizer is asked: that of a model behind an endpoint is not known. All numbers rest on UTF-8 bytes, which come
closer than characters where the script is not Latin.
"""

from __future__ import annotations

import json

from occpred.chat.request import ChatRequest

BYTES_PER_TOKEN = 4
"""In English prose, by the tokenizers of today's large models."""
TOKENS_PER_MESSAGE = 4
"""Marks that a chat template puts around a message."""


def estimate_tokens(request: ChatRequest) -> int:
    """What a server will probably read for `request`: the messages, and the schema where there is one."""
    messages = sum(estimate_text_tokens(message.content) + TOKENS_PER_MESSAGE for message in request.messages)
    return messages + (estimate_text_tokens(json.dumps(request.form.schema)) if request.form else 0)


def estimate_text_tokens(text: str) -> int:
    """What `text` will probably be."""
    return -(-most_tokens(text) // BYTES_PER_TOKEN)


def most_tokens(text: str) -> int:
    """What `text` cannot exceed, as no token is shorter than a byte."""
    return len(text.encode("utf-8", "replace"))
