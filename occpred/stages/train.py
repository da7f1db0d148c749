"""train: fine-tune the backbone for one role on reasons and titles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Encoder, NamesOccupation, Role, WritesReasons
from occpred.errors import UserError
from occpred.language_model.generation import Generation
from occpred.language_model.writer import LocalWriter
from occpred.models.objective import SupervisedLoss
from occpred.ranking.exact import ExactRanking
from occpred.ranking.free_text import FreeText
from occpred.ranking.system import AnsweringSystem
from occpred.rankings import Rankings
from occpred.reasons.writing import write_reasons
from occpred.records import NextOccupationExample
from occpred.stages.encoded import encoded_once
from occpred.stages.gather import GatherReasons, read_gathered
from occpred.stages.language_model import TrainingStage
from occpred.stages.prepare import Part, PreparedData

if TYPE_CHECKING:
    from torch import nn

    from occpred.models.answer_module import Answer
    from occpred.models.tree_module import TreeModule
    from occpred.training.data import TreeDataModule
    from occpred.trees.token_tree import TokenTree

Texts = Mapping[str, Sequence[str]]
"""Reasons by example id."""


@dataclass(frozen=True, kw_only=True)
class Train(TrainingStage):
    """Fine-tunes the backbone on the replies of its role."""

    name: ClassVar[str] = "train"

    reasons: GatherReasons
    held_out: GatherReasons | None
    """Reasons of validation people, where the role needs them to be validated."""
    matched: GatherReasons | None
    """Reasons of which a joint model would learn; training lasts until as many target tokens are learned from."""
    objective: SupervisedLoss

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the checkpoint, the trajectory and what was trained on."""
        from occpred.training.data import TreeDataModule

        data = PreparedData(store.folder(self.prepared))
        encoder = self.encoder(store)
        trees, summary = self._trees(store, encoder, data)
        held_out = read_gathered(store.folder(self.held_out)) if self.held_out else {}
        asked = self._validation_sample(data)
        validation = asked if isinstance(encoder, NamesOccupation) else list(_grow(encoder, asked, held_out))
        steps = TreeDataModule(
            trees,
            validation,
            batch_size=self.optimizer.batch_size,
            epochs=self.optimizer.epochs,
            seed=self.seed,
            row_length=self.trainer.row_length,
            rows_per_forward=self.trainer.rows_per_forward,
            num_workers=self.trainer.packing_processes,
            target_tokens=self._target_tokens(store, data),
        )
        summary = {**summary, **self._lost_by_rounding(steps)}
        language_model = self.adaptation(self.backbone.load_model(), self.seed)
        module = self._module(language_model, encoder, held_out, num_steps=steps.num_steps)
        self.fit(module, language_model, steps, summary, folder)

    def _lost_by_rounding(self, steps: TreeDataModule[Any]) -> dict[str, float]:
        """Where the adaptation rounds the backbone, what that does to the first rows that are trained on."""
        from occpred.models.rounding_check import FirstLook

        exact = self.adaptation.without_rounding()
        if exact == self.adaptation:
            return {}
        device = self.trainer.device()
        batch = steps.first_batch().to(device)
        looks = [
            FirstLook.of(adaptation(self.backbone.load_model(), self.seed).to(device), batch)
            for adaptation in (exact, self.adaptation)
        ]
        return looks[1].against(looks[0]).summary()

    def _module(self, language_model: nn.Module, encoder: Encoder, held_out: Texts, *, num_steps: int) -> TreeModule:
        from occpred.models.answer_module import AnswerModule
        from occpred.models.reason_module import ReasonModule

        if isinstance(encoder, NamesOccupation):
            return AnswerModule(
                language_model,
                self.objective,
                self.optimizer,
                _answer(encoder, held_out),
                encoder.taxonomy,
                num_steps=num_steps,
                seed=self.seed,
            )
        return ReasonModule(
            language_model,
            self.objective,
            self.optimizer,
            num_steps=num_steps,
            seed=self.seed,
            row_length=self.trainer.row_length,
        )

    def _trees(
        self, store: ArtifactStore, encoder: Encoder, data: PreparedData
    ) -> tuple[list[TokenTree], dict[str, float]]:
        """The trees of examples that have a reason; a tree longer than a row is set aside and counted."""
        examples, reasons = data.examples(Part.TRAIN), read_gathered(store.folder(self.reasons))
        trees = self._encoded(store, encoder, examples, self.reasons)
        fitting = [tree for tree in trees if len(tree) <= self.trainer.row_length]
        if not fitting:
            raise UserError(
                f"nothing to train on: of {len(examples)} examples {len(reasons)} have a selected reason and none "
                f"of them fits into trainer.row_length={self.trainer.row_length}; lower selection.* or raise it"
            )
        return fitting, {
            "examples": len(examples),
            "without_reason": len(examples) - len(reasons),
            "too_long": len(trees) - len(fitting),
            "trained_on": len(fitting),
            "target_tokens": sum(tree.num_targets for tree in fitting),
            "tokens": sum(map(len, fitting)),
        }

    def _target_tokens(self, store: ArtifactStore, data: PreparedData) -> int | None:
        """How many target tokens to learn from in all, where another model's number is to be matched."""
        if self.matched is None:
            return None
        joint = replace(self, role=Role.JOINT).encoder(store)
        trees = self._encoded(store, joint, data.examples(Part.TRAIN), self.matched)
        learned = sum(tree.num_targets for tree in trees if len(tree) <= self.trainer.row_length)
        return self.optimizer.epochs * learned

    def _encoded(
        self, store: ArtifactStore, encoder: Encoder, examples: Sequence[NextOccupationExample], reasons: GatherReasons
    ) -> list[TokenTree]:
        texts = read_gathered(store.folder(reasons))
        if not texts:
            return []
        return encoded_once(store, encoder, (self.prepared, reasons), lambda: _grow(encoder, examples, texts))

    def _validation_sample(self, data: PreparedData) -> list[NextOccupationExample]:
        examples = data.examples(Part.VALIDATION)
        order = np.random.default_rng([self.seed, 0]).permutation(len(examples))
        return [examples[index] for index in order[: self.trainer.validation_examples]]


def _grow(encoder: Encoder, examples: Iterable[NextOccupationExample], reasons: Texts) -> Iterator[TokenTree]:
    """The trees of those examples that have reasons."""
    for example in examples:
        if example.example_id in reasons:
            title = encoder.taxonomy[example.target_code].title
            yield from encoder.trees(example.history, reasons[example.example_id], title)


def _answer(encoder: NamesOccupation, held_out: Texts) -> Answer:
    """How examples are answered in validation: with the model's own reason, the one it is given, or none."""
    system = AnsweringSystem(encoder, ExactRanking(free_text=FreeText(enabled=False)))

    def answer(model: nn.Module, examples: list[NextOccupationExample]) -> Rankings:
        if isinstance(encoder, WritesReasons):
            writer = LocalWriter(model, encoder.tokenizer)
            return system(model, examples, write_reasons(writer, encoder, examples, Generation(), 1))
        return system(model, examples, [held_out.get(example.example_id, [""])[:1] for example in examples])

    return answer
