"""By what a model writes: who stands in for it, what that changes in signatures, and what it does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from occpred.artifacts.signature import signature
from occpred.artifacts.store import ArtifactStore
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.stages.gather import GatherReasons
from occpred.stages.kind import kind_of
from occpred.stages.merge import MERGED
from occpred.stages.prefer import MakePairs
from occpred.stages.road import make, plan
from occpred.stages.serve import ServedModel
from occpred.stages.train_preference import TrainOnPreferences
from tests.servers.scripted_vllm import write_package
from tests.stages.conftest import MakeExperiment


def gathered(experiment: Experiment) -> GatherReasons:
    return plan(experiment).evaluated.answer.reasons


def pairs(experiment: Experiment) -> MakePairs:
    predictor = plan(experiment).evaluated.answer.predictor
    assert isinstance(predictor, TrainOnPreferences)
    return predictor.pairs


def test_vllm_stands_in_where_texts_are_written_and_nowhere_else(small_experiment: MakeExperiment) -> None:
    local, served = (small_experiment("preference=outcome", f"engine={engine}") for engine in ("local", "vllm"))
    assert signature(pairs(served).sampled) != signature(pairs(local).sampled)
    assert signature(gathered(served)) != signature(gathered(local))
    for writer, trained in [
        (pairs(served).sampled.writer, pairs(local).sampled.writer),
        (gathered(served).writer, plan(served).evaluated.answer.predictor),
    ]:
        assert isinstance(writer, ServedModel)
        assert writer.model == trained
        assert kind_of(writer) == kind_of(trained)
    assert gathered(local).writer == plan(local).evaluated.answer.predictor
    assert not isinstance(plan(served).evaluated.answer.predictor, ServedModel)


def test_how_vllm_is_set_up_counts_in_no_signature(small_experiment: MakeExperiment) -> None:
    stages = [gathered(small_experiment("engine=vllm", f"engine.memory={share}")) for share in (0.5, 0.9)]
    assert signature(stages[0]) == signature(stages[1])


def test_where_nothing_is_written_the_engine_does_not_matter(small_experiment: MakeExperiment) -> None:
    choices = ("local", "vllm")
    experiments = [small_experiment("model=direct", "reason=none", f"engine={engine}") for engine in choices]
    assert len({signature(plan(experiment).evaluated) for experiment in experiments}) == 1


def test_without_vllm_nothing_is_made(small_experiment: MakeExperiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    experiment = small_experiment("engine=vllm")
    with pytest.raises(UserError, match=r"pip install 'occpred\[vllm\]'"):
        make(experiment, "")
    assert not Path(experiment.store).exists()


@pytest.mark.parametrize("model", ["joint", "untuned"])
def test_what_vllm_reads_is_a_plain_folder_and_what_it_writes_are_reasons(
    small_experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    write_package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    experiment = small_experiment(f"model={model}", "engine=vllm", "careers.num_people=25")
    stage, store = gathered(experiment), ArtifactStore(Path(experiment.store))
    store.make_all([stage])
    assert isinstance(stage.writer, ServedModel)
    folder = store.folder(stage.writer) / MERGED
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"] == ["Qwen3ForCausalLM"]
    assert (folder / "tokenizer.json").is_file()
    assert not list(folder.glob("adapter*"))
    reasons = [json.loads(line) for line in (store.folder(stage) / "reasons.jsonl").read_text("utf-8").splitlines()]
    assert reasons
    for reason in reasons:
        assert json.loads(reason["text"])["sampling"]["temperature"] == 0
