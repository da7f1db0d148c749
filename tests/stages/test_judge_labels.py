"""Holding the judge against people's marks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from occpred.artifacts.store import ArtifactStore
from occpred.careers.judge_labels import JudgeLabels
from occpred.evaluation.intervals import Evaluation
from occpred.records import JudgedReason, read_jsonl
from occpred.stages.judge_labels import CheckJudgeAgainstLabels, read_label_check
from occpred.stages.reason import JUDGED
from occpred.stages.road import Road
from tests.stages.conftest import MakeExperiment

NURSE = {"positions": [{"title": "Registered Nurses", "start": "2009-09", "end": "2013-01"}]}
TRUE = "Having worked as a registered nurse, this person will stay a registered nurse."
FALSE = "Having worked as a chef, this person holds a doctorate in law and will stay a registered nurse."


def line(label_id: str, reason: str, **marks: int) -> str:
    return json.dumps(
        {"label_id": label_id, "history": NURSE, "reason": reason, "occupation": "Registered Nurses", **marks}
    )


@pytest.fixture
def labels(tmp_path: Path) -> JudgeLabels:
    lines = [
        line("l1", TRUE, factuality=5, utility=4),
        line("l2", FALSE, factuality=1),
        "{",
        line("l3", TRUE, factuality=4, utility=4),
    ]
    (tmp_path / "judge_labels.jsonl").write_text("\n".join(lines), "utf-8")
    return JudgeLabels(str(tmp_path / "judge_labels.jsonl"))


def test_the_judge_marks_what_people_marked(small_experiment: MakeExperiment, labels: JudgeLabels) -> None:
    experiment = small_experiment()
    check = CheckJudgeAgainstLabels(Road(experiment).prepared, experiment.judge, labels)
    store = ArtifactStore(Path(experiment.store))
    store.make_all([check])
    judged = read_jsonl(store.folder(check) / JUDGED, JudgedReason)
    assert [entry.reason.example_id for entry in judged] == ["l1", "l2", "l3"]
    found = read_label_check(store.folder(check), Evaluation(bootstrap_samples=100))
    assert (found.labels, found.unanswered) == (3, 0)
    assert [row.line for row in found.rejected] == [3]
    factuality, coherence, utility = found.agreements
    assert (factuality.count, coherence.count, utility.count) == (3, 0, 2)
    marks = [entry.scores.factuality for entry in judged]
    assert marks[0] == marks[2] > marks[1]
    for label, mark in zip((5, 1, 4), marks, strict=True):
        assert factuality.confusion[label - 1][mark - 1] > 0
    assert factuality.spearman is not None
    assert factuality.spearman.value > 0.5
    # Two reasons with the same labels: nothing to correlate.
    assert utility.pearson is None
    # All histories are equal, so this is one person, and an interval over persons has no width.
    assert factuality.spearman.low == factuality.spearman.value == factuality.spearman.high


def test_a_judge_by_rules_plans_no_calls(small_experiment: MakeExperiment, labels: JudgeLabels) -> None:
    experiment = small_experiment()
    prepared, store = Road(experiment).prepared, ArtifactStore(Path(experiment.store))
    store.make_all([prepared])
    assert CheckJudgeAgainstLabels(prepared, experiment.judge, labels).plan(store) == []
