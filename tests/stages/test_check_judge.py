"""Checking the judge against reasons that are known to be true."""

from __future__ import annotations

from pathlib import Path

from occpred.artifacts.store import ArtifactStore
from occpred.records import JudgedReason, read_jsonl
from occpred.stages.check_judge import CheckJudge, read_check
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.road import Road
from tests.stages.conftest import MakeExperiment


def test_every_true_reason_is_held_against_that_of_another_person(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment("careers.num_people=200")
    prepared = Road(experiment).prepared
    check, store = CheckJudge(prepared, experiment.judge), ArtifactStore(Path(experiment.store))
    store.make_all([check])
    data = PreparedData(store.folder(prepared))
    true_texts = {reason.example_id: reason.text for reason in data.true_reasons()}
    examples = data.examples(Part.TEST)
    judged = read_jsonl(store.folder(check) / "judged.jsonl", JudgedReason)
    true, false = ([entry.reason for entry in judged if entry.reason.candidate == kind] for kind in (0, 1))
    assert [reason.text for reason in true] == [true_texts[example.example_id] for example in examples]
    assert sorted(reason.text for reason in false) == sorted(reason.text for reason in true)
    example_ids, true_marks, false_marks = read_check(store.folder(check))
    assert example_ids == [example.example_id for example in examples]
    # A judge that is of any use finds that a person's true reason bears more on what the person did next.
    assert sum(true_marks) > sum(false_marks)
