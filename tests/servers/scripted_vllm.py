"""A package `vllm` of a few lines: it repeats what it was asked, refuses and dies as it is told to."""

from __future__ import annotations

from pathlib import Path

LONGEST, FATAL = 1000, 9
"""Tokens that it has room for; the token on which it dies."""

_PACKAGE = f"""
import json, os, signal
from types import SimpleNamespace

from tokenizers import Tokenizer

class SamplingParams:
    def __init__(self, *, stop, include_stop_str_in_output, **settings):
        assert include_stop_str_in_output
        self.stop, self.settings = stop, settings

class LLM:
    def __init__(self, model, *, max_model_len, **settings):
        if max_model_len > {LONGEST}:
            raise ValueError(f"there is no room\\n  for {{max_model_len}} tokens")
        self.tokenizer = Tokenizer.from_file(model + "/tokenizer.json")
        self.settings = {{"max_model_len": max_model_len, **settings}}

    def generate(self, prompts, sampling, *, use_tqdm):
        return [self.reply(prompt["prompt_token_ids"], params) for prompt, params in zip(prompts, sampling)]

    def reply(self, prompt, params):
        if prompt[0] == {FATAL}:
            os.kill(os.getpid(), signal.SIGKILL)
        asked = {{"prompt": prompt, "sampling": params.settings, "model": self.settings}}
        asked["environment"] = {{key: value for key, value in os.environ.items() if "STATS" in key or "TRACK" in key}}
        ids = self.tokenizer.encode(json.dumps(asked) + params.stop[0] + " and so on").ids
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=ids)])
"""
_PLATFORMS = """
import os
from types import SimpleNamespace

current_platform = SimpleNamespace(device_type=os.environ.get("SCRIPTED_DEVICE", "cpu"))
"""


def write_package(folder: Path) -> None:
    """Write the package into `folder`, for `sys.path`."""
    package = folder / "vllm"
    package.mkdir()
    (package / "__init__.py").write_text(_PACKAGE, encoding="utf-8")
    (package / "platforms.py").write_text(_PLATFORMS, encoding="utf-8")
