"""The pretrained language model an experiment starts from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.errors import UserError
from occpred.settings import MISSING, Settings, setting

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_EMBEDDED = Path(__file__).resolve().parents[1] / "backbones"
_NEEDED_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")
"""Weights, configs and tokenizers; never code, never pickled weights."""


class Precision(Enum):
    """Number format of the backbone's weights."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass
class Backbone(Settings):
    """A causal language model from the Hugging Face hub or a local folder; safetensors only, never remote code."""

    name: str = MISSING
    """Hub name (`Qwen/Qwen3-8B`) or a local folder."""
    revision: str = "main"
    """Branch, tag or commit on the hub; a commit pins the weights for good. For a folder, any label of your own:
    results are made again when the label changes, not when the folder's files do."""
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
        from transformers import GenerationConfig

        from occpred.language_model.decoder import check_attention

        model = self._random_model() if self.random_init else self._pretrained_model()
        check_attention(model.config)
        # Models bring their own temperature, penalties and the like; how text is drawn is for `Generation` to say.
        ends = {
            name: getattr(model.generation_config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")
        }
        model.generation_config = GenerationConfig(**ends)
        model.requires_grad_(False)
        return model.eval()

    def load_tokenizer(self) -> PreTrainedTokenizerBase:
        """Load the tokenizer; with random weights the embedded one, since no download is meant then."""
        from transformers import AutoTokenizer

        folder = _EMBEDDED / "tiny" if self.random_init else self.folder()
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise self._refusal(error) from error
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def folder(self) -> Path:
        """The folder of the model's files: a local one as it is, the hub's after a download where it is not cached.

        Raises:
            UserError: the hub has no such model, does not give it to this user, or cannot be reached.
        """
        if Path(self.name).is_dir():
            return Path(self.name)
        from huggingface_hub import snapshot_download

        try:
            # One call that fails at once without a network, where the loaders would try for a minute.
            return Path(
                snapshot_download(
                    self.name, revision=self.revision, allow_patterns=list(_NEEDED_FILES), ignore_patterns="*/*"
                )
            )
        except Exception as error:  # of several libraries, with no common base
            raise self._refusal(error) from error

    def _pretrained_model(self) -> PreTrainedModel:
        from transformers import AutoModelForCausalLM

        try:
            model, report = AutoModelForCausalLM.from_pretrained(
                self.folder(),
                local_files_only=True,
                dtype=self._dtype(),
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                output_loading_info=True,
            )
        except (OSError, ValueError) as error:
            raise self._refusal(error) from error
        if missing := sorted(report["missing_keys"]):
            raise UserError(f"backbone.name={self.name}: has no weights for {missing[0]} ({len(missing)} are missing)")
        return model

    def _random_model(self) -> PreTrainedModel:
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM

        sizes = dict(self.architecture)
        if "model_type" not in sizes:
            raise UserError(f"backbone.random_init=true needs backbone.architecture, which {self.name} does not give")
        config = AutoConfig.for_model(sizes.pop("model_type"), **sizes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return AutoModelForCausalLM.from_config(config, dtype=self._dtype(), attn_implementation="sdpa")

    def _dtype(self) -> Any:
        import torch

        return getattr(torch, self.precision.value)

    def _refusal(self, error: Exception) -> UserError:
        given = f"backbone.name={self.name} (revision {self.revision})"
        why = " ".join(str(error).split())
        return UserError(f"{given}: cannot be loaded; give a hub name or a folder with safetensors: {why}")


@dataclass
class EmbeddedBackbone(Backbone):
    """A model inside this package: `name` is a folder of `occpred/backbones`, `revision` a digest of its files."""

    def folder(self) -> Path:
        """The folder inside the package."""
        embedded = [path.name for path in _EMBEDDED.iterdir() if (path / "config.json").is_file()]
        if self.name not in embedded:
            raise UserError(
                f"backbone.name={self.name}: must be {', '.join(embedded)}, which this package holds; "
                f"for a hub name or a folder say backbone=other as well"
            )
        return _EMBEDDED / self.name
