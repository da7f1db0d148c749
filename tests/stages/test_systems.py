"""Every system and reason source, wired as an experiment asks for it; preferences through to a trained model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.encoding import Role, WritesReasons
from occpred.experiment import Experiment
from occpred.language_model.generation import Generation
from occpred.reasons.source import NoReason, OracleReason
from occpred.records import Completion, NextOccupationExample, Reason, ReferencedPair, read_jsonl
from occpred.stages import prefer
from occpred.stages.evaluate import Evaluated
from occpred.stages.gather import read_gathered
from occpred.stages.language_model import Training
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.reason import SelectReasons, read_selected
from occpred.stages.report import Report, inputs_first
from occpred.stages.road import Road, make, plan
from occpred.stages.train import Train
from occpred.stages.train_preference import TrainOnPreferences
from occpred.stages.untuned import UntunedModel
from tests.stages.conftest import MakeExperiment


def graph(experiment: Experiment) -> list[Stage]:
    return list(inputs_first(plan(experiment)).values())


def trainings(experiment: Experiment) -> dict[Role, Train]:
    return {stage.role: stage for stage in graph(experiment) if isinstance(stage, Train)}


def test_one_model_writes_and_answers_or_two_do(small_experiment: MakeExperiment) -> None:
    assert set(trainings(small_experiment())) == {Role.JOINT}
    apart = small_experiment("model=two_models")
    assert set(trainings(apart)) == {Role.REASON_GENERATOR, Role.PREDICTOR}
    answer = plan(apart).evaluated.answer
    assert answer.reasons.writer == trainings(apart)[Role.REASON_GENERATOR]
    assert answer.predictor == trainings(apart)[Role.PREDICTOR]


def test_the_direct_model_learns_from_the_same_people_without_their_reasons(small_experiment: MakeExperiment) -> None:
    direct = small_experiment("model=direct", "reason=none", "selection=strict")
    [(role, train)] = trainings(direct).items()
    assert role is Role.DIRECT
    assert isinstance(train.reasons.source, NoReason)
    assert train.reasons.selected == Road(direct).selected(Part.TRAIN)

    store = ArtifactStore(Path(direct.store))
    joint_train = trainings(small_experiment("selection=strict"))[Role.JOINT]
    store.make_all([train.reasons, joint_train.reasons])
    without, with_reasons = (read_gathered(store.folder(each.reasons)) for each in (train, joint_train))
    assert list(without) == list(with_reasons)
    assert {text for texts in without.values() for text in texts} == {""}
    assert all(text for texts in with_reasons.values() for text in texts)


def test_equal_target_tokens_take_as_many_as_the_joint_model(small_experiment: MakeExperiment) -> None:
    joint = small_experiment("careers.num_people=25")
    equal = small_experiment("model=direct_equal_tokens", "reason=none", "careers.num_people=25")
    store = ArtifactStore(Path(joint.store))
    stages = [trainings(joint)[Role.JOINT], trainings(equal)[Role.DIRECT]]
    store.make_all(stages)
    learned = [Training(store.folder(stage)).summary["learned_target_tokens"] for stage in stages]
    # Whole steps only: the last one may bring a few titles too many.
    assert learned[0] <= learned[1] < learned[0] + 100


def test_training_and_answering_take_their_reasons_apart(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment("training_reason=shuffled", "reason=masked")
    train, answer = trainings(experiment)[Role.JOINT], plan(experiment).evaluated.answer
    assert type(train.reasons.source).__name__ == "ShuffledReason"
    assert type(answer.reasons.source).__name__ == "MaskedReason"
    store = ArtifactStore(Path(experiment.store))
    store.make_all([train.reasons])
    selected = train.reasons.selected
    assert isinstance(selected, SelectReasons)
    own = {entry.reason.example_id: entry.reason.text for entry in read_selected(store.folder(selected))}
    given = {example_id: text for example_id, [text] in read_gathered(store.folder(train.reasons)).items()}
    assert given.keys() == own.keys()
    assert sorted(given.values()) == sorted(own.values())


def test_the_predictor_can_learn_from_the_generators_reasons(small_experiment: MakeExperiment) -> None:
    models = trainings(small_experiment("model=two_models", "training_reason=generated"))
    generator, predictor = models[Role.REASON_GENERATOR], models[Role.PREDICTOR]
    assert isinstance(generator.reasons.source, OracleReason)
    assert predictor.reasons.writer == generator


def test_an_untuned_model_learns_nothing_but_its_shots(small_experiment: MakeExperiment) -> None:
    zero = small_experiment("model=untuned", "reason=none")
    assert {stage.name for stage in graph(zero)} == {
        "prepare",
        "untuned",
        "gather",
        "answer",
        "baselines",
        "evaluate",
        "judge",
        "report",
    }
    few = small_experiment("model=untuned_4_shot", "reason=none")
    [stage] = [stage for stage in graph(few) if isinstance(stage, UntunedModel)]
    store = ArtifactStore(Path(few.store))
    store.make_all([stage])
    encoder = stage.encoder(store)
    training = {example.history for example in PreparedData(store.folder(stage.prepared)).examples(Part.TRAIN)}
    assert len(encoder.shots) == 4
    assert {shot.history for shot in encoder.shots} <= training


RIGHT, WRONG = "They want to rise.", "They want to rest."


def half_right(
    writer: object,
    encoder: WritesReasons,
    examples: Sequence[NextOccupationExample],
    generation: Generation,
    num_samples: int,
) -> Iterator[Completion]:
    """Replies as a trained model might write them: a model this small would write nothing of use."""
    for number, example in enumerate(examples):
        right = encoder.taxonomy[example.target_code].title
        wrong = next(each.title for each in encoder.taxonomy.occupations if each.title != right)
        yield Completion(example.example_id, 0, RIGHT, right)
        yield Completion(example.example_id, 1, WRONG, right if number == 0 else wrong)


@pytest.fixture
def sharpened(small_experiment: MakeExperiment, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.setattr(prefer, "write_completions", half_right)
    experiment = small_experiment(
        "preference=outcome", "preference.rounds=2", "preference.sampling.num_samples=2", "careers.num_people=40"
    )
    make(experiment, "")
    return experiment


def test_preferences_are_sampled_paired_and_learned_round_by_round(sharpened: Experiment) -> None:
    rounds = [stage for stage in graph(sharpened) if isinstance(stage, TrainOnPreferences)]
    first, second = rounds
    answer = plan(sharpened).evaluated.answer
    assert second.start == second.pairs.sampled.writer == first
    assert answer.predictor == answer.reasons.writer == second
    assert first.pairs.sampled.sampling.seed != second.pairs.sampled.sampling.seed

    store = ArtifactStore(Path(sharpened.store))
    pairs = read_jsonl(store.folder(first.pairs) / "pairs.jsonl", ReferencedPair)
    summary = Training(store.folder(first)).summary
    assert len(pairs) == summary["paired"] == summary["examples"] - 1
    assert summary["one_sided"] == 1
    assert {(entry.pair.chosen.reason, entry.pair.rejected.reason) for entry in pairs} == {(RIGHT, WRONG)}

    page = (store.folder(plan(sharpened)) / "report.html").read_text(encoding="utf-8")
    assert "preference pairs, round 2: one sided" in page.lower()

    trajectory = Training(store.folder(first)).trajectory
    trained = [row for row in trajectory if "train/loss" in row]
    assert trained[0]["train/loss"] == pytest.approx(0.6931471805599453, abs=1e-6)
    assert trained[0]["train/reward_margin"] == pytest.approx(0, abs=1e-5)
    assert any("validation/reward_margin" in row for row in trajectory)


def test_the_reason_generator_is_sharpened_by_what_its_reasons_do_to_the_predictor(
    small_experiment: MakeExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reasons_only(*arguments: object) -> Iterator[Completion]:
        for reply in half_right(*arguments):  # type: ignore[arg-type]
            yield Completion(reply.example_id, reply.candidate, reply.reason)

    monkeypatch.setattr(prefer, "write_completions", reasons_only)
    experiment = small_experiment("model=two_models", "preference=outcome", "preference.minimum_gap=1e-9")
    [sharpened] = [stage for stage in graph(experiment) if isinstance(stage, TrainOnPreferences)]
    assert sharpened.role is Role.REASON_GENERATOR
    predictor = plan(experiment).evaluated.answer.predictor
    assert sharpened.pairs.predictor == predictor
    assert predictor == trainings(experiment)[Role.PREDICTOR]
    store = ArtifactStore(Path(experiment.store))
    store.make_all([sharpened.pairs])
    pairs = read_jsonl(store.folder(sharpened.pairs) / "pairs.jsonl", ReferencedPair)
    assert pairs
    assert all(entry.pair.chosen_worth > entry.pair.rejected_worth for entry in pairs)


def test_several_reasons_are_written_and_averaged(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment(
        "careers.num_people=25",
        "ranking.num_reasons=3",
        "reason.generation.temperature=1",
        "reason.generation.max_new_tokens=4",
    )
    make(experiment, "")
    store, report = ArtifactStore(Path(experiment.store)), plan(experiment)
    reasons = read_jsonl(store.folder(report.evaluated.answer.reasons) / "reasons.jsonl", Reason)
    assert [reason.candidate for reason in reasons[:6]] == [0, 1, 2, 0, 1, 2]
    rows = (store.folder(report) / "metrics.csv").read_text(encoding="utf-8").splitlines()
    assert any("reason_spread" in row for row in rows)


def test_certified_answers_say_how_far_measures_may_be_off(small_experiment: MakeExperiment) -> None:
    exact = small_experiment("careers.num_people=25")
    certified = small_experiment("careers.num_people=25", "ranking=certified", "ranking.tokens_per_wave=64")
    for experiment in (exact, certified):
        make(experiment, "")
    store = ArtifactStore(Path(exact.store))
    whole, found = (plan(experiment) for experiment in (exact, certified))
    assert whole.evaluated.answer.predictor == found.evaluated.answer.predictor
    assert store.folder(whole.evaluated.answer) != store.folder(found.evaluated.answer)

    def measures(report: Report) -> dict[tuple[str, str], float]:
        rows = [row for row in Evaluated(store.folder(report.evaluated)).metrics() if row.system == exact.system()]
        return {(row.group, name): each.value for row in rows for name, each in row.metrics.items()}

    certainty = Evaluated(store.folder(found.evaluated)).certainty()
    assert certainty
    assert certainty.largest <= certainty.epsilon == 1e-3
    true, ours = measures(whole), measures(found)
    for entry in certainty.errors:
        exactly = true[entry.group, entry.metric]
        assert abs(exactly - ours[entry.group, entry.metric]) <= entry.error + 1e-5 * max(1, exactly)
    pages = [(store.folder(report) / "report.html").read_text(encoding="utf-8") for report in (whole, found)]
    assert ["Certified ranking" in page for page in pages] == [False, True]


def test_a_merged_model_can_be_asked_for(small_experiment: MakeExperiment) -> None:
    experiment = small_experiment("merge=true", "careers.num_people=25")
    results = make(experiment, "")
    [merged] = [result.folder for result in results if result.stage == "merge"]
    described = json.loads((merged / "model" / "config.json").read_text(encoding="utf-8"))
    assert described["architectures"] == ["Qwen3ForCausalLM"]
    assert (merged / "model" / "tokenizer.json").is_file()
    assert not list(merged.rglob("*.bin"))
