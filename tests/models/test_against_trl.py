"""Losses and gradients against TRL's trainers, on the same tokens and weights: float32, on the CPU, without a network.

TRL takes a while to import, so that everything that needs it is in this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from torch import Tensor, nn
from transformers import PreTrainedModel, TrainerCallback

from occpred.language_model.adaptation import FullFineTuning
from occpred.language_model.backbone import Backbone
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.preference_loss import DPOLoss, IPOLoss, PreferenceLoss
from occpred.models.preference_module import PreferenceModule
from occpred.models.reference import reference_log_probs
from occpred.models.tree_module import TreeModule
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.steps import OptimizerStep
from occpred.training.trainer import Trainer
from occpred.trees.log_probs import branch_log_probs
from occpred.trees.packing import TreeBatch
from occpred.trees.token_tree import TokenTree

# Prompt, chosen, rejected. The completions begin alike, where a tree shares what TRL computes twice.
PAIRS = [
    ([5, 17, 3, 40], [9, 2, 3, 63], [9, 2, 10, 10, 63]),
    ([8, 8], [7, 30, 22, 14, 63], [6, 63]),
    ([61, 4, 4, 4, 19], [11, 63], [11, 12, 13, 63]),
    ([33, 2, 50], [21, 22, 23, 63], [21, 63]),
]
EQUALLY_LONG = [(prompt, [*chosen, 63, 63, 63][:4], rejected) for prompt, chosen, rejected in PAIRS]
OPTIMIZER = Optimizer(batch_size=4, epochs=1, warmup_share=1.0, max_gradient_norm=1e9)
Found = tuple[float, dict[str, Tensor]]
Pairs = list[tuple[list[int], list[int], list[int]]]


@pytest.fixture(scope="module")
def trl() -> Iterator[ModuleType]:
    """TRL, kept off the network; the tests are skipped where it is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        # The variable HF_HUB_OFFLINE has been read by now.
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        yield pytest.importorskip("trl")


@pytest.fixture
def reference(make_micro_qwen3: Callable[[], PreTrainedModel]) -> PreTrainedModel:
    return make_micro_qwen3()


@pytest.fixture
def policy(make_micro_qwen3: Callable[[], PreTrainedModel]) -> nn.Module:
    """A model that has moved away from the reference; all its weights are trainable."""
    model = FullFineTuning()(make_micro_qwen3(), seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model


class OurGradients:
    """Mix-in of a module that keeps the gradients of its one step."""

    gradients: dict[str, Tensor]

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        self.gradients = gradients_of(self.language_model)  # type: ignore[attr-defined]


class OurPreferences(OurGradients, PreferenceModule): ...


class OurCompletions(OurGradients, TreeModule):
    def loss(self, batch: TreeBatch, step: OptimizerStep) -> Tensor:
        return SupervisedLoss()(branch_log_probs(self.language_model, batch), step)


def gradients_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


def ours(module: Any, trees: list[TokenTree], folder: Path, rows_per_forward: int, **references: Any) -> Found:
    """The loss and gradients of one optimizer step through Lightning, at a learning rate of 0."""
    data = TreeDataModule[Any](
        trees,
        [],
        batch_size=4,
        epochs=1,
        seed=0,
        row_length=max(map(len, trees)) if rows_per_forward == 1 else 64,
        rows_per_forward=rows_per_forward,
        num_workers=0,
        **references,
    )
    trainer = Trainer(accelerator=Accelerator.cpu, validation_examples=0)
    trainer.fit(module, data, folder, logger=None)
    return module.trajectory[0]["train/loss"], module.gradients


def theirs(trainer_class: Any, config: Any, **arguments: Any) -> Found:
    """The same of one of TRL's trainers: the sum of the scaled losses of its micro-batches, and the gradients."""
    losses: list[float] = []
    gradients: dict[str, Tensor] = {}

    class Recording(trainer_class):  # type: ignore[misc]
        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset  # There is no text to tokenize.

        def training_step(self, *step: Any, **more: Any) -> Tensor:
            loss: Tensor = super().training_step(*step, **more)
            losses.append(loss.item())
            return loss

    class Gradients(TrainerCallback):  # type: ignore[misc]
        def on_pre_optimizer_step(self, *_: Any, model: nn.Module, **__: Any) -> None:
            gradients.update(gradients_of(model))

    Recording(args=config, callbacks=[Gradients()], **arguments).train()
    return sum(losses), gradients


def settings(folder: Path, accumulated: bool) -> dict[str, Any]:
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": 1 if accumulated else 4,
        "gradient_accumulation_steps": 4 if accumulated else 1,
        "max_steps": 1,
        "learning_rate": 0.0,
        "max_grad_norm": 0.0,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_strategy": "no",
    }


def assert_equal(found: Found, expected: Found) -> None:
    """To 1e-5 of the loss, and of each parameter's gradient as a whole."""
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in found[1].items():
        assert (gradient - expected[1][name]).norm() <= 1e-5 * expected[1][name].norm(), name
    assert all(gradient.norm() > 1e-3 for gradient in found[1].values())


@dataclass(frozen=True)
class Case:
    """One of our losses, the same as TRL spells it, and pairs on which both should agree."""

    loss: PreferenceLoss
    names: tuple[str, ...]
    pairs: Pairs
    accumulated: bool


DPO, IPO, WITH_NLL = DPOLoss(beta=0.3), IPOLoss(beta=0.3), DPOLoss(beta=0.3, nll_weight=0.7)
CASES = {
    "dpo": Case(DPO, ("sigmoid",), PAIRS, accumulated=False),
    "dpo_accumulated": Case(DPO, ("sigmoid",), PAIRS, accumulated=True),
    "ipo": Case(IPO, ("ipo",), PAIRS, accumulated=False),
    "ipo_accumulated": Case(IPO, ("ipo",), PAIRS, accumulated=True),
    # TRL's NLL is a mean over the tokens of a micro-batch. It is Iterative RPO's, which is ours, where the chosen
    # completions of a micro-batch are equally long, or where there is but one of them.
    "nll": Case(WITH_NLL, ("sigmoid", "sft"), EQUALLY_LONG, accumulated=False),
    "nll_accumulated": Case(WITH_NLL, ("sigmoid", "sft"), PAIRS, accumulated=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_preferences(
    trl: ModuleType,
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    tiny_backbone: Backbone,
    tmp_path: Path,
    case: Case,
) -> None:
    from datasets import Dataset
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    trees = [TokenTree.grow(prompt, [chosen, rejected]) for prompt, chosen, rejected in case.pairs]
    references = reference_log_probs(reference, trees, 64, "reference")
    module = OurPreferences(policy, case.loss, OPTIMIZER, num_steps=1, seed=0, row_length=64)
    found = ours(module, trees, tmp_path, 1 if case.accumulated else 4, references=references)
    policy.zero_grad()
    config = trl.DPOConfig(
        beta=case.loss.beta,
        loss_type=list(case.names),
        loss_weights=[1.0, case.loss.nll_weight][: len(case.names)],
        **settings(tmp_path, case.accumulated),
    )
    columns = ("prompt_ids", "chosen_ids", "rejected_ids")
    expected = theirs(
        trl.DPOTrainer,
        config,
        model=policy,
        ref_model=reference,
        train_dataset=Dataset.from_list([dict(zip(columns, pair, strict=True)) for pair in case.pairs]),
        data_collator=DataCollatorForPreference(pad_token_id=0),
        processing_class=tiny_backbone.load_tokenizer(),
    )
    assert_equal(found, expected)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("accumulated", [False, True])
def test_completions(
    trl: ModuleType, policy: PreTrainedModel, tiny_backbone: Backbone, tmp_path: Path, accumulated: bool
) -> None:
    from datasets import Dataset
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    trees = [TokenTree.grow(prompt, [chosen]) for prompt, chosen, _ in PAIRS]
    found = ours(OurCompletions(policy, OPTIMIZER, 1, 0), trees, tmp_path, 1 if accumulated else 4)
    policy.zero_grad()
    expected = theirs(
        trl.SFTTrainer,
        trl.SFTConfig(**settings(tmp_path, accumulated)),
        model=policy,
        train_dataset=Dataset.from_list(
            [{"input_ids": [*prompt, *chosen], "labels": [-100] * len(prompt) + chosen} for prompt, chosen, _ in PAIRS]
        ),
        data_collator=DataCollatorForLanguageModeling(pad_token_id=0),
        processing_class=tiny_backbone.load_tokenizer(),
    )
    assert_equal(found, expected)
    assert not list(tmp_path.iterdir())
