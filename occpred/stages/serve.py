"""serve: a model as vLLM reads it, for the stages in which it writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Encoder
from occpred.language_model.vllm_engine import VllmEngine
from occpred.language_model.vllm_writer import VllmWriter
from occpred.language_model.writer import Writer
from occpred.stages.language_model import LanguageModelStage
from occpred.stages.merge import MERGED

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


@dataclass(frozen=True, kw_only=True)
class ServedModel(LanguageModelStage):
    """Stands for a model where texts are written, and lets vLLM write them; in all else it is that model.

    As those stages take it for their writer, what vLLM wrote has other signatures than what was written without it,
    which know nothing of engines.
    """

    name: ClassVar[str] = "serve"

    model: LanguageModelStage
    engine: VllmEngine

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write weights without adapters, config and tokenizer into `model/`."""
        self.model.save_plain(store, folder / MERGED)

    def load(self, store: ArtifactStore) -> nn.Module:
        """The model as it was trained."""
        return self.model.load(store)

    def load_plain(self, store: ArtifactStore) -> PreTrainedModel:
        """The model without adapters, on the CPU."""
        return self.model.load_plain(store)

    def encoder(self, store: ArtifactStore) -> Encoder:
        """What the model is asked and replies."""
        return self.model.encoder(store)

    def load_to_write(self, store: ArtifactStore) -> Writer:
        """Writes by vLLM, in a process that begins and ends with each call."""
        return VllmWriter(
            self.engine,
            store.folder(self) / MERGED,
            self.backbone.precision,
            self.backbone.load_tokenizer(),
            self.trainer.device(),
        )
