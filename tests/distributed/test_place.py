"""Where a process stands, by what those who start processes put into its environment."""

from __future__ import annotations

import pytest

from occpred.distributed.place import Place

TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "x",
    "RANK": "5",
    "WORLD_SIZE": "8",
    "LOCAL_RANK": "1",
    "GROUP_RANK": "1",
    "MASTER_ADDR": "first",
    "MASTER_PORT": "29400",
    "TORCHELASTIC_USE_AGENT_STORE": "True",
}
SRUN = {
    "SLURM_JOB_ID": "1234",
    "SLURM_NTASKS": "4",
    "SLURM_STEP_NUM_TASKS": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_PROCID": "2",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "1",
    "SLURM_STEP_NODELIST": "node[07-08]",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*TORCHRUN, *SRUN):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_process_started_alone_has_no_place(environment: pytest.MonkeyPatch) -> None:
    assert Place.given() is None


def test_torchrun(environment: pytest.MonkeyPatch) -> None:
    for name, value in TORCHRUN.items():
        environment.setenv(name, value)
    assert Place.given() == Place(5, 8, 1, 1, "first", 29400, hosts_store=False)


def test_only_the_first_process_opens_the_port_where_torchrun_does_not(environment: pytest.MonkeyPatch) -> None:
    for rank in range(2):
        for name, value in (TORCHRUN | {"RANK": str(rank), "TORCHELASTIC_USE_AGENT_STORE": "False"}).items():
            environment.setenv(name, value)
        place = Place.given()
        assert place is not None
        assert place.hosts_store == (rank == 0)


def test_srun(environment: pytest.MonkeyPatch) -> None:
    for name, value in SRUN.items():
        environment.setenv(name, value)
    place = Place.given()
    assert place is not None
    assert (place.rank, place.world_size, place.local_rank, place.node_rank) == (2, 4, 0, 1)
    assert (place.address, place.port) == ("node07", 16234)
    assert not place.hosts_store


def test_tasks_of_several_nodes_meet_where_they_are_told_to(environment: pytest.MonkeyPatch) -> None:
    for name, value in (SRUN | {"MASTER_ADDR": "10.0.0.7"}).items():
        environment.setenv(name, value)
    place = Place.given()
    assert place is not None
    assert place.address == "10.0.0.7"


def test_tasks_of_one_node_need_no_name_of_it(environment: pytest.MonkeyPatch) -> None:
    for name, value in (SRUN | {"SLURM_STEP_NUM_NODES": "1"}).items():
        environment.setenv(name, value)
    place = Place.given()
    assert place is not None
    assert place.address == "localhost"


def test_a_job_of_one_task_and_a_batch_script_have_no_place(environment: pytest.MonkeyPatch) -> None:
    # In a batch script, SLURM_NTASKS says what `srun` would start, but nobody has been started yet.
    for name, value in SRUN.items():
        environment.setenv(name, value)
    environment.setenv("SLURM_STEP_NUM_TASKS", "1")
    assert Place.given() is None
    environment.delenv("SLURM_STEP_NUM_TASKS")
    assert Place.given() is None
