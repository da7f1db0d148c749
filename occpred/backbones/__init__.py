"""The embedded tiny backbone, and the text and script it was pretrained with."""

from __future__ import annotations

from pathlib import Path

TINY = Path(__file__).parent / "tiny"
"""Folder of the embedded backbone: a Qwen3 model and its tokenizer, loadable with no network."""
