from __future__ import annotations

import pytest

from occpred.cluster.local_processes import LocalProcesses
from occpred.cluster.machine import Machine
from occpred.errors import UserError
from occpred.language_model.device import Accelerator


@pytest.fixture(autouse=True)
def _own_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


def shares(
    machine: Machine, devices: int, accelerator: Accelerator = Accelerator.auto, slots: int | None = None
) -> list[tuple[str, ...]]:
    """The GPUs, if any, and the threads of each job that runs at a time."""
    return [tuple(share.values()) for share in LocalProcesses(slots=slots).shares(machine, devices, accelerator)]


def test_each_job_has_gpus_of_its_own() -> None:
    machine = Machine(("4", "GPU-a", "6", "7", "9"), cores=16)
    assert shares(machine, 1) == [("4", "3"), ("GPU-a", "3"), ("6", "3"), ("7", "3"), ("9", "3")]
    assert shares(machine, 2) == [("4,GPU-a", "4"), ("6,7", "4")]
    assert shares(machine, 2, Accelerator.gpu, slots=1) == [("4,GPU-a", "8")]
    assert shares(machine, 5) == [("4,GPU-a,6,7,9", "3")]


def test_without_gpus_each_process_has_two_cores() -> None:
    machine = Machine((), cores=9)
    assert shares(machine, 1) == [("2",)] * 4
    assert shares(machine, 2) == [("2",)] * 2
    assert shares(machine, 8) == [("1",)]
    assert shares(machine, 1, slots=3) == [("3",)] * 3
    assert shares(machine, 1, slots=10) == [("1",)] * 10
    assert shares(Machine(("0",), cores=9), 1, Accelerator.cpu) == [("2",)] * 4


def test_threads_that_the_user_chose_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert shares(Machine(("0",), cores=9), 1) == [("0",)]
    assert shares(Machine((), cores=4), 1) == [()] * 2


@pytest.mark.parametrize(
    ("gpus", "devices", "accelerator", "slots", "message"),
    [
        (("0", "1"), 4, Accelerator.auto, None, "trainer.devices=4: there are 2 GPUs on this machine"),
        (("0",), 2, Accelerator.gpu, None, "trainer.devices=2: there is 1 GPU on this machine"),
        ((), 1, Accelerator.gpu, None, "trainer.devices=1: there are 0 GPUs on this machine"),
        (
            ("0", "1", "2"),
            2,
            Accelerator.auto,
            2,
            "hydra.launcher.slots=2: must be at most 1, as there are 3 GPUs and each job",
        ),
    ],
)
def test_more_gpus_than_there_are_cannot_be_had(
    gpus: tuple[str, ...], devices: int, accelerator: Accelerator, slots: int | None, message: str
) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        shares(Machine(gpus, cores=4), devices, accelerator, slots)
