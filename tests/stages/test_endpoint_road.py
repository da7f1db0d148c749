"""The road with a teacher and a judge behind an endpoint: as a user types it, and its stages alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from occpred.artifacts.store import ArtifactStore
from occpred.errors import UserError
from occpred.records import JudgedReason, Reason, read_jsonl
from occpred.stages.prepare import Part
from occpred.stages.reason import REASONS, JudgeReasons, read_calls, read_unanswered
from occpred.stages.road import Road
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import RunningServer
from tests.stages.conftest import SMALL, MakeExperiment

KEY = "sk-proj-Xq7vR2mWn94KdLtYbz0PcEfA"
FEW = ["careers.num_people=20", "teacher=endpoint", "judge=endpoint", "teacher.num_candidates=2"]


@pytest.fixture(scope="module")
def paid_server() -> Iterator[RunningServer]:
    """It wants a key; one first reply in ten is malformed, one in fifty hopeless, and one in fifty is refused."""
    with scripted_server(api_key=KEY, malformed=0.1, incorrigible=0.02, refused=0.02) as running:
        yield running


@pytest.fixture
def endpoint(paid_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What tells teacher and judge of the server, which has forgotten what it was asked before."""
    paid_server.reset()
    monkeypatch.setenv("SERVER_KEY", KEY)
    settings = (f"base_url={paid_server.base_url}", "model=scripted", "key_variable=SERVER_KEY", "concurrency=8")
    return [*FEW, *(f"{role}.chat.{setting}" for role in ("teacher", "judge") for setting in settings)]


def occpred(folder: Path, *overrides: str, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "HYDRA_FULL_ERROR": "0", "WANDB_SILENT": "true", "COLUMNS": "200", **environment}
    command = [sys.executable, "-m", "occpred", *SMALL, *overrides]
    return subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)


def files_with(secret: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_the_whole_road_is_as_planned_and_its_key_is_nowhere(
    tmp_path: Path, paid_server: RunningServer, endpoint: list[str]
) -> None:
    planned = occpred(tmp_path, *endpoint, "dry_run=true")
    assert planned.returncode == 0, planned.stderr
    assert paid_server.stats()["requests"] == 0
    assert "not institutions, employers and descriptions" in " ".join(planned.stdout.split())
    (most,) = re.findall(r"^\W*all\W+(\d+)", planned.stdout, re.MULTILINE)

    ended = occpred(tmp_path, *endpoint, "tracking=wandb")
    assert ended.returncode == 0, ended.stderr
    asked = paid_server.stats()
    answered = [call for path in tmp_path.glob("artifacts/*/*/calls.jsonl") for call in read_calls(path.parent)]
    # Each reason that was refused is three marks less than planned; each malformed reply is asked for once more.
    assert 0.8 * int(most) < len(asked["bodies"]) < 1.3 * int(most)
    assert sum(asked["delivered"].values()) == len(answered)

    again = occpred(tmp_path, *endpoint, "tracking=wandb")
    assert again.returncode == 0, again.stderr
    assert paid_server.stats() == asked, "a second run asks nothing"

    assert files_with("scripted", tmp_path / "artifacts"), "the search finds what is there"
    assert not files_with(KEY, tmp_path)
    assert not files_with(KEY[8:20], tmp_path)
    for output in (planned, ended, again):
        assert KEY not in output.stdout + output.stderr


@pytest.mark.parametrize("key", ["", "sk-wrong-0123456789abcdef"])
def test_a_key_that_opens_nothing_ends_with_one_line(tmp_path: Path, endpoint: list[str], key: str) -> None:
    ended = occpred(tmp_path, *endpoint, SERVER_KEY=key)
    assert ended.returncode == 1
    (complaint,) = [line for line in ended.stderr.splitlines() if line.startswith("occpred: ")]
    assert "SERVER_KEY" in complaint
    assert "Traceback" not in ended.stderr
    assert not key or key not in ended.stderr + ended.stdout
    assert not key or not files_with(key, tmp_path)


def test_a_key_in_place_of_its_variable_is_refused_before_it_is_written_down(tmp_path: Path) -> None:
    ended = occpred(tmp_path, "teacher=endpoint", f"teacher.chat.key_variable={KEY}")
    assert ended.returncode == 1
    assert ended.stderr.startswith("occpred: teacher.chat.key_variable: must be the name of an environment variable")
    assert ended.stderr.count("\n") == 1
    assert KEY not in ended.stderr
    assert not files_with(KEY, tmp_path)


def test_every_question_is_answered_or_named(
    tmp_path: Path, small_experiment: MakeExperiment, endpoint: list[str]
) -> None:
    experiment = small_experiment(*endpoint, "careers.num_people=60")
    store, selected = ArtifactStore(Path(experiment.store)), Road(experiment).selected(Part.TRAIN)
    store.make_all([selected])
    proposed, judged = store.folder(selected.judged.reasons), store.folder(selected.judged)

    wanted = set(selected.judged.reasons.places(store))
    reasons = {(reason.example_id, reason.candidate) for reason in read_jsonl(proposed / REASONS, Reason)}
    missing = {(entry.example_id, entry.candidate) for entry in read_unanswered(proposed)}
    assert missing
    assert reasons | missing == wanted
    assert not reasons & missing

    marked = {
        (entry.reason.example_id, entry.reason.candidate) for entry in read_jsonl(judged / "judged.jsonl", JudgedReason)
    }
    unmarked = {(entry.example_id, entry.candidate) for entry in read_unanswered(judged)}
    assert unmarked
    assert marked | unmarked == reasons
    assert not marked & unmarked


def test_a_budget_stops_with_all_that_was_answered(
    small_experiment: MakeExperiment, paid_server: RunningServer, endpoint: list[str]
) -> None:
    def make(*overrides: str) -> None:
        experiment = small_experiment(*endpoint, *overrides)
        ArtifactStore(Path(experiment.store)).make_all([Road(experiment).selected(Part.TRAIN)])

    with pytest.raises(UserError, match="max_requests=10"):
        make("teacher.chat.budget.max_requests=10")
    assert sum(paid_server.stats()["delivered"].values()) == 10
    make()
    assert max(paid_server.stats()["delivered"].values()) == 1, "what was answered before is not asked again"


def test_candidates_are_proposed_until_enough_are_kept(small_experiment: MakeExperiment, endpoint: list[str]) -> None:
    strict = ["selection=standard", "selection.minimum_utility=4", "careers.num_people=60"]
    every, until_kept = (
        small_experiment(*endpoint, *strict, "teacher.num_candidates=4", f"teacher.until_kept={choice}")
        for choice in ("false", "true")
    )
    store = ArtifactStore(Path(every.store))
    all_at_once, in_rounds = (Road(each).selected(Part.TRAIN) for each in (every, until_kept))
    store.make_all([all_at_once, in_rounds])

    assert len(in_rounds.rounds) == 4
    proposed = [Counter(each.reasons.places(store)).total() for each in in_rounds.rounds]
    assert proposed == sorted(proposed, reverse=True)
    assert 0 < proposed[-1] < proposed[0]

    def kept(judged: tuple[JudgeReasons, ...]) -> set[str]:
        passed = [
            entry.reason
            for each in judged
            for entry in every.selection(read_jsonl(store.folder(each) / "judged.jsonl", JudgedReason))
        ]
        return {reason.example_id for reason in passed}

    # The same people keep a reason as when all their candidates are asked for, with fewer calls.
    assert kept(in_rounds.rounds) == kept(all_at_once.rounds)
    calls = [sum(len(read_calls(store.folder(each))) for each in road.rounds) for road in (in_rounds, all_at_once)]
    assert calls[0] < calls[1]
