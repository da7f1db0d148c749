"""What CAREER and GRU4Rec share."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from occpred.baselines.career import Career
from occpred.baselines.gru4rec import Gru4Rec
from occpred.baselines.sequence_fit import SequenceModule, _examples

KINDS = [Career, Gru4Rec]
all_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def small(kind, **settings):
    return kind(**{"hidden_size": 8, "max_epochs": 3, **settings})


@pytest.fixture
def random_people(career):
    """Careers in which nothing can be foreseen, so that to learn them is to learn them by heart."""
    generator = random.Random(0)
    return [career("".join(generator.choices("ABC", k=5))) for _ in range(40)]


@all_kinds
def test_learns_what_is_certain(kind, taxonomy, career):
    baseline = small(kind, max_epochs=60, held_out_share=0.0, weight_decay=0.0, dropout=0.0, learning_rate=0.03)
    # What comes after A hangs on what came before it.
    fitted = baseline.fit([career("BAAC"), career("CADD")] * 4, taxonomy)
    for history, following in [("BA", "A"), ("CA", "D"), ("BAA", "C"), ("CAD", "D"), ("B", "A")]:
        assert np.exp(fitted.log_probs(career(history)))[taxonomy.index(following)] > 0.9, history
    np.testing.assert_allclose(np.exp(fitted.log_probs(career(""))), [0, 0.5, 0.5, 0], atol=0.1)


@all_kinds
def test_the_same_seed_gives_the_same_answers_and_another_gives_others(kind, taxonomy, career, random_people):
    history = career("AB")
    first, again, other = (small(kind, seed=seed).fit(random_people, taxonomy).log_probs(history) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


@all_kinds
def test_the_random_numbers_of_others_stay_as_they_are(kind, taxonomy, random_people):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    small(kind, max_epochs=1).fit(random_people, taxonomy)
    assert torch.equal(torch.get_rng_state(), before)


@all_kinds
def test_nothing_is_printed_and_no_file_left(kind, taxonomy, random_people, tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.chdir(tmp_path)
    small(kind).fit(random_people, taxonomy)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@all_kinds
def test_what_the_scheduler_of_a_cluster_has_started_does_not_matter(kind, taxonomy, random_people, monkeypatch):
    for name, value in {"SLURM_JOB_NAME": "sweep", "SLURM_NTASKS": "4", "SLURM_PROCID": "1"}.items():
        monkeypatch.setenv(name, value)
    small(kind, max_epochs=1).fit(random_people, taxonomy)


@all_kinds
def test_patience_beyond_the_best_changes_nothing(kind, taxonomy, career, random_people):
    def answer(**settings):
        by_heart = small(kind, max_epochs=30, held_out_share=0.5, weight_decay=0.0, learning_rate=0.05, **settings)
        return by_heart.fit(random_people, taxonomy).log_probs(career("AB"))

    np.testing.assert_array_equal(answer(patience=8), answer(patience=30))


@all_kinds
@pytest.mark.parametrize("careers", [[], [""], ["A"]], ids=["nobody", "no position", "one position"])
@pytest.mark.parametrize("history", ["", "D"])
def test_little_to_learn_from_is_enough_for_an_answer(kind, taxonomy, career, careers, history):
    fitted = small(kind).fit([career(letters) for letters in careers], taxonomy)
    log_probs_C = fitted.log_probs(career(history))
    assert np.isfinite(log_probs_C).all()
    assert np.exp(log_probs_C).sum() == pytest.approx(1, abs=1e-12)


@all_kinds
def test_what_comes_later_changes_nothing_before(kind):
    network = small(kind).network(4).eval()
    inputs_BT = torch.tensor([[4, 0, 1, 2, 3], [4, 0, 1, 3, 0]])
    first_TC, second_TC = network(inputs_BT)
    torch.testing.assert_close(first_TC[:3], second_TC[:3])
    assert not torch.allclose(first_TC[3], second_TC[3])


@all_kinds
def test_every_position_counts_once_and_padding_not_at_all(kind):
    network = small(kind).network(4).eval()
    module = SequenceModule(network, learning_rate=0.1, weight_decay=0.0)
    sequences = [[0, 1, 2, 2], [3]]
    batch = _examples(sequences, start=4).tensors
    alone = [-network(torch.tensor([[4, *codes[:-1]]]))[0, range(len(codes)), codes].sum() for codes in sequences]
    torch.testing.assert_close(module.training_step(batch, 0), sum(alone) / 5)


@all_kinds
def test_every_weight_learns(kind, taxonomy, random_people):
    torch.manual_seed(0)
    network = small(kind).network(4)
    examples = _examples([[taxonomy.index(p.occupation_code) for p in person.positions] for person in random_people], 4)
    SequenceModule(network, 0.1, 0.0).training_step(examples.tensors, 0).backward()
    assert not [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
