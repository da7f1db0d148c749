"""merge: a trained model as a plain Hugging Face folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.stages.language_model import TrainingStage

MERGED = "model"


@dataclass(frozen=True)
class Merge(Stage):
    """Adds the adapter to the backbone's weights, so that `transformers` and vLLM load it without this package."""

    name: ClassVar[str] = "merge"

    trained: TrainingStage

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write weights (safetensors), config and tokenizer into `model/`."""
        self.trained.save_plain(store, folder / MERGED)
