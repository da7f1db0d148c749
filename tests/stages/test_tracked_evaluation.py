"""What tracking is told of an evaluation: a summary and two tables, in a run of the stage's own or of an agent's."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from occpred.artifacts.signature import reference, signature
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.baselines.popularity import Popularity
from occpred.baselines.suite import Baselines
from occpred.interruption import Interrupted
from occpred.rankings import Rankings
from occpred.records import JudgedReason, JudgeScores, Reason, write_jsonl
from occpred.stages.evaluate import Evaluate, Evaluated
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.road import plan
from occpred.stages.tracked_stage import axes
from occpred.stages.tracked_tables import drawn
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.tracking import Ending, RunIdentity, Tracker
from tests.stages.conftest import MakeExperiment

ONLY_POPULARITY = Baselines(Popularity(), None, None, None, None, None, None, None)


def lay(store: ArtifactStore, stage: Stage, write: Callable[[Path], object]) -> None:
    """Put an artifact in its place without the work that it takes."""
    folder = store.root / reference(stage)
    folder.mkdir(parents=True)
    write(folder)
    (folder / "provenance.json").write_text('{"wall_seconds": 0}', encoding="utf-8")


@pytest.fixture
def evaluation(small_experiment: MakeExperiment, tmp_path: Path) -> tuple[ArtifactStore, Evaluate]:
    """An evaluation whose inputs are there: everybody is said to stay, on the ground of reasons with a mark of 4."""
    experiment = replace(small_experiment(), baselines=ONLY_POPULARITY)
    experiment.tracking = CsvTracking(group="ranks", tags=["lora.rank=8", "seed=0", "ours"], examples=3)
    store, report = ArtifactStore(Path(experiment.store)), plan(experiment)
    stage = replace(report.evaluated, own_reasons=report.own_reasons)
    store.make(stage.prepared)
    store.make(stage.baselines)
    data = PreparedData(store.folder(stage.prepared))
    examples, codes = data.examples(Part.TEST), data.taxonomy.codes
    log_probs_PC = np.log(np.full((len(examples), len(codes)), 0.5 / (len(codes) - 1)))
    for row, example in enumerate(examples):
        log_probs_PC[row, data.taxonomy.index(example.history.positions[-1].occupation_code)] = np.log(0.5)
    ids = tuple(example.example_id for example in examples)
    rankings = Rankings(codes, ids, log_probs_PC, reasons=tuple(f"They like it, says {each}." for each in ids))
    scores = JudgeScores(5, 4, 3, justification="<b>well</b>", factuality_errors=("an error",))
    judged = [JudgedReason(Reason(each, 0, "They like it.", source="train"), scores) for each in ids]
    lay(store, stage.answer, rankings.save)
    lay(store, report.own_reasons, lambda folder: write_jsonl(folder / "judged.jsonl", judged))
    rows = [{"step": 1.0, "train/loss": 3.0, "validation/acc_em": 25.0}, {"step": 2.0, "train/loss": 2.0}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    lay(store, stage.answer.predictor, lambda folder: (folder / "trajectory.jsonl").write_text(text))
    return store, stage


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_evaluation_is_tracked_with_its_axes_headlines_and_tables(
    evaluation: tuple[ArtifactStore, Evaluate],
) -> None:
    store, stage = evaluation
    folder = store.make(stage).folder
    run = json.loads((folder / "tracking" / "run.json").read_text())
    assert (run["id"], run["group"], run["job_type"]) == (signature(stage), "ranks", "evaluate")
    assert run["tags"] == ["lora.rank=8", "seed=0", "ours"]
    assert run["is_outcome"]
    assert run["output"] == reference(stage)
    assert {reference(stage.prepared), reference(stage.answer), reference(stage.answer.predictor)} < {*run["inputs"]}

    config = json.loads((folder / "tracking" / "config.json").read_text())
    assert config["axes"] == {"lora_rank": 8, "seed": 0}
    assert config["train"]["adaptation"]["rank"] == 16
    assert config["train"]["adaptation"]["settings"] == "LoRA"
    assert config["prepare"]["careers"]["num_people"] == 60
    assert config["inputs"]["train"] == reference(stage.answer.predictor)
    assert {*config["inputs"].values()} == {*run["inputs"]}
    assert "tracking" not in config["train"]

    summary = json.loads((folder / "tracking" / "summary.json").read_text())
    metrics = {row.group: row.metrics for row in Evaluated(folder).metrics() if row.system == stage.system}
    assert summary["movers/acc_em"] == metrics["movers"]["acc_em"].value == 0
    assert summary["stayers/acc_em"] == 100
    known = metrics["stayers"]["mrr"]
    assert [summary[f"stayers/mrr/{part}"] for part in ("low", "high", "n")] == [known.low, known.high, known.n]
    assert (summary["train/loss"], summary["validation/acc_em"]) == (2.0, 25.0)
    assert [summary[f"judge/{name}"] for name in ("factuality", "coherence", "utility")] == [5, 4, 3]
    assert summary["examples_shown"] == 3 < summary["examples"]
    assert all(isinstance(value, int | float) for value in summary.values())

    answers = read_table(folder / "tracking" / "answers.csv")
    examples = {
        example.example_id: example for example in PreparedData(store.folder(stage.prepared)).examples(Part.TEST)
    }
    assert len(answers) == 3
    for answer in answers:
        example = examples[answer["example"]]
        assert answer["reason"] == f"They like it, says {example.example_id}."
        assert answer["history"].splitlines()[-1].startswith("- ")
        assert (answer["factuality"], answer["coherence"], answer["utility"]) == ("5", "4", "3")
        assert (answer["rank"] == "1") == (not example.is_move)
        assert (answer["choice 1"] == answer["next occupation"]) == (not example.is_move)
        assert float(answer["probability 1"]) == pytest.approx(0.5)
        assert 0 < float(answer["probability 5"]) < 0.1
    marks = read_table(folder / "tracking" / "judge.csv")
    assert [row["example"] for row in marks] == [row["example"] for row in answers]
    assert marks[0]["justification"] == "<b>well</b>"
    assert marks[0]["factual errors"] == "an error"


def test_without_examples_no_text_is_told(evaluation: tuple[ArtifactStore, Evaluate]) -> None:
    store, stage = evaluation
    folder = store.make(replace(stage, tracking=CsvTracking(examples=0))).folder / "tracking"
    assert {path.name for path in folder.glob("*.csv")} == {"metrics.csv"}


@dataclass
class Awaited(CsvTracking):
    """Somebody waits, and is told where the files are."""

    def open(self, run: RunIdentity, config: Mapping[str, object], folder: Path) -> Tracker:
        _opened.append(folder)
        tracker = super().open(run, config, folder)
        close = tracker.close

        def noted(ending: Ending = Ending.FINISHED) -> None:
            close(ending)
            _endings.append((ending, json.loads((folder / "summary.json").read_text())))

        tracker.close = noted  # type: ignore[method-assign]
        return tracker

    def is_awaited(self) -> bool:
        return True


_opened: list[Path] = []
_endings: list[tuple[Ending, dict[str, Any]]] = []


def test_who_waits_for_the_outcome_hears_of_it_however_it_comes(evaluation: tuple[ArtifactStore, Evaluate]) -> None:
    store, stage = evaluation
    stage = replace(stage, tracking=Awaited())
    _endings.clear()
    with pytest.raises(Interrupted), stage.awaited(store):  # in a training, before there is anything to evaluate
        raise Interrupted(15)
    assert _endings == [(Ending.INTERRUPTED, {})]
    for _ in range(2):  # made, then found
        with stage.awaited(store):
            store.make(stage)
    (_, made), (_, found) = _endings[1:]
    assert made == found
    assert made["movers/acc_em"] == 0
    assert not _opened[-1].exists(), "nothing is written into a finished artifact"
    with pytest.raises(ZeroDivisionError), stage.awaited(store):
        raise ZeroDivisionError
    assert len(_endings) == 3


def test_nobody_hears_twice_where_nobody_waits(evaluation: tuple[ArtifactStore, Evaluate]) -> None:
    store, stage = evaluation
    store.make(stage)
    before = {path: path.stat().st_mtime_ns for path in store.folder(stage).rglob("*")}
    with stage.awaited(store):
        store.make(stage)
    assert {path: path.stat().st_mtime_ns for path in store.folder(stage).rglob("*")} == before


def test_axes_are_numbers_where_they_can_be() -> None:
    tags = ["lora.rank=8", "optimizer.learning_rate=2e-4", "reason=none", "ours", "chat@teacher.chat=openai", "a.b=x=1"]
    assert axes(tags) == {
        "lora_rank": 8,
        "optimizer_learning_rate": 0.0002,
        "reason": "none",
        "chat_teacher_chat": "openai",
        "a_b": "x=1",
    }


def test_rows_are_drawn_always_alike() -> None:
    examples: Any = range(1000)
    assert drawn(examples, 5) == drawn(examples, 5) == sorted(drawn(examples, 5))
    assert drawn(examples[:3], 5) == [0, 1, 2]
