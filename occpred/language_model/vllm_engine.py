"""The choice of vLLM for writing: many texts at a time, each from the moment that there is room for it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from occpred.errors import UserError
from occpred.language_model.engine import Engine
from occpred.settings import setting


@dataclass
class VllmEngine(Engine):
    """vLLM, for large runs: it needs the extra `vllm`, and a merged copy of the model, which is kept as an artifact.

    It rounds other sums than this package does, and draws other numbers, so its texts are not those of
    `engine=local`. `generation.batch_size` is not looked at: as many texts are written together as there is memory for.

    Of several processes, each has an engine on its own device.
    """

    memory: float = setting(0.85, above=0, below=1, incidental=True)
    """Share of the device's memory that it may take: for weights, and for texts that are written together."""
    compiled: bool = setting(True, incidental=True)
    """Compile the model and capture CUDA graphs first. That takes a minute, and makes each token faster."""

    def check(self) -> None:
        if find_spec("vllm") is None:
            raise UserError("engine=vllm: vLLM is not installed; pip install 'occpred[vllm]', or engine=local")
