from __future__ import annotations

import re
from pathlib import Path

import pytest

from occpred.backbones.corpus import FIRST_SEED, VALIDATION_SEED, documents, timelines
from occpred.careers.simulated import SimulatedCareers
from occpred.prompts import ANSWER_CLOSE, ANSWER_OPEN, THINK_CLOSE, THINK_OPEN, Prompts, render_history
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 200


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return SampleTaxonomy().load()


@pytest.fixture(scope="module")
def texts(taxonomy: Taxonomy) -> list[str]:
    return documents(FIRST_SEED, PEOPLE, taxonomy)


def test_the_same_seed_gives_the_same_documents_and_another_seed_others(taxonomy: Taxonomy, texts: list[str]) -> None:
    assert documents(FIRST_SEED, PEOPLE, taxonomy) == texts
    assert not set(documents(FIRST_SEED + 1, PEOPLE, taxonomy)) & {text for text in texts if "Education:" in text}


def test_a_seed_that_an_experiment_may_use_is_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(ValueError, match="belong to experiments"):
        documents(FIRST_SEED - 1, 1, taxonomy)


def test_the_form_of_an_answer_and_prompts_are_never_in_it(texts: list[str]) -> None:
    prompts = Prompts()
    marks = [THINK_OPEN, THINK_CLOSE, ANSWER_OPEN, ANSWER_CLOSE, prompts.history_opens, prompts.history_closes]
    sentences = [line for line in re.split(r"[.\n]", prompts.joint_instruction) if len(line.split()) > 4]
    assert sentences
    for text in texts:
        assert not [phrase for phrase in marks + sentences if phrase in text]


def test_timelines_are_rendered_as_prompts_render_them(taxonomy: Taxonomy) -> None:
    people = SimulatedCareers(num_people=5, seed=VALIDATION_SEED).read(taxonomy).people
    assert timelines(VALIDATION_SEED, 5, taxonomy) == [render_history(person, taxonomy) for person in people]


def test_every_kind_of_document_is_there(texts: list[str]) -> None:
    assert sum(text.startswith("Education:") for text in texts) > PEOPLE
    assert [text for text in texts if "drawn to" in text and not text.startswith("Education:")]
    assert [text for text in texts if "related to" in text]
    assert [text for text in texts if text.startswith("<")]


def test_no_shipped_experiment_uses_the_corpus_seeds() -> None:
    files = [file for folder in ("conf", "experiments", "sweeps") for file in (ROOT / folder).rglob("*.yaml")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines() if "seed" in line]
    used = {int(number) for line in lines for number in re.findall(r"\d+", line)}
    assert SimulatedCareers().seed < FIRST_SEED
    assert all(seed < FIRST_SEED for seed in used)
