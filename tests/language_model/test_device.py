from __future__ import annotations

import pytest
import torch

from occpred.errors import UserError
from occpred.language_model.device import Accelerator


@pytest.mark.parametrize(
    ("accelerator", "is_there", "expected"),
    [
        (Accelerator.auto, True, "cuda"),
        (Accelerator.auto, False, "cpu"),
        (Accelerator.cpu, True, "cpu"),
        (Accelerator.cpu, False, "cpu"),
        (Accelerator.gpu, True, "cuda"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one_and_it_may_be(
    accelerator: Accelerator, is_there: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: is_there)
    assert accelerator.device() == torch.device(expected)


def test_a_gpu_that_is_not_there_is_not_replaced_by_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"^accelerator=gpu: PyTorch finds no GPU here .* give auto or cpu"):
        Accelerator.gpu.device()
