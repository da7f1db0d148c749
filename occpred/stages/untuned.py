"""untuned: the backbone as it is, with examples to learn from in its prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Encoder, Shot
from occpred.errors import UserError
from occpred.records import read_jsonl, write_jsonl
from occpred.stages.gather import GatherReasons, read_gathered
from occpred.stages.language_model import LanguageModelStage
from occpred.stages.prepare import Part, PreparedData

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

_SHOTS = "shots.jsonl"


@dataclass(frozen=True, kw_only=True)
class UntunedModel(LanguageModelStage):
    """Chooses the shots; the model is the backbone."""

    name: ClassVar[str] = "untuned"
    version = 2  # shots keep their reasons, whatever the chat template

    reasons: GatherReasons | None
    """Training people's reasons, which the shots show; `None` where there are no shots."""
    shots: int
    seed: int

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the shots."""
        write_jsonl(folder / _SHOTS, self._choose(store))

    def load(self, store: ArtifactStore) -> nn.Module:
        """The backbone."""
        model: nn.Module = self.load_plain(store)
        return model.to(self.trainer.device())

    def load_plain(self, store: ArtifactStore) -> PreTrainedModel:
        """The backbone, on the CPU."""
        return self.backbone.load_model()

    def encoder(self, store: ArtifactStore) -> Encoder:
        """The role, with the shots in front of every question."""
        shots = read_jsonl(store.folder(self) / _SHOTS, Shot)
        return replace(super().encoder(store), shots=tuple(shots))

    def _choose(self, store: ArtifactStore) -> list[Shot]:
        if self.reasons is None:
            return []
        data = PreparedData(store.folder(self.prepared))
        reasons = read_gathered(store.folder(self.reasons))
        examples = [example for example in data.examples(Part.TRAIN) if example.example_id in reasons]
        if len(examples) < self.shots:
            raise UserError(f"model.shots={self.shots}: only {len(examples)} training examples kept a reason")
        chosen = np.random.default_rng(self.seed).choice(len(examples), size=self.shots, replace=False)
        return [
            Shot(example.history, reasons[example.example_id][0], data.taxonomy[example.target_code].title)
            for example in (examples[index] for index in chosen)
        ]
