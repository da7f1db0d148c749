from __future__ import annotations

import pytest
import torch

from occpred.cluster.machine import Machine


def test_each_gpu_that_may_be_used_has_the_name_that_cuda_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    machine = Machine.here()
    assert machine.gpus == tuple(map(str, range(torch.cuda.device_count())))
    assert machine.cores >= 1


def test_a_machine_whose_gpus_are_hidden_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert Machine.here().gpus == ()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_only_gpus_that_are_visible_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", " 1 ,-1,0")
    assert Machine.here().gpus == ("1",)
