"""DeepSpeed's ZeRO-3 as Lightning sees it."""

from __future__ import annotations

from typing import Any

import deepspeed
import lightning as L
from lightning.pytorch.strategies import DeepSpeedStrategy

from occpred.training.lightning_sharding import Sharding


class ZeRO3Processes(Sharding, DeepSpeedStrategy):
    """All processes of the job, each with a share of every weight."""

    def __init__(self) -> None:
        super().__init__(stage=3, logging_batch_size_per_gpu=1, exclude_frozen_parameters=True)
        assert isinstance(self.config, dict)
        # Gradients of many micro-batches are summed up in float32, as a process alone does in its float32 weights.
        self.config["data_types"] = {"grad_accum_dtype": "fp32"}

    def setup_distributed(self) -> None:
        """Tell DeepSpeed of the processes that have found each other already."""
        self.set_world_ranks()
        self._set_node_environment_variables()
        deepspeed.init_distributed(dist_init_required=False)

    def setup(self, trainer: L.Trainer) -> None:
        """Leave batches as they are: Lightning would round what a policy is compared with."""
        self.precision_plugin.convert_input = lambda data: data  # type: ignore[method-assign]
        super().setup(trainer)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module, which calls the engine for each micro-batch."""
        assert self.lightning_module is not None
        with self.precision_plugin.train_step_context():
            return self.lightning_module.training_step(*args, **kwargs)

    def _format_config(self) -> None:
        assert isinstance(self.config, dict)
        self.config["gradient_clipping"] = self.lightning_module.max_gradient_norm
        super()._format_config()
