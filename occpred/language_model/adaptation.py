"""Which parameters of a backbone are trained: low-rank adapters, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from occpred.errors import UserError
from occpred.settings import SettingError, Settings, setting

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn
    from transformers import PreTrainedModel


_ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


def check_whole(folder: Path, *names: str) -> None:
    """Raise `UserError` where a trained model lacks one of these files, which PEFT would ask the hub for."""
    for name in names:
        if not (folder / name).is_file():
            raise UserError(f"{folder}: {name} is missing; remove the artifact that it belongs to, and run it again")


@dataclass
class Adaptation(Settings):
    """How a frozen backbone becomes trainable."""

    def __call__(self, model: PreTrainedModel, seed: int) -> nn.Module:
        """Return the model whose trainable parameters, and no others, require gradients.

        Args:
            model: a frozen backbone; it may be changed in place.
            seed: draws the initial values of new parameters.
        """
        raise NotImplementedError

    def without_rounding(self) -> Adaptation:
        """The same with frozen weights in the backbone's own number format; itself where they are."""
        return self

    def save(self, model: nn.Module, folder: Path, trained: Mapping[str, Tensor] | None = None) -> None:
        """Write what was trained into `folder`, as safetensors.

        Args:
            model: what was trained.
            folder: where to write.
            trained: the trained parameters by name, where `model` itself holds only a part of each.
        """
        raise NotImplementedError

    def load(self, model: PreTrainedModel, folder: Path, *, trainable: bool = False) -> nn.Module:
        """Return `model`, a fresh backbone, with what `save` wrote, in evaluation mode; it may be changed in place.

        Args:
            model: a frozen backbone.
            folder: where `save` wrote.
            trainable: whether the parameters that were trained require gradients again, to train them further.
        """
        raise NotImplementedError

    def merge(self, model: PreTrainedModel, folder: Path) -> PreTrainedModel:
        """Return a plain model: `model`, a fresh backbone, with what `save` wrote as part of its own weights."""
        raise NotImplementedError


class BaseDtype(Enum):
    """Number format in which the frozen linear layers under adapters are held."""

    backbone = "as the backbone"
    nf4 = "4-bit normal float"
    fp8 = "8-bit float"


@dataclass
class LoRA(Adaptation):
    """Low-rank adapters on a frozen backbone (Hu et al. 2022), kept in PEFT's own format."""

    rank: int = setting(16, minimum=1)
    """Rank r of the update B A."""
    alpha: float = setting(32.0, above=0)
    """The update is scaled by alpha / rank."""
    dropout: float = setting(0.0, minimum=0, below=1)
    """Dropout on the adapters' input while training."""
    targets: list[str] = setting(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
    """Names of the linear layers that get an adapter."""
    base_dtype: BaseDtype = BaseDtype.backbone
    """Number format of the frozen linear layers: the backbone's own; `nf4`, the smallest (QLoRA, Dettmers et al. 2023,
    through bitsandbytes), whose layers are computed again for the backward pass, slower by about a third; or `fp8`,
    e4m3 with a scale for each output, the fastest on GPUs with 8-bit matrix units."""

    def __post_init__(self) -> None:
        """Refuse adapters on nothing."""
        super().__post_init__()
        if not self.targets:
            raise SettingError("LoRA.targets=[]: must name at least one linear layer")

    def __call__(self, model: PreTrainedModel, seed: int) -> nn.Module:
        """Freeze `model`, quantise it if asked, and add adapters whose product starts at zero.

        Raises:
            UserError: a target that is no linear layer of the model.
        """
        import torch
        from peft import LoraConfig, get_peft_model

        self._check_targets(model)
        if self.base_dtype is BaseDtype.nf4:
            quantise_linear_layers(model)
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=list(self.targets),
            task_type="CAUSAL_LM",
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            adapted: nn.Module = get_peft_model(model, config)
        self._hold_in_float8(adapted)
        return adapted

    def without_rounding(self) -> LoRA:
        """Adapters of the same shape over the backbone as it is."""
        return replace(self, base_dtype=BaseDtype.backbone)

    def save(self, model: nn.Module, folder: Path, trained: Mapping[str, Tensor] | None = None) -> None:
        """Write a plain PEFT adapter: `adapter_model.safetensors` and `adapter_config.json`."""
        peft_model: Any = model
        # Never the embeddings: they are frozen, and to find out whether to save them PEFT would ask the hub.
        peft_model.save_pretrained(folder, save_embedding_layers=False, state_dict=trained)

    def load(self, model: PreTrainedModel, folder: Path, *, trainable: bool = False) -> nn.Module:
        """Hold `model` as in training and put the adapter on it; what is trained further is this adapter."""
        from peft import PeftModel

        check_whole(folder, *_ADAPTER)
        if self.base_dtype is BaseDtype.nf4:
            quantise_linear_layers(model)
        adapted: nn.Module = PeftModel.from_pretrained(model, folder, is_trainable=trainable)
        self._hold_in_float8(adapted)
        return adapted.eval()

    def merge(self, model: PreTrainedModel, folder: Path) -> PreTrainedModel:
        """Add the adapter's product to the weights it belongs to, in the backbone's own number format."""
        from peft import PeftModel

        check_whole(folder, *_ADAPTER)
        if "lm_head" in self.targets:
            _untie_embeddings(model)
        merged: PreTrainedModel = PeftModel.from_pretrained(model, folder).merge_and_unload()
        return merged

    def _hold_in_float8(self, model: Any) -> None:
        from occpred.language_model.float8_linear import hold_in_float8

        if self.base_dtype is BaseDtype.fp8:
            hold_in_float8(model.get_base_model())

    def _check_targets(self, model: PreTrainedModel) -> None:
        # PEFT complains only where none of the names is found.
        from torch import nn

        modules = model.named_modules()
        linear = {name.rpartition(".")[2] for name, module in modules if isinstance(module, nn.Linear)}
        if not linear.issuperset(self.targets):
            given, allowed = ",".join(self.targets), ", ".join(sorted(linear))
            raise UserError(f"lora.targets=[{given}]: must be names of the model's linear layers, which are {allowed}")


@dataclass
class FullFineTuning(Adaptation):
    """Every parameter of the backbone is trained, as in the paper."""

    def __call__(self, model: PreTrainedModel, seed: int) -> nn.Module:
        """Make all parameters trainable; there is nothing new to draw, so `seed` is not used."""
        trainable: nn.Module = model.requires_grad_(True)
        return trainable

    def save(self, model: nn.Module, folder: Path, trained: Mapping[str, Tensor] | None = None) -> None:
        """Write the whole model as a Hugging Face folder."""
        whole: Any = model
        whole.save_pretrained(folder, state_dict=trained)

    def load(self, model: PreTrainedModel, folder: Path, *, trainable: bool = False) -> nn.Module:
        """Load the whole model from `folder`, in the number format of `model`."""
        trained: nn.Module = type(model).from_pretrained(folder, dtype=model.dtype, use_safetensors=True)
        return trained.requires_grad_(trainable).eval()

    def merge(self, model: PreTrainedModel, folder: Path) -> PreTrainedModel:
        """The trained model is plain as it is."""
        merged: Any = self.load(model, folder)
        whole: PreTrainedModel = merged
        return whole


def _untie_embeddings(model: PreTrainedModel) -> None:
    """Give the output embeddings weights of their own: an adapter on them must not reach the input embeddings."""
    from torch import nn

    output = model.get_output_embeddings()
    output.weight = nn.Parameter(output.weight.detach().clone(), requires_grad=False)
    model.config.tie_word_embeddings = False


_BLOCK = 64
"""Weights that share a scale in NF4. On the CPU a layer whose rows are no whole number of blocks comes out wrong."""


def quantise_linear_layers(model: PreTrainedModel) -> None:
    """Replace, in place, every linear layer inside the decoder by its NF4 form; the output embeddings stay as they are.

    Works on loaded and on random weights alike, and on the CPU as well as on a GPU.

    Raises:
        UserError: a layer whose number of inputs is not a multiple of 64.
    """
    import bitsandbytes as bnb
    from torch import nn

    from occpred.language_model.decoder import keep_layer_inputs_only

    # Else the weights that were taken out of 4 bits would all be kept for the backward pass.
    keep_layer_inputs_only(model)
    decoder: nn.Module = model.get_decoder()
    linear = [(name, layer) for name, layer in decoder.named_modules() if isinstance(layer, nn.Linear)]
    for name, layer in linear:
        if layer.in_features % _BLOCK:
            raise UserError(
                f"lora.base_dtype=nf4: needs a backbone whose linear layers have a multiple of {_BLOCK} inputs; "
                f"{name} has {layer.in_features}"
            )
        four_bit = bnb.nn.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=layer.weight.dtype,
            quant_type="nf4",
            device="meta",  # else weights would be drawn first, on the CPU
        )
        four_bit.weight = bnb.nn.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4", blocksize=_BLOCK)
        if layer.bias is not None:
            four_bit.bias = layer.bias
        # Else some CPUs would repack the weight at the first reading, and no gradient would pass it any more.
        four_bit.support_avx512bf16_for_cpu = False
        parent, _, child = name.rpartition(".")
        setattr(decoder.get_submodule(parent), child, four_bit.to(layer.weight.device))
