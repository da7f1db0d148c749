from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.artifacts.signature import reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.chat.local import LocalChat
from occpred.experiment import Experiment
from occpred.models.model import TwoModels, Untuned
from occpred.reasons.judge_preference import JudgePreference
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.source import GeneratedReason, NoReason, OracleReason
from occpred.stages.kind import Kind, kind_of
from occpred.stages.phase import Phase
from occpred.stages.road import goals
from occpred.stages.stage_graph import StageGraph
from occpred.stages.sweep import SweepReport, with_judge_check
from occpred.stages.sweep_works import Group, SweepRun, SweepWorks, groups_of
from tests.stages.conftest import MakeExperiment


@dataclass(frozen=True)
class Step(Stage):
    """Some stage of a phase."""

    name: ClassVar[str] = "step"

    label: str
    phase: Phase
    needs: tuple[Step, ...] = ()

    def run(self, folder: Path, store: ArtifactStore) -> None:
        raise AssertionError("nothing is made here")


def kind_of_step(stage: Stage) -> Kind:
    assert isinstance(stage, Step)
    return Kind(stage.phase)


def finish(store: Path, *stages: Stage) -> None:
    for stage in stages:
        folder = store / reference(stage)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "provenance.json").write_text("{}", encoding="utf-8")


def grouped(store: Path, *runs: Iterable[Step]) -> list[tuple[int, str, list[int]]]:
    """Wave, labels of the stages, and runs of each group."""
    graph = StageGraph(ArtifactStore(store), runs)
    return [
        (group.wave, " ".join(graph.stages[name].label for name in group.stages), sorted(group.runs))  # type: ignore[attr-defined]
        for group in groups_of(graph, kind_of_step)
    ]


DATA = Step("data", Phase.PREPARE)
COUNTS = Step("counts", Phase.PREPARE, (DATA,))
ORACLE = Step("oracle", Phase.REASON, (DATA,))
JUDGED = Step("judged", Phase.REASON, (DATA, ORACLE))
TUNED = Step("tuned", Phase.SFT, (DATA, JUDGED))
PAIRS = Step("pairs", Phase.PAIRS, (TUNED,))


def sharpened(value: str, pairs: Step = PAIRS, start: Step = TUNED) -> Step:
    return Step(f"dpo {value}", Phase.DPO, (start, pairs))


def answered(model: Step) -> Step:
    answer = Step(f"answer {model.label}", Phase.EVALUATE, (DATA, model))
    return Step(f"report {model.label}", Phase.EVALUATE, (answer, COUNTS))


def test_what_runs_share_is_made_once(tmp_path: Path) -> None:
    runs = [[answered(sharpened(value))] for value in "abc"]
    assert grouped(tmp_path, *runs) == [
        (0, "data counts", [0, 1, 2]),
        (1, "oracle judged", [0, 1, 2]),
        (2, "tuned", [0, 1, 2]),
        (3, "pairs", [0, 1, 2]),
        *((4, f"dpo {value}", [run]) for run, value in enumerate("abc")),
        *((5, f"answer dpo {value} report dpo {value}", [run]) for run, value in enumerate("abc")),
    ]


def test_rounds_of_preferences_follow_each_other(tmp_path: Path) -> None:
    first = sharpened("first")
    second = sharpened("second", Step("new pairs", Phase.PAIRS, (first,)), first)
    assert [(wave, labels) for wave, labels, _ in grouped(tmp_path, [answered(second)])][3:] == [
        (3, "pairs"),
        (4, "dpo first"),
        (5, "new pairs"),
        (6, "dpo second"),
        (7, "answer dpo second report dpo second"),
    ]


def test_of_one_phase_what_more_runs_need_comes_first(tmp_path: Path) -> None:
    masked = Step("masked", Phase.REASON, (JUDGED,))
    assert grouped(tmp_path, [JUDGED], [masked]) == [
        (0, "data", [0, 1]),
        (1, "oracle judged", [0, 1]),
        (2, "masked", [1]),
    ]


def test_what_could_be_made_early_waits_for_others_of_its_phase(tmp_path: Path) -> None:
    shots = Step("shots", Phase.EVALUATE, (DATA,))
    answer = Step("answer", Phase.EVALUATE, (shots, JUDGED))
    merged = Step("merged", Phase.EVALUATE, (TUNED,))
    assert grouped(tmp_path, [answer, merged]) == [
        (0, "data", [0]),
        (1, "oracle judged", [0]),
        (2, "tuned", [0]),
        (3, "shots answer merged", [0]),
    ]


def test_only_what_is_missing_and_needed_is_made(tmp_path: Path) -> None:
    # The fine-tuned model was deleted after its answers had been evaluated; nobody needs it.
    finish(tmp_path, DATA, answered(sharpened("a")))
    assert grouped(tmp_path, [answered(sharpened("a"))]) == []
    assert grouped(tmp_path, [answered(sharpened("a"))], [answered(TUNED)]) == [
        (0, "counts", [1]),
        (0, "oracle judged", [1]),
        (1, "tuned", [1]),
        (2, "answer tuned report tuned", [1]),
    ]


@st.composite
def sweeps(draw: st.DrawFn) -> tuple[list[Step], list[list[Step]]]:
    """Stages that rest on one another, and the goals of some runs."""
    steps: list[Step] = []
    for label in range(draw(st.integers(1, 12))):
        needs = draw(st.lists(st.sampled_from(steps), max_size=3, unique_by=id)) if steps else []
        steps.append(Step(str(label), draw(st.sampled_from([Phase.REASON, Phase.SFT, Phase.DPO])), tuple(needs)))
    goals = st.lists(st.sampled_from(steps), min_size=1, max_size=3, unique_by=id)
    return steps, draw(st.lists(goals, min_size=1, max_size=5))


@given(sweeps(), st.data())
@settings(max_examples=60)
def test_every_missing_stage_is_made_once_and_after_its_inputs(
    sweep: tuple[list[Step], list[list[Step]]], data: st.DataObject
) -> None:
    steps, runs = sweep
    with TemporaryDirectory() as folder:
        finish(Path(folder), *data.draw(st.lists(st.sampled_from(steps), max_size=5)))
        store = ArtifactStore(Path(folder))
        missing = [{reference(stage) for stage in store.missing(goals)} for goals in runs]
        graph = StageGraph(store, runs)
        groups = groups_of(graph, kind_of_step)
        done = {reference(step) for step in steps if store.is_done(step)}
    made: dict[str, Group] = {}
    for group in groups:  # in the order of the waves
        for name in group.stages:
            assert name not in made
            made[name] = group
            assert group.runs == {run for run, names in enumerate(missing) if name in names}
            assert kind_of_step(graph.stages[name]) == group.kind
            for each in map(reference, graph.stages[name].inputs()):
                assert each in done or made[each] is group or made[each].wave < group.wave
    assert made.keys() == set().union(*missing)
    assert {group.wave for group in groups} == set(range(len({group.wave for group in groups})))


def sweep_of(experiments: Sequence[Experiment], axes: Sequence[tuple[str, ...]]) -> SweepWorks:
    runs = [
        SweepRun(experiment, tuple(goals(experiment)), f"config {number}", own)
        for number, (experiment, own) in enumerate(zip(experiments, axes, strict=True))
    ]
    store = ArtifactStore(Path(experiments[0].store))
    return SweepWorks(store, runs, name="which", command="occpred sweeps=which")


def described(works: SweepWorks) -> list[list[str]]:
    """For each wave, what each of its works is called and makes."""
    return [
        [f"{each.work}: {' '.join(name.partition('/')[0] for name in each.work.stages)}" for each in wave]
        for wave in works.waves
    ]


def test_two_models_are_tuned_side_by_side_unless_one_learns_from_the_other(small_experiment: MakeExperiment) -> None:
    experiment = replace(small_experiment(), model=TwoModels())
    works = sweep_of([experiment], [()])
    assert described(works) == [
        ["prepare: prepare baselines"],
        ["reason: reason judge select gather reason judge select gather"],
        ["sft reason generator: train", "sft predictor: train"],
        ["evaluate: gather answer judge evaluate report"],
    ]
    works = sweep_of([replace(experiment, training_reason=GeneratedReason())], [()])
    assert described(works)[2:4] == [["sft reason generator: train gather gather"], ["sft predictor: train"]]


def test_each_round_of_preferences_is_a_job_of_its_own(small_experiment: MakeExperiment) -> None:
    pairs, dpo = ["pairs: sample judge prefer sample judge prefer"], ["dpo: dpo"]
    works = sweep_of([replace(small_experiment(), preference=JudgePreference(rounds=2), merge=True)], [()])
    assert described(works)[2:] == [
        ["sft joint: train"],
        pairs,
        dpo,
        pairs,
        dpo,
        ["evaluate: gather answer judge evaluate report merge"],
    ]


def test_what_rests_on_the_oracle_alone_is_made_with_its_reasons(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment()
    works = sweep_of([replace(experiment, reason=OracleReason())], [()])
    assert described(works) == [
        ["prepare: prepare baselines"],
        ["reason: reason judge select gather reason judge select gather judge"],
        ["sft joint: train"],
        ["evaluate: answer evaluate report"],
    ]
    assert len(sweep_of([replace(experiment, model=Untuned(), reason=NoReason())], [()]).waves) == 3


def test_the_first_judge_is_checked_with_what_else_it_is_asked(small_experiment: MakeExperiment) -> None:
    one = small_experiment()
    experiments = [one, replace(one, seed=1), replace(one, judge=LanguageModelJudge(chat=LocalChat()))]
    runs = [SweepRun(each, tuple(goals(each)), axes=()) for each in experiments]
    works = SweepWorks(ArtifactStore(Path(one.store)), with_judge_check(runs), name="which", command="")
    checked = [each for wave in works.waves for each in wave if any("check/" in name for name in each.work.stages)]
    assert [(each.runs, each.work.phase) for each in checked] == [({0, 1}, Phase.REASON)]
    assert [name.partition("/")[0] for name in checked[0].work.stages][-2:] == ["gather", "check"]
    assert with_judge_check([]) == []


def test_a_work_says_what_its_runs_have_in_common(small_experiment: MakeExperiment) -> None:
    axes = [("seed=0", "reason=generated"), ("seed=0", "reason=none"), ("seed=1", "reason=none")]
    one = small_experiment()
    two = replace(one, reason=NoReason())
    works = sweep_of([one, two, replace(two, seed=1)], axes)
    first, second, *_ = (each for wave in works.waves for each in wave if each.work.phase is Phase.SFT)
    assert [str(first.work), str(second.work)] == ["sft joint seed=0", "sft joint seed=1 reason=none"]
    assert [first.runs, second.runs] == [{0, 1}, {2}]
    assert [first.work.config, second.work.config] == ["config 0", "config 2"]
    assert first.work.command == "occpred sweeps=which"
    tracking = first.work.experiment.tracking
    assert (tracking.group, tracking.tags) == ("which", ["seed=0"])
    # What is only said of the sweep changes no result: the job finds its stages by what it was sent.
    store = ArtifactStore(Path(first.work.experiment.store))
    graph = StageGraph(store, [goals(first.work.experiment)])
    assert {*first.work.stages} <= graph.stages.keys()
    assert works.missing_runs == {0, 1, 2}


def test_a_work_keeps_its_key_while_it_is_under_way(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment()
    works = sweep_of([experiment], [()])
    prepare, reason, sft = (wave[0] for wave in works.waves[:3])
    assert sft.inputs == {prepare.work.key, reason.work.key}

    stages = StageGraph(ArtifactStore(Path(experiment.store)), [goals(experiment)]).stages
    under_way = reason.work.stages[:2]
    finish(Path(experiment.store), *(stages[name] for name in (*prepare.work.stages, *under_way)))
    assert not works.is_done(reason.work)
    (again,) = sweep_of([experiment], [()]).waves[0]
    assert again.work.stages == reason.work.stages[2:]
    assert again.work.key == reason.work.key

    finish(Path(experiment.store), *(stages[name] for name in again.work.stages))
    assert works.is_done(reason.work)


def test_a_stage_that_is_no_part_of_a_run_has_no_kind() -> None:
    with pytest.raises(TypeError, match="SweepReport"):
        kind_of(object.__new__(SweepReport))
