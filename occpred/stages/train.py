"""train: fine-tune the model on the selected reasons."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from occpred.artifacts.signature import configuration
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.encoding import JointEncoder
from occpred.errors import UserError
from occpred.language_model.adaptation import Adaptation
from occpred.language_model.backbone import Backbone
from occpred.language_model.checkpoint import load_checkpoint, save_checkpoint
from occpred.models.model import Joint
from occpred.models.objective import SupervisedLoss
from occpred.prompts import Prompts
from occpred.ranking.exact import ExactRanking
from occpred.ranking.free_text import FreeText
from occpred.ranking.joint_system import JointSystem
from occpred.ranking.reason_source import GeneratedReason
from occpred.records import JudgedReason, NextOccupationExample
from occpred.settings import MISSING, setting
from occpred.stages.identity import run_identity
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import SelectReasons, read_selected
from occpred.tracking.tracking import Tracking
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer

if TYPE_CHECKING:
    from torch import nn

    from occpred.taxonomy.taxonomy import Taxonomy
    from occpred.trees.token_tree import TokenTree

_CHECKPOINT, _TRAJECTORY, _SUMMARY = "checkpoint", "trajectory.jsonl", "training.json"


@dataclass(frozen=True)
class Train(Stage):
    """Fine-tunes the backbone on `<think>reason</think><answer>title</answer>`, from the last step it reached."""

    name: ClassVar[str] = "train"
    resumable: ClassVar[bool] = True

    prepared: Prepare
    selected: SelectReasons
    prompts: Prompts
    backbone: Backbone
    adaptation: Adaptation
    model: Joint
    objective: SupervisedLoss
    optimizer: Optimizer
    trainer: Trainer
    seed: int
    experiment: str = setting("", incidental=True)
    tracking: Tracking = setting(MISSING, incidental=True)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the checkpoint, the trajectory (one line a logged step) and what was trained on."""
        from occpred.tracking.lightning_logger import TrackerLogger
        from occpred.training.data import TreeDataModule

        data = PreparedData(store.folder(self.prepared))
        encoder = self.encoder(data.taxonomy)
        trees, summary = self._trees(encoder, data, read_selected(store.folder(self.selected)))
        steps = TreeDataModule(
            trees,
            self._validation_sample(data),
            batch_size=self.optimizer.batch_size,
            epochs=self.optimizer.epochs,
            seed=self.seed,
            row_length=self.trainer.row_length,
            rows_per_forward=self.trainer.rows_per_forward,
            num_workers=self.trainer.num_workers,
        )
        language_model = self.adaptation(self.backbone.load_model(), self.seed)
        system = JointSystem(encoder, GeneratedReason(), ExactRanking(free_text=FreeText(enabled=False)))
        module = self.model.module(
            language_model, self.objective, self.optimizer, system, num_steps=steps.num_steps, seed=self.seed
        )
        run = run_identity(self, self.experiment)
        with self.tracking.open(run, configuration(self), folder / "tracking") as tracker:
            self.trainer.fit(module, steps, folder, TrackerLogger(tracker, run))
            tracker.log_summary(summary)
        save_checkpoint(folder / _CHECKPOINT, language_model, self.backbone, self.adaptation)
        _write_lines(folder / _TRAJECTORY, module.trajectory)
        (folder / _SUMMARY).write_text(json.dumps(summary | {"steps": steps.num_steps}), encoding="utf-8")

    def encoder(self, taxonomy: Taxonomy) -> JointEncoder:
        """The prompts and tokens that the model is trained with."""
        return JointEncoder(self.prompts, self.backbone.load_tokenizer(), taxonomy)

    def _trees(
        self, encoder: JointEncoder, data: PreparedData, selected: Sequence[JudgedReason]
    ) -> tuple[list[TokenTree], dict[str, int]]:
        """Encode each example that has a selected reason; an example longer than a row is set aside and counted."""
        reasons: dict[str, list[str]] = defaultdict(list)
        for judged in selected:
            reasons[judged.reason.example_id].append(judged.reason.text)
        examples = data.examples(Part.TRAIN)
        trees = [
            self.model.tree(
                encoder,
                encoder.prompt(example.history),
                reasons[example.example_id],
                data.taxonomy[example.target_code].title,
            )
            for example in examples
            if example.example_id in reasons
        ]
        fitting = [tree for tree in trees if len(tree) <= self.trainer.row_length]
        if not fitting:
            raise UserError(
                f"nothing to train on: of {len(examples)} examples {len(trees)} have a selected reason and none "
                f"of them fits into trainer.row_length={self.trainer.row_length}; lower selection.* or raise it"
            )
        return fitting, {
            "examples": len(examples),
            "without_reason": len(examples) - len(trees),
            "too_long": len(trees) - len(fitting),
            "trained_on": len(fitting),
            "target_tokens": sum(len(path) for tree in fitting for path in tree.paths),
            "tokens": sum(map(len, fitting)),
        }

    def _validation_sample(self, data: PreparedData) -> list[NextOccupationExample]:
        examples = data.examples(Part.VALIDATION)
        order = np.random.default_rng([self.seed, 0]).permutation(len(examples))
        return [examples[index] for index in order[: self.trainer.validation_examples]]


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@dataclass(frozen=True)
class TrainedModel:
    """What `Train` wrote."""

    stage: Train
    folder: Path

    def load(self) -> nn.Module:
        """The fine-tuned model, for evaluation."""
        return load_checkpoint(self.folder / _CHECKPOINT, self.stage.backbone, self.stage.adaptation)

    @cached_property
    def trajectory(self) -> list[dict[str, float]]:
        """What was logged, step by step."""
        return [json.loads(line) for line in (self.folder / _TRAJECTORY).read_text(encoding="utf-8").splitlines()]

    @cached_property
    def summary(self) -> dict[str, int]:
        """Counts of examples, tokens and steps."""
        summary: dict[str, int] = json.loads((self.folder / _SUMMARY).read_text(encoding="utf-8"))
        return summary
