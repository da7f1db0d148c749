"""The pretrained language model an experiment starts from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from occpred.errors import UserError
from occpred.settings import MISSING, Settings, setting

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Precision(Enum):
    """Number format of the backbone's weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass
class Backbone(Settings):
    """A causal language model from the Hugging Face hub or a local folder; safetensors only, never remote code."""

    name: str = MISSING
    """Hub name (`Qwen/Qwen3-8B`), a local folder, or `embedded/tiny` for the model inside this package."""
    revision: str = "main"
    """Branch, tag or commit on the hub. A commit pins the weights for good."""
    precision: Precision = Precision.BFLOAT16
    """Number format the weights are held in."""
    random_init: bool = False
    """Build the model from `architecture` with random weights: for speed and memory work without a download."""
    architecture: dict[str, Any] = setting({})
    """The Hugging Face config (`model_type` and sizes), used by `random_init` only."""
    seed: int = setting(0, minimum=0)
    """Seed of random weights, used by `random_init` only."""

    def load_model(self) -> PreTrainedModel:
        """Load the weights, frozen, in evaluation mode, on the CPU. Raises `UserError` where they cannot be had."""
        from transformers import AutoModelForCausalLM

        if self.random_init:
            model = self._random_model()
        else:
            try:
                model = AutoModelForCausalLM.from_pretrained(
                    self.location(),
                    revision=self.revision,
                    dtype=self._dtype(),
                    use_safetensors=True,
                    trust_remote_code=False,
                    attn_implementation="sdpa",
                )
            except (OSError, ValueError) as error:
                raise UserError(self._not_found(error)) from error
        model.requires_grad_(False)
        return model.eval()

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer; with random weights the embedded one, since no download is meant then."""
        from transformers import AutoTokenizer

        location = _embedded("tiny") if self.random_init else self.location()
        try:
            tokenizer = AutoTokenizer.from_pretrained(location, revision=self.revision, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise UserError(self._not_found(error)) from error
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def location(self) -> str:
        """What Hugging Face's loaders are given: the hub name or a folder."""
        embedded, _, name = self.name.partition("embedded/")
        return _embedded(name) if not embedded and name else self.name

    def _random_model(self) -> PreTrainedModel:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM

        if not self.architecture:
            raise UserError(f"backbone.random_init=true needs backbone.architecture, which {self.name} does not give")
        sizes = dict(self.architecture)
        config = AutoConfig.for_model(sizes.pop("model_type"), **sizes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return AutoModelForCausalLM.from_config(config, dtype=self._dtype(), attn_implementation="sdpa")

    def _dtype(self) -> Any:
        import torch

        return getattr(torch, self.precision.value)

    def _not_found(self, error: Exception) -> str:
        first_line = str(error).strip().splitlines()[0]
        return (
            f"backbone.name={self.name}: cannot be loaded (give a hub name or a folder with safetensors): {first_line}"
        )


def _embedded(name: str) -> str:
    from importlib.resources import files

    return str(files("occpred") / "backbones" / name)
