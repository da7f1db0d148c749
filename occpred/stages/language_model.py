"""What every stage shares that leaves a language model behind: untuned, fine-tuned, or trained on preferences."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.distributed.ranks import is_first
from occpred.encoding import Encoder, Role
from occpred.language_model.adaptation import Adaptation
from occpred.language_model.backbone import Backbone
from occpred.language_model.checkpoint import load_checkpoint, load_merged, save_checkpoint
from occpred.language_model.writer import LocalWriter, Writer
from occpred.prompts import Prompts
from occpred.stages.prepare import Prepare, PreparedData
from occpred.stages.tracked_stage import TrackedStage
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from occpred.models.tree_module import TreeModule
    from occpred.training.data import TreeDataModule

_CHECKPOINT, _TRAJECTORY, _SUMMARY = "checkpoint", "trajectory.jsonl", "training.json"


@dataclass(frozen=True, kw_only=True)
class LanguageModelStage(Stage):
    """Leaves a language model that plays one role."""

    prepared: Prepare
    role: Role
    prompts: Prompts
    backbone: Backbone
    trainer: Trainer

    @abstractmethod
    def load(self, store: ArtifactStore) -> nn.Module:
        """The model in evaluation mode, on the device where it is to work."""

    @abstractmethod
    def load_plain(self, store: ArtifactStore) -> PreTrainedModel:
        """The model without adapters, on the CPU."""

    def save_plain(self, store: ArtifactStore, folder: Path) -> None:
        """Write the model without adapters (safetensors), its config and tokenizer into `folder`."""
        self.load_plain(store).save_pretrained(folder)
        self.backbone.load_tokenizer().save_pretrained(folder)

    def load_to_write(self, store: ArtifactStore) -> Writer:
        """The model, ready to write."""
        return LocalWriter(self.load(store), self.backbone.load_tokenizer())

    def encoder(self, store: ArtifactStore) -> Encoder:
        """What the model is asked and replies."""
        taxonomy = PreparedData(store.folder(self.prepared)).taxonomy
        encoder: Encoder = self.role.value(self.prompts, self.backbone.load_tokenizer(), taxonomy)
        return encoder


@dataclass(frozen=True, kw_only=True)
class TrainingStage(LanguageModelStage, TrackedStage):
    """Trains a language model, from the last step it reached."""

    version = 2  # what is trained is kept in float32 under every strategy
    resumable = True
    parallel = True

    adaptation: Adaptation
    optimizer: Optimizer
    seed: int

    def load(self, store: ArtifactStore) -> nn.Module:
        """The trained model."""
        return self._checkpoint(store, trainable=False).to(self.trainer.device())

    def load_to_train(self, store: ArtifactStore) -> nn.Module:
        """The trained model as the beginning of another training."""
        return self._checkpoint(store, trainable=True)

    def load_plain(self, store: ArtifactStore) -> PreTrainedModel:
        """The trained model without adapters, on the CPU."""
        return load_merged(store.folder(self) / _CHECKPOINT, self.backbone, self.adaptation)

    def fit(
        self,
        module: TreeModule,
        language_model: nn.Module,
        steps: TreeDataModule[Any],
        summary: Mapping[str, float],
        folder: Path,
    ) -> None:
        """Train, then write the checkpoint, the trajectory (a line for each logged step) and what was trained on."""
        from occpred.tracking.lightning_logger import TrackerLogger

        done = {**summary, "steps": steps.num_steps, "learned_target_tokens": steps.num_targets}
        module.strategy = self.trainer.strategy
        with self.open_tracker(folder) as tracker:
            self.trainer.fit(module, steps, folder, TrackerLogger(tracker, self.run_identity()))
            tracker.log_summary(done)
        if is_first():
            save_checkpoint(folder / _CHECKPOINT, language_model, self.backbone, self.adaptation, module.trained_state)
            _write_lines(folder / _TRAJECTORY, module.trajectory)
            (folder / _SUMMARY).write_text(json.dumps(done), encoding="utf-8")
            self.trainer.forget(folder)

    def _checkpoint(self, store: ArtifactStore, *, trainable: bool) -> nn.Module:
        return load_checkpoint(store.folder(self) / _CHECKPOINT, self.backbone, self.adaptation, trainable=trainable)


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@dataclass(frozen=True)
class Training:
    """What a training left besides the model."""

    folder: Path

    @cached_property
    def trajectory(self) -> list[dict[str, float]]:
        """What was logged, step by step."""
        return [json.loads(line) for line in (self.folder / _TRAJECTORY).read_text(encoding="utf-8").splitlines()]

    @cached_property
    def summary(self) -> dict[str, float]:
        """Counts of examples, tokens and steps."""
        summary: dict[str, float] = json.loads((self.folder / _SUMMARY).read_text(encoding="utf-8"))
        return summary
