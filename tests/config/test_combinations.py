"""What cannot be put together is refused at the door, in one line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from omegaconf import DictConfig

from occpred.config import to_experiment
from occpred.settings import SettingError


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["model=direct"], "reason: model=direct reads no reason; give reason=none"),
        (
            ["model=direct", "reason=none", "preference=judge"],
            "preference: model=direct writes no reason to prefer; give preference=none",
        ),
        (
            ["model=untuned", "preference=judge"],
            "preference: model=untuned is not trained; give preference=none or another model",
        ),
        (["training_reason=generated"], "training_reason: model=joint cannot learn from reasons that it is to write"),
        (["ranking.num_reasons=3"], "num_reasons=3: a model's own reasons are all the same at"),
        (["engine=vllm", "lora=fp8_r16"], "engine: vllm would write by weights that are not rounded as those of the"),
    ],
)
def test_what_does_not_go_together(composed: Callable[..., DictConfig], overrides: list[str], message: str) -> None:
    with pytest.raises(SettingError) as caught:
        to_experiment(composed("experiments=demo", *overrides))
    assert str(caught.value).startswith(message)
