"""dpo: train a fine-tuned model on pairs of its own better and worse replies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Encoder
from occpred.errors import UserError
from occpred.models.preference_loss import PreferenceLoss
from occpred.stages.encoded import encoded_once
from occpred.stages.language_model import TrainingStage
from occpred.stages.prefer import MakePairs, Pairs, pair_tree
from occpred.stages.prepare import PreparedData

if TYPE_CHECKING:
    from occpred.trees.token_tree import TokenTree


@dataclass(frozen=True, kw_only=True)
class TrainOnPreferences(TrainingStage):
    """Goes on from the model that wrote the replies, which is also what it is held to."""

    name: ClassVar[str] = "dpo"

    start: TrainingStage
    pairs: MakePairs
    held_out: MakePairs | None
    """Pairs of validation people, on which margin and accuracy are watched."""
    loss: PreferenceLoss

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the checkpoint, the trajectory and what was trained on."""
        from occpred.models.preference_module import HeldOutPair, PreferenceModule
        from occpred.training.data import TreeDataModule

        encoder = self.encoder(store)
        found = self._trees(encoder, store, self.pairs)
        fitting = [(tree, references) for tree, references in found if len(tree) <= self.trainer.row_length]
        if not fitting:
            raise UserError(
                f"no pair to learn preferences from: {Pairs(store.folder(self.pairs)).counts()}, of which "
                f"{len(found)} are longer than trainer.row_length={self.trainer.row_length}; see preference.*"
            )
        held_out = self._trees(encoder, store, self.held_out) if self.held_out else []
        steps = TreeDataModule(
            [tree for tree, _ in fitting],
            [HeldOutPair(tree, references) for tree, references in held_out],
            references=[references for _, references in fitting],
            batch_size=self.optimizer.batch_size,
            epochs=self.optimizer.epochs,
            seed=self.seed,
            row_length=self.trainer.row_length,
            rows_per_forward=self.trainer.rows_per_forward,
            num_workers=self.trainer.packing_processes,
        )
        language_model = self.start.load_to_train(store)
        module = PreferenceModule(
            language_model,
            self.loss,
            self.optimizer,
            num_steps=steps.num_steps,
            seed=self.seed,
            row_length=self.trainer.row_length,
        )
        summary = {
            **Pairs(store.folder(self.pairs)).counts(),
            "too_long": len(found) - len(fitting),
            "trained_on": len(fitting),
            "target_tokens": sum(tree.num_targets for tree, _ in fitting),
            "tokens": sum(len(tree) for tree, _ in fitting),
        }
        self.fit(module, language_model, steps, summary, folder)

    def _trees(
        self, encoder: Encoder, store: ArtifactStore, stage: MakePairs
    ) -> list[tuple[TokenTree, tuple[float, float]]]:
        data = PreparedData(store.folder(self.prepared))
        examples = {example.example_id: example for example in data.examples(stage.sampled.part)}
        entries = Pairs(store.folder(stage)).read()
        if not entries:
            return []
        trees = encoded_once(
            store,
            encoder,
            (self.prepared, stage),
            lambda: (pair_tree(encoder, examples[entry.pair.example_id], entry.pair) for entry in entries),
        )
        references = [(entry.chosen_log_prob, entry.rejected_log_prob) for entry in entries]
        return list(zip(trees, references, strict=True))
