from __future__ import annotations

import hashlib
import json
import logging
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from occpred.artifacts import legs
from occpred.artifacts.signature import signature
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.errors import UserError
from occpred.interruption import Interrupted
from occpred.settings import setting

WORKER = Path(__file__).with_name("store_worker.py")


@dataclass(frozen=True)
class Draw(Stage):
    name: ClassVar[str] = "draw"
    number: int

    def run(self, folder: Path, store: ArtifactStore) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "number.txt").write_text(str(self.number))


@dataclass(frozen=True)
class Add(Stage):
    name: ClassVar[str] = "add"
    terms: tuple[Stage, ...]

    def run(self, folder: Path, store: ArtifactStore) -> None:
        files = ["deep/number.txt" if isinstance(term, Draw) else "sum.txt" for term in self.terms]
        terms = [(store.folder(term) / file).read_text() for term, file in zip(self.terms, files, strict=True)]
        (folder / "sum.txt").write_text(str(sum(map(int, terms))))


@pytest.mark.parametrize("beneath", ["a file", "a file/store"])
def test_a_root_that_cannot_be_made_is_a_clear_error(tmp_path: Path, beneath: str) -> None:
    (tmp_path / "a file").touch()
    store = ArtifactStore(tmp_path / beneath)
    with pytest.raises(UserError, match=rf"store=.*{beneath}: cannot be written: Not a directory"):
        store.make(Draw(1))


@dataclass(frozen=True)
class Fail(Stage):
    name: ClassVar[str] = "fail"
    broken: list[bool]

    def run(self, folder: Path, store: ArtifactStore) -> None:
        (folder / "begun.txt").touch(exist_ok=False)
        if not self.broken:
            raise ZeroDivisionError


@dataclass(frozen=True)
class FailOnce(Fail):
    name: ClassVar[str] = "fail_once"
    broken: list[bool] = setting([], incidental=True)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(WORKER), *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def hidden(store: ArtifactStore) -> list[str]:
    return [path.name for path in store.root.glob("*/.*")]


def test_a_stage_is_made_once(store: ArtifactStore) -> None:
    assert not store.is_done(Draw(3))
    first, second = store.make(Draw(3)), store.make(Draw(3))
    assert (first.made, second.made) == (True, False)
    assert first.folder == second.folder == store.folder(Draw(3)) == store.root / "draw" / signature(Draw(3))
    assert first.seconds == second.seconds, "what it cost, also when it is found"
    assert sorted(path.name for path in first.folder.iterdir()) == ["deep", "provenance.json"]
    assert (first.folder / "deep" / "number.txt").read_text() == "3"
    assert hidden(store) == []


def test_a_chain_is_made_inputs_first_and_each_stage_once(store: ArtifactStore) -> None:
    five = Add((Draw(2), Draw(3)))
    twelve = Add((five, Draw(2), five))
    results = store.make_all([twelve, five])
    assert [result.stage for result in results] == ["draw", "draw", "add", "add"]
    assert all(result.made for result in results)
    assert (store.folder(twelve) / "sum.txt").read_text() == "12"


def test_the_second_time_nothing_is_done_and_that_is_said(
    store: ArtifactStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="occpred")
    chain = Add((Draw(2), Draw(3)))
    store.make_all([chain])
    store.make_all([chain])
    lines = [record.getMessage().split()[:3] for record in caplog.records]
    order = [["draw", signature(Draw(2))], ["draw", signature(Draw(3))], ["add", signature(chain)]]
    assert lines == [["made", *each] for each in order] + [["found", *each] for each in order]


def test_a_deleted_input_is_made_again_only_where_it_is_needed(store: ArtifactStore) -> None:
    chain = Add((Draw(2), Draw(3)))
    store.make_all([chain])
    (store.folder(Draw(2))).rename(store.root / "gone")
    assert [result.made for result in store.make_all([chain])] == [False, False]
    assert not store.is_done(Draw(2))
    (result,) = [result for result in store.make_all([Add((Draw(2),))]) if result.stage == "draw"]
    assert result.made


def test_a_missing_artifact_or_input_is_named(store: ArtifactStore) -> None:
    with pytest.raises(UserError, match=rf"draw/{signature(Draw(1))}: no such artifact yet; run the stage 'draw'"):
        store.folder(Draw(1))
    with pytest.raises(UserError, match="run the stage 'draw' first"):
        store.make(Add((Draw(1),)))


def test_a_failing_run_leaves_nothing_finished_and_no_lock(store: ArtifactStore) -> None:
    stage = FailOnce()
    with pytest.raises(ZeroDivisionError):
        store.make(stage)
    assert not store.is_done(stage)
    assert hidden(store) == [f".{signature(stage)}.partial"]
    stage.broken.append(True)
    assert store.make(stage).made, "and the second run began with an empty folder"
    assert hidden(store) == []


def test_something_else_in_the_artifacts_place_is_not_overwritten(store: ArtifactStore) -> None:
    path = store.root / "draw" / signature(Draw(1))
    path.mkdir(parents=True)
    (path / "mine.txt").touch()
    with pytest.raises(UserError, match="lies where an artifact belongs"):
        store.make(Draw(1))
    assert (path / "mine.txt").exists()


def test_data_that_change_during_the_run_are_noticed(store: ArtifactStore, tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("before")

    @dataclass(frozen=True)
    class Read(Stage):
        name: ClassVar[str] = "read"
        path: str = setting("", content=True)

        def run(self, folder: Path, store: ArtifactStore) -> None:
            data.write_text("and after")

    with pytest.raises(UserError, match="changed while it ran"):
        store.make(Read(str(data)))
    assert list((store.root / "read").glob("[!.]*")) == []
    assert store.make(Read(str(data))).made


@pytest.mark.parametrize(("kind", "left"), [("fresh", "[]"), ("resumable", "['half.txt']")])
def test_a_run_killed_half_way_is_made_whole_by_the_next(
    store: ArtifactStore, tmp_path: Path, kind: str, left: str
) -> None:
    log = tmp_path / "log"
    killed = start(kind, store.root, log, "hang")
    assert killed.stdout is not None
    assert killed.stdout.readline() == "hanging\n"
    killed.kill()
    killed.communicate()
    assert list((store.root / kind).glob("[!.]*")) == []

    output, _ = start(kind, store.root, log).communicate()
    assert output == "True\n"
    (artifact,) = (store.root / kind).glob("[!.]*")
    assert (artifact / "result.txt").read_text() == f"began with {left}"
    record = json.loads((artifact / "provenance.json").read_text())
    assert record["resumed"] == (kind == "resumable")
    *before, last = record["legs_seconds"]
    assert before == [None] * (kind == "resumable"), "who is killed does not say how long it took"
    assert record["wall_seconds"] == last > 0
    assert hidden(store) == []


def test_the_time_of_what_is_interrupted_is_that_of_all_its_legs(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    @dataclass(frozen=True)
    class Long(Stage):
        name: ClassVar[str] = "long"
        resumable: ClassVar[bool] = True

        def run(self, folder: Path, store: ArtifactStore) -> None:
            nonlocal now
            now += 10
            leg = len(list(folder.iterdir()))
            (folder / str(leg)).touch()
            if leg < 2:
                raise Interrupted(signal.SIGTERM) if leg else ZeroDivisionError

    monkeypatch.setattr(legs, "time", SimpleNamespace(monotonic=lambda: now))
    for error in (ZeroDivisionError, Interrupted):
        with pytest.raises(error):
            store.make(Long())
    made = store.make(Long())
    record = json.loads((made.folder / "provenance.json").read_text())
    assert record["legs_seconds"] == [10, 10, 10]
    assert record["wall_seconds"] == made.seconds == 30
    assert hidden(store) == []


def test_who_lost_the_lock_leaves_the_time_to_the_next(store: ArtifactStore) -> None:
    @dataclass(frozen=True)
    class Lost(Stage):
        name: ClassVar[str] = "lost"
        resumable: ClassVar[bool] = True

        def run(self, folder: Path, store: ArtifactStore) -> None:
            (held,) = (path for path in folder.parent.glob(".*.lock/*"))
            held.unlink()
            (noted,) = folder.parent.glob(".*.legs")
            noted.write_text("[1, null]")  # by whoever has the lock now
            raise ZeroDivisionError

    with pytest.raises(UserError, match="silent for so long"):
        store.make(Lost())
    (noted,) = (store.root / "lost").glob(".*.legs")
    assert noted.read_text() == "[1, null]"


def test_processes_that_make_the_same_stage_do_the_work_once(store: ArtifactStore, tmp_path: Path) -> None:
    workers = [start("fresh", store.root, tmp_path / "log") for _ in range(3)]
    outputs = sorted(worker.communicate()[0] for worker in workers)
    assert outputs == ["False\n", "False\n", "True\n"]
    assert (tmp_path / "log").read_text() == "run\n"


def test_whenever_it_is_killed_what_bears_a_signature_is_whole(store: ArtifactStore) -> None:
    delays = random.Random("kill")
    for _ in range(6):
        worker = start("many", store.root)
        while not (store.root / "numbered").exists():
            time.sleep(0.01)
        time.sleep(delays.uniform(0.1, 0.4))
        worker.kill()
        worker.communicate()
        for artifact in (store.root / "numbered").glob("[!.]*"):
            digests = [hashlib.sha256((artifact / f"{part}.bin").read_bytes()).hexdigest() for part in range(3)]
            assert (artifact / "digests.txt").read_text().split() == digests
            assert json.loads((artifact / "provenance.json").read_text())["signature"] == artifact.name
