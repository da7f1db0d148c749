"""The same training with TRL and with the Trainer of Hugging Face.

Settings are the best found for TRL, and LLaMA-Factory's defaults for the Trainer (it runs that one, with PEFT): padded
batches, gradient checkpointing, logits of all tokens. What TRL does once before training, in minutes for a large model
and without effect on a step, is left out: tokenising, and finger-printing the weights.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback, TrainingArguments
from transformers import Trainer as HuggingFaceTrainer

from benchmarks.flops import Arithmetic
from benchmarks.meter import Meter, Work
from benchmarks.workload import ALPHA, RANK, TARGETS, Example, Workload

UNSCORED = -100


@dataclass(frozen=True)
class Recipe:
    """How a peer is run.

    Attributes:
        rows: sequences of a micro-batch.
        packed: length of rows into which several examples are packed; otherwise rows are padded.
        checkpointing: whether activations are computed again in the backward pass.
        attention: as transformers names it.
        liger: whether layers are replaced by liger's.
        plain_adapters: adapters in the format of the backbone, where PEFT by itself keeps them in float32.
        quantised: backbone in NF4.
    """

    rows: int
    packed: int | None = None
    checkpointing: bool = False
    attention: str = "sdpa"
    liger: bool = False
    plain_adapters: bool = False
    quantised: bool = False

    def arguments(self, meter: Meter, micro_batches: int, folder: str) -> dict[str, Any]:
        """What all of Hugging Face's trainers are told."""
        on_gpu = meter.device.type == "cuda"
        return {
            "output_dir": folder,
            "max_steps": meter.schedule.total,
            "per_device_train_batch_size": self.rows,
            "gradient_accumulation_steps": micro_batches,
            "gradient_checkpointing": self.checkpointing,
            "use_liger_kernel": self.liger,
            "bf16": on_gpu,
            "use_cpu": not on_gpu,
            "optim": "adamw_torch_fused" if on_gpu else "adamw_torch",
            "learning_rate": 1e-4,
            "logging_steps": 1_000_000,
            "save_strategy": "no",
            "report_to": [],
            "disable_tqdm": True,
        }

    def micro_batches(self, workload: Workload, per_step: int) -> int:
        """How many make about as large a step as ours."""
        if self.packed is None:
            return max(1, round(per_step / self.rows))
        return max(1, round(per_step * (sum(workload.prompt) + sum(workload.completion)) / 2 / self.packed / self.rows))

    def model(self, workload: Workload, device: torch.device) -> tuple[Any, Arithmetic]:
        """The backbone with adapters, and what it has to compute."""
        model: Any = workload.model(device, self.attention)
        arithmetic = Arithmetic.of(model, RANK)
        if self.quantised:
            quantise(model)
        config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=TARGETS, task_type="CAUSAL_LM")
        adapted = get_peft_model(model, config, autocast_adapter_dtype=not self.plain_adapters)
        if self.checkpointing:
            adapted.enable_input_require_grads()
        return adapted, arithmetic


def quantise(model: PreTrainedModel) -> None:
    """NF4 in place, marked the way that PEFT and TRL look for."""
    from occpred.language_model.adaptation import quantise_linear_layers

    quantise_linear_layers(model)
    model.is_loaded_in_4bit = True
    torch.cuda.empty_cache()


def trl_sft(workload: Workload, meter: Meter, recipe: Recipe) -> dict[str, Any]:
    """TRL's `SFTTrainer`."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    micro_batches = recipe.micro_batches(workload, workload.examples_per_step)
    examples = workload.examples(_plenty(workload.examples_per_step, meter), completions=1)
    model, arithmetic = recipe.model(workload, meter.device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(
                **recipe.arguments(meter, micro_batches, folder),
                packing=recipe.packed is not None,
                max_length=recipe.packed,
            ),
            train_dataset=Dataset.from_list(list(map(_labelled, examples))),
            processing_class=tokenizer(),
        )
        return _trained(trainer, meter, arithmetic, micro_batches)


def hugging_face_sft(workload: Workload, meter: Meter, recipe: Recipe) -> dict[str, Any]:
    """`Trainer` of transformers."""
    micro_batches = recipe.micro_batches(workload, workload.examples_per_step)
    examples = workload.examples(_plenty(workload.examples_per_step, meter), completions=1)
    model, arithmetic = recipe.model(workload, meter.device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = HuggingFaceTrainer(
            model=model,
            args=TrainingArguments(**recipe.arguments(meter, micro_batches, folder), remove_unused_columns=False),
            train_dataset=list(map(_labelled, examples)),
            data_collator=padded,
        )
        return _trained(trainer, meter, arithmetic, micro_batches)


def trl_dpo(workload: Workload, meter: Meter, recipe: Recipe) -> dict[str, Any]:
    """TRL's `DPOTrainer`, with what the reference says stored beside the pairs."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.trainer import dpo_trainer

    class StoredReferences(DPOTrainer):
        """Takes pairs that are token ids already, with their references."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _precompute_ref_logps(self, dataset: Any, *_: Any) -> Any:
            return dataset

    dpo_trainer.hash_module = lambda module: ""
    micro_batches = recipe.micro_batches(workload, workload.pairs_per_step)
    examples = workload.examples(_plenty(workload.pairs_per_step, meter), completions=2)
    model, arithmetic = recipe.model(workload, meter.device)
    with tempfile.TemporaryDirectory() as folder:
        trainer = StoredReferences(
            model=model,
            args=DPOConfig(
                **recipe.arguments(meter, micro_batches, folder), max_length=None, precompute_ref_log_probs=True
            ),
            train_dataset=Dataset.from_list([_pair(workload, example) for example in examples]),
            processing_class=tokenizer(),
        )
        return _trained(trainer, meter, arithmetic, micro_batches)


def tokenizer() -> PreTrainedTokenizerFast:
    """One that pads with token 0: texts are token ids already, but TRL asks for it."""
    words = Tokenizer(WordLevel({"<pad>": 0, "<end>": 1}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="<end>")


def padded(features: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """Rows as long as the longest, in whole multiples of 8 as LLaMA-Factory has them."""
    longest = -(-max(len(feature["input_ids"]) for feature in features) // 8) * 8

    def column(name: str, filling: int) -> torch.Tensor:
        rows = [feature[name] + [filling] * (longest - len(feature[name])) for feature in features]
        return torch.tensor(rows)

    ones = [{"mask": [1] * len(feature["input_ids"])} for feature in features]
    mask = torch.tensor([feature["mask"] + [0] * (longest - len(feature["mask"])) for feature in ones])
    return {"input_ids": column("input_ids", 0), "labels": column("labels", UNSCORED), "attention_mask": mask}


def _plenty(per_step: int, meter: Meter) -> int:
    # Packed rows hold a few more than we count on, and an epoch's end would cut a step short.
    return per_step * meter.schedule.total * 3 // 2


def _labelled(example: Example) -> dict[str, Any]:
    (completion,) = example.completions
    return {
        "input_ids": example.prompt + completion,
        "labels": [UNSCORED] * len(example.prompt) + completion,
    }


def _pair(workload: Workload, example: Example) -> dict[str, Any]:
    chosen, rejected = example.completions
    # The texts are never read, but must be there.
    return {
        "prompt": "",
        "chosen": "",
        "rejected": "",
        "prompt_ids": example.prompt,
        "chosen_ids": chosen,
        "rejected_ids": rejected,
        "ref_chosen_logps": workload.log_prob(chosen),
        "ref_rejected_logps": workload.log_prob(rejected),
    }


def _trained(trainer: Any, meter: Meter, arithmetic: Arithmetic, micro_batches: int) -> dict[str, Any]:
    """Train, and tell the meter of each step what its micro-batches, collated in the order of steps, were good for."""
    works: list[Work] = []
    trainer.data_collator = partial(_noting, works, arithmetic, trainer.data_collator)

    class StepsDone(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            last = state.global_step * micro_batches
            meter.step_done(sum(works[last - micro_batches : last], Work()))

    trainer.add_callback(StepsDone())
    trained = trainer.train()
    return {**meter.figures(), "mean_loss": trained.training_loss}


def _noting(works: list[Work], arithmetic: Arithmetic, collate: Any, features: Sequence[dict[str, Any]]) -> Any:
    works.append(Work.of((example for feature in features for example in _examples(feature)), arithmetic))
    return collate(features)


def _examples(feature: dict[str, Any]) -> Iterable[Example]:
    """What a row of the data set holds: a pair, an example, or several packed ones."""
    if "prompt_ids" in feature:
        yield Example(feature["prompt_ids"], [feature["chosen_ids"], feature["rejected_ids"]])
        return
    first = 0
    for length in feature.get("seq_lengths", [len(feature["input_ids"])]):
        tokens = feature["input_ids"][first : first + length]
        labels = feature["labels"][first : first + length]
        prompt = sum(label == UNSCORED for label in labels)
        yield Example(tokens[:prompt], [tokens[prompt:]])
        first += length
