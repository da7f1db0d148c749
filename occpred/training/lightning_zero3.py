"""DeepSpeed's ZeRO-3 as Lightning sees it."""

from __future__ import annotations

from typing import Any

import deepspeed
import lightning as L
import torch
from deepspeed.utils import safe_get_local_fp32_param, safe_get_local_optimizer_state, set_z3_leaf_modules
from lightning.pytorch.plugins.precision import DeepSpeedPrecision
from lightning.pytorch.strategies import DeepSpeedStrategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Shard

from occpred.language_model.decoder import decoder_layers
from occpred.training.lightning_sharding import Sharding

_MEMORY = ("exp_avg", "exp_avg_sq")
"""What AdamW remembers of each weight, besides the number of steps."""


class _Precision(DeepSpeedPrecision):
    def convert_input(self, data: Any) -> Any:
        """Leave batches as they are: what a policy is compared with must not be rounded."""
        return data


class ZeRO3Processes(Sharding, DeepSpeedStrategy):
    """All processes of the job, each with its shares by DeepSpeed."""

    def __init__(self, rest: str) -> None:
        super().__init__(stage=3, logging_batch_size_per_gpu=1, sub_group_size=1_000_000_000)
        self.rest = rest
        assert isinstance(self.config, dict)
        # Shares of micro-batches are summed up in float32, as under the other strategies.
        self.config["data_types"] = {"grad_accum_dtype": "fp32"}
        # Or else DeepSpeed puts a product of its own into PyTorch, for good, which is compiled anew for each layer.
        self.config["zero_optimization"]["memory_efficient_linear"] = False

    def setup_distributed(self) -> None:
        """Tell DeepSpeed of the processes that have found each other already."""
        self.set_world_ranks()
        self._set_node_environment_variables()
        deepspeed.init_distributed(dist_init_required=False)

    def setup(self, trainer: L.Trainer) -> None:
        """Compute in bfloat16 under autocast, and where any weight is in bfloat16; else in float32."""
        assert self.model is not None
        formats = {parameter.dtype for parameter in self.model.parameters()}
        in_bfloat16 = trainer.precision == "bf16-mixed" or torch.bfloat16 in formats
        self.precision_plugin = _Precision("bf16-mixed" if in_bfloat16 else "32-true")
        # A layer's weights come and go together: it is compiled as one, and uses them without calling their modules.
        set_z3_leaf_modules(self.model, list({type(layer) for layer in decoder_layers(self.model)}))
        super().setup(trainer)

    def teardown(self) -> None:
        """Let go of the engine, which would keep the GPU's memory."""
        if isinstance(self.model, deepspeed.DeepSpeedEngine):
            self.model.destroy()
        super().teardown()

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module, which calls the engine for each micro-batch."""
        assert self.lightning_module is not None
        with self.precision_plugin.train_step_context():
            return self.lightning_module.training_step(*args, **kwargs)

    def shares(self) -> dict[str, Any]:
        """Weights in float32 and the optimizer's memory of them, flat as DeepSpeed divides them: views, not copies."""
        zero: Any = self.deepspeed_engine.optimizer
        for flat in zero.fp32_partitioned_groups_flat:
            if flat not in zero.optimizer.state:  # AdamW has no memory before its first step
                zeros = {name: torch.zeros_like(flat) for name in _MEMORY}
                zero.optimizer.state[flat] = {"step": flat.new_zeros(()), **zeros}
        mesh = init_device_mesh(self.root_device.type, (self.world_size,))
        assert self.lightning_module is not None
        trained = [(name, value) for name, value in self.lightning_module.named_parameters() if value.requires_grad]
        first, *_ = zero.fp32_partitioned_groups_flat
        return {
            "weights": {name: _share(value, safe_get_local_fp32_param(value), mesh) for name, value in trained},
            **{
                key: {name: _share(value, safe_get_local_optimizer_state(value, key), mesh) for name, value in trained}
                for key in _MEMORY
            },
            "steps": zero.optimizer.state[first]["step"].clone(),
            "learning_rate": torch.tensor(zero.optimizer.param_groups[0]["lr"], dtype=torch.float64),
        }

    def take(self, shares: dict[str, Any]) -> None:
        """Go on from what was read into the views: round the weights to the format they are computed with."""
        zero: Any = self.deepspeed_engine.optimizer
        zero.checkpoint_event_prologue()
        for group, flat in enumerate(zero.fp32_partitioned_groups_flat):
            zero.optimizer.state[flat]["step"].copy_(shares["steps"])
            zero._reassign_or_swap_out_partitioned_parameters(group)
        zero.checkpoint_event_epilogue()
        for settings in zero.optimizer.param_groups:
            settings["lr"] = shares["learning_rate"].item()

    def _format_config(self) -> None:
        assert isinstance(self.config, dict)
        assert self.lightning_module is not None
        self.config["gradient_clipping"] = self.lightning_module.max_gradient_norm
        super()._format_config()


def _share(parameter: nn.Parameter, local: Tensor, mesh: DeviceMesh) -> DTensor:
    """This process's part of a flat tensor that DeepSpeed has divided evenly, the last part filled up."""
    numel: int = parameter.ds_numel  # type: ignore[attr-defined, unused-ignore]
    filled = min(len(local), max(0, numel - mesh.get_local_rank() * len(local)))
    return DTensor.from_local(local[:filled], mesh, [Shard(0)], run_check=False, shape=torch.Size([numel]), stride=(1,))
