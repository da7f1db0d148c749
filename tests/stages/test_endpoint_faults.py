"""Oracle reasons of 500 people from a server of whose answers a third goes wrong."""

from __future__ import annotations

from pathlib import Path

from occpred.artifacts.store import ArtifactStore
from occpred.records import JudgedReason, Reason, read_jsonl
from occpred.stages.prepare import Part
from occpred.stages.reason import JUDGED, REASONS, read_calls, read_unanswered
from occpred.stages.road import Road
from tests.servers.fault_proxy import EVERY_FAULT, Fault, evenly, fault_proxy
from tests.servers.scripted_server import scripted_server
from tests.stages.conftest import MakeExperiment

PEOPLE, CANDIDATES = 500, 3
FAULTS = {**evenly(0.32), Fault.STALLED: 0.002}  # the rare one costs a time-out each; 30% together
SETTINGS = ["model=scripted", "concurrency=16", "max_attempts=12", "timeout_seconds=2", "backoff_seconds=0.02"]


def test_all_is_answered_or_named_and_nothing_is_paid_for_twice(small_experiment: MakeExperiment) -> None:
    with scripted_server(refused=0.01) as server, fault_proxy(server, faults=FAULTS) as proxy:
        experiment = small_experiment(
            "careers.num_people=800",
            "split.examples_per_person=1",
            f"split.max_train_people={PEOPLE}",
            "teacher=endpoint",
            "judge=endpoint",
            f"teacher.num_candidates={CANDIDATES}",
            *(f"{role}.chat.base_url={proxy.base_url}" for role in ("teacher", "judge")),
            *(f"{role}.chat.{each}" for role in ("teacher", "judge") for each in SETTINGS),
        )
        store, selected = ArtifactStore(Path(experiment.store)), Road(experiment).selected(Part.TRAIN)
        store.make_all([selected])
        paid, injected = server.stats(), proxy.stats()
    proposed, judged = store.folder(selected.judged.reasons), store.folder(selected.judged)

    wanted = set(selected.judged.reasons.places(store))
    assert len(wanted) == PEOPLE * CANDIDATES
    reasons = [(reason.example_id, reason.candidate) for reason in read_jsonl(proposed / REASONS, Reason)]
    refused = [(entry.example_id, entry.candidate) for entry in read_unanswered(proposed)]
    assert sorted([*reasons, *refused]) == sorted(wanted)
    marked = [(entry.reason.example_id, entry.reason.candidate) for entry in read_jsonl(judged / JUDGED, JudgedReason)]
    unmarked = {(entry.example_id, entry.candidate) for entry in read_unanswered(judged)}
    assert sorted([*marked, *unmarked]) == sorted(reasons)
    assert 0 < len(refused) + len(unmarked) < 0.1 * len(wanted)

    # As a server that honours its idempotency keys counts: once for each request, whatever happened on the way.
    assert set(injected["forwarded"].values()) == set(paid["asked"].values()) == set(paid["bodies"].values()) == {1}
    calls = {
        (call.example_id, call.candidate, call.question) for each in (proposed, judged) for call in read_calls(each)
    }
    named = {(entry.example_id, entry.candidate, entry.question) for entry in read_unanswered(judged)}
    assert len(calls | named) == 4 * len(reasons), "one call for each reason, and three to judge it"
    assert injected["faults"].keys() == {fault.name for fault in EVERY_FAULT}
    assert 0.25 < sum(injected["faults"].values()) / injected["attempts"] < 0.35
