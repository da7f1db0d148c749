"""Training over a backbone in fewer bits says what that costs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.stages import train_worker
from tests.stages.conftest import SMALL


def test_what_rounding_loses_stands_beside_what_was_trained(tmp_path: Path) -> None:
    folder = train_worker.train([*SMALL, "lora.base_dtype=fp8", f"store={tmp_path}"])
    summary = json.loads((folder / "training.json").read_text())
    assert 0 < summary["rounding_log_prob_shift"] <= summary["rounding_largest_log_prob_shift"] < 0.5
    assert 0.5 < summary["rounding_gradient_cosine"] < 0.9999
