from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue

from occpred.config import CONF, readable, to_experiment
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.adaptation import LoRA

Complain = Callable[..., str]

EXPERIMENT = f"an experiment has {', '.join(field.name for field in fields(Experiment))}"
LORA = f"lora has {', '.join(field.name for field in fields(LoRA))}"
LORAS = f"allowed: {', '.join(sorted(file.stem for file in (CONF / 'lora').iterdir()))}"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        # misspelt keys, at every depth
        ("sed=1", f"sed: no such key, did you mean seed?; {EXPERIMENT}"),
        ("loar.rank=8", f"loar: no such key, did you mean lora?; {EXPERIMENT}"),
        (
            "lora.rnak=8",
            f"lora.rnak: no such key, did you mean rank?; {LORA}",
        ),
        ("+lora.foo=1", f"lora.foo: no such key; {LORA}"),
        ("lora={rnak: 8}", f"lora.rnak: no such key, did you mean rank?; {LORA}"),
        (
            "ranking.free_text.generatoin.seed=1",
            "ranking.free_text.generatoin: no such key, did you mean generation?; "
            "ranking.free_text has enabled, generation",
        ),
        (
            "ranking.free_text.generation.max_new_tokns=1",
            "ranking.free_text.generation.max_new_tokns: no such key, did you mean max_new_tokens?; "
            "ranking.free_text.generation has max_new_tokens, temperature, batch_size, seed",
        ),
        (
            "backbone.architecture.depth=3",
            "backbone.architecture.depth: no such key; a new one is added by +backbone.architecture.depth=VALUE",
        ),
        ("hydra.jobb=1", "hydra.jobb: Key 'jobb' not in 'HydraConf'"),
        # misspelt groups and choices
        ("loar=r8", f"loar: no such key, did you mean lora?; {EXPERIMENT}"),
        ("+loar=r8", f"loar: no such key, did you mean lora?; {EXPERIMENT}"),
        ("lora@x=r8", "Could not override 'lora@x', did you mean lora?"),
        ("chat@judge.chat=vllm", "chat@judge.chat: judge has no chat model; say judge=endpoint as well"),
        ("lora=r8x", f"lora=r8x: no such choice, did you mean r8?; {LORAS}"),
        ("lora=", f"lora=: no such choice; {LORAS}"),
        ("lora=null", f"lora=null: no such choice, did you mean full?; {LORAS}"),
        # wrong types
        ("lora.rank=abc", "lora.rank=abc: must be a whole number, at least 1"),
        ("lora.rank=1.5", "lora.rank=1.5: must be a whole number, at least 1"),
        ("lora.rank=null", "lora.rank=null: must be a whole number, at least 1"),
        ("lora.rank=[1,2]", "lora.rank=[1, 2]: must be a whole number, at least 1"),
        ("optimizer.learning_rate=fast", "optimizer.learning_rate=fast: must be a number, above 0"),
        ("ranking.free_text.enabled=maybe", "ranking.free_text.enabled=maybe: must be true or false"),
        ("name=[a]", "name=['a']: must be text"),
        ("lora.targets=q_proj", "lora.targets=q_proj: must be a list such as [a,b]"),
        ("lora.targets=[[q_proj]]", "lora.targets=[['q_proj']]: must be a list such as [a,b]"),
        ("backbone.architecture=3", "backbone.architecture=3: must be keys and values such as {a: 1}"),
        ("ranking.free_text=null", "ranking.free_text=null: must be keys and values, with keys of enabled, generation"),
        ("baselines.repeat_last=3", "baselines.repeat_last=3: must be keys and values, with keys of back_off or null"),
        ("trainer.accelerator=tpu", "trainer.accelerator=tpu: must be one of auto, cpu, gpu"),
        ("backbone.precision=int4", "backbone.precision=int4: must be one of FLOAT32, BFLOAT16"),
        (
            "backbone.precision=float32",
            "backbone.precision=float32: must be one of FLOAT32, BFLOAT16, did you mean FLOAT32?",
        ),
        # out of range
        ("seed=-1", "seed=-1: must be at least 0"),
        ("lora.rank=0", "lora.rank=0: must be at least 1"),
        ("lora.dropout=1", "lora.dropout=1.0: must be at least 0 and below 1"),
        ("optimizer.learning_rate=0", "optimizer.learning_rate=0.0: must be above 0"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate=nan: must be a finite number"),
        ("optimizer.learning_rate=inf", "optimizer.learning_rate=inf: must be a finite number"),
        ("selection.minimum_utility=6", "selection.minimum_utility=6: must be at least 1 and at most 5"),
        (
            "ranking.free_text.generation.max_new_tokens=0",
            "ranking.free_text.generation.max_new_tokens=0: must be at least 1",
        ),
        ("lora.targets=[]", "lora.targets=[]: must name at least one linear layer"),
        # what must be given, or cannot be taken away
        ("backbone=other", "backbone.name: must be given, as in backbone.name=VALUE"),
        ("split=by_time", "split.validation_from: must be given, as in split.validation_from=VALUE"),
        ("~lora.rank", "lora.rank: cannot be taken away; give it another value"),
        # what cannot be read
        ("lora", "lora: cannot be read, Error parsing override 'lora'; an override looks like lora.rank=8"),
        (
            "lora.rank=[1",
            "lora.rank=[1: cannot be read, no viable alternative at input '[1'; an override looks like lora.rank=8",
        ),
        (
            "name=node[3-5]",
            "name=node[3-5]: cannot be read, mismatched input '[' expecting <EOF>; a text that holds = [ & or $ is "
            """quoted twice, as in 'name="a=b"' or 'names=["a=b"]'""",
        ),
        (
            "name=a=b",
            "name=a=b: cannot be read, mismatched input '=' expecting <EOF>; a text that holds = [ & or $ is "
            """quoted twice, as in 'name="a=b"' or 'names=["a=b"]'""",
        ),
        ("lora=r8,r16", "lora=r8,r16: to run it for each of several values add -m; a list is written as [a,b]"),
        ("lora.rank=${lora.rnk}", "lora.rank: Interpolation key 'lora.rnk' not found"),
        (
            "name=${oc.env:HOME}",
            "name: ${oc.env:HOME} reads the environment, which a config must not: give the value itself",
        ),
        (
            "name=${oc.env:NO_SUCH_VARIABLE,x}",
            "name: ${oc.env:NO_SUCH_VARIABLE} reads the environment, which a config must not: give the value itself",
        ),
    ],
)
def test_a_mistake_is_told_in_one_line(complaint: Complain, override: str, message: str) -> None:
    assert complaint(override) == message


def test_settings_at_odds_with_each_other_are_told_by_key(complaint: Complain) -> None:
    given = complaint("split=by_time", "split.validation_from=2012", "split.test_from=2010")
    assert given.startswith("split: validation_from=2012, test_from=2010: ")


def test_a_misspelt_experiment_is_put_right(complaint: Complain) -> None:
    assert complaint("experiments=dmo").startswith("experiments=dmo: no such choice, did you mean demo?; allowed: demo")


def test_a_long_value_is_cut_short(complaint: Complain) -> None:
    assert complaint(f"lora.rank={'x' * 1000}") == f"lora.rank={'x' * 80}…: must be a whole number, at least 1"


HEADER = "# @package _global_\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "lora: {rank: abc}", "lora.rank=abc: must be a whole number, at least 1 (in experiments/mine.yaml)"),
        (HEADER + "lora: {rank: 0}", "lora.rank=0: must be at least 1"),
        (HEADER + "lora: {rnak: 8}", f"lora.rnak: no such key, did you mean rank?; {LORA} (in experiments/mine.yaml)"),
        (HEADER + "loar: {rank: 8}", f"loar: no such key, did you mean lora?; {EXPERIMENT} (in experiments/mine.yaml)"),
        (
            HEADER + "lora: {base_dtype: int8}",
            "lora.base_dtype=int8: must be one of backbone, nf4, fp8 (in experiments/mine.yaml)",
        ),
        (HEADER + "defaults: [{override /lora: r9}]", f"lora=r9: no such choice; {LORAS}"),
        (
            HEADER + "defaults: [{override /loar: r8}]",
            "In 'experiments/mine': Could not override 'loar'. No match in the defaults list, did you mean lora?",
        ),
        (
            "lora: {rank: 8}",
            "experiments: a file in experiments/ must begin with '# @package _global_' (in experiments/mine.yaml)",
        ),
    ],
)
def test_a_mistake_inside_an_experiments_file_is_told_as_well(
    complaint: Complain, experiments_file: Callable[[str], None], text: str, message: str
) -> None:
    experiments_file(text)
    assert complaint("experiments=mine") == message


def test_an_experiments_file_that_is_no_yaml_is_told_with_its_line(
    complaint: Complain, experiments_file: Callable[[str], None]
) -> None:
    experiments_file(HEADER + "lora:\n  rank: [8\n")
    assert "mine.yaml, line 4: not valid YAML, " in complaint("experiments=mine")


def test_no_value_of_the_environment_reaches_a_message(complaint: Complain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "s3cret")
    for override in (
        "name=${oc.env:WANDB_API_KEY}",
        "lora.rank=${oc.env:WANDB_API_KEY}",
        "lora=${oc.env:WANDB_API_KEY}",
    ):
        assert "s3cret" not in complaint(override)


def test_a_choice_that_is_taken_away_is_missed(composed: Callable[..., DictConfig]) -> None:
    with pytest.raises(MissingMandatoryValue) as caught:
        to_experiment(composed("~lora"))
    assert readable(caught.value) == "lora: must be given, as in lora=VALUE"


def test_what_went_well_is_an_experiment(composed: Callable[..., DictConfig]) -> None:
    experiment = to_experiment(composed("lora.rank=4", "backbone=qwen3_8b", "+backbone.architecture.use_cache=false"))
    assert experiment.lora.rank == 4
    assert experiment.backbone.architecture["use_cache"] is False


def test_a_bug_is_not_explained_away() -> None:
    assert readable(ValueError("a bug")) is None
    assert readable(KeyError("a bug")) is None
    assert readable(UserError("a mistake")) == "a mistake"
