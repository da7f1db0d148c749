from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize

from occpred.baselines.logistic import MultinomialLogistic
from occpred.records import CareerHistory, EducationEntry, Position


def test_features_by_hand(career):
    history = career("ABA")
    educated = CareerHistory("p", (EducationEntry("Diploma", "Nursing"), EducationEntry("PhD")), history.positions)
    assert MultinomialLogistic(decay=0.5, last_weight=3.0).features(educated) == {
        "held A": 1.25,
        "held B": 0.5,
        "last A": 3.0,
        "positions": math.log(4),
        "degree diploma": 1.0,
        "field nursing": 1.0,
        "degree phd": 1.0,
        "field ": 1.0,
    }


def test_equal_to_a_penalised_softmax_regression_by_another_optimiser(taxonomy, career):
    careers = [career(letters) for letters in ("AABC", "ABBA", "CAB", "BCCA", "AAC", "CBA")]
    baseline = MultinomialLogistic(inverse_penalty=0.7, max_iterations=1000, back_off_share=0.1)
    fitted = baseline.fit(careers, taxonomy)
    steps = [(one.positions[:cut], one.positions[cut]) for one in careers for cut in range(1, len(one.positions))]
    histories = [CareerHistory("p", (), positions) for positions, _ in steps]
    names = sorted({name for history in histories for name in baseline.features(history)})
    inputs_NF = np.array([[baseline.features(history).get(name, 0) for name in names] for history in histories])
    targets_N = np.array([taxonomy.index(follower.occupation_code) for _, follower in steps])
    # Nobody went on to D, so there are three classes; the last row of weights is the intercept, which goes free.
    weights_GK = minimize(penalised_loss, np.zeros((len(names) + 1) * 3), (inputs_NF, targets_N, 0.7)).x.reshape(-1, 3)

    asked = career("BA")
    inputs_F = np.array([baseline.features(asked).get(name, 0) for name in names])
    probs_K = softmax(inputs_F @ weights_GK[:-1] + weights_GK[-1])
    popularity_C = np.exp(fitted.back_off.log_probs(asked))
    expected = 0.1 * popularity_C + 0.9 * np.array([*probs_K, 0])
    np.testing.assert_allclose(np.exp(fitted.log_probs(asked)), expected, atol=1e-3)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def penalised_loss(flat: np.ndarray, inputs_NF: np.ndarray, targets_N: np.ndarray, inverse_penalty: float) -> float:
    weights_GK = flat.reshape(-1, 3)
    probs_NK = softmax(inputs_NF @ weights_GK[:-1] + weights_GK[-1])
    likelihood = np.log(probs_NK[np.arange(len(targets_N)), targets_N]).sum()
    return float((weights_GK[:-1] ** 2).sum() / (2 * inverse_penalty) - likelihood)


def test_an_occupation_that_nobody_went_on_to_has_its_share_of_the_back_off(taxonomy, career):
    fitted = MultinomialLogistic(back_off_share=0.1).fit([career("DAB"), career("DBA")], taxonomy)
    # Positions: A 2, B 2, C 0, D 2, and one more each: C has 1 of 10, D 3 of 10.
    np.testing.assert_allclose(np.exp(fitted.log_probs(career("A")))[2:], [0.1 * 0.1, 0.1 * 0.3])


@pytest.mark.parametrize("careers", [[], ["A", "B"], ["BA", "BA"]], ids=["nobody", "no step", "one occupation only"])
def test_where_nothing_can_be_told_apart_the_back_off_answers(taxonomy, career, careers):
    people = [career(letters) for letters in careers]
    baseline = MultinomialLogistic()
    answer = baseline.fit(people, taxonomy).log_probs(career("B"))
    np.testing.assert_array_equal(answer, baseline.back_off.fit(people, taxonomy).log_probs(career("B")))


def test_education_tells_people_apart(taxonomy):
    def person(field: str, codes: str) -> CareerHistory:
        return CareerHistory("p", (EducationEntry("B.Sc.", field),), tuple(Position(code, code) for code in codes))

    fitted = MultinomialLogistic().fit([person("Biology", "AB"), person("Law", "AC")] * 5, taxonomy)
    assert np.argmax(fitted.log_probs(person("biology", "A"))) == 1
    assert np.argmax(fitted.log_probs(person("LAW", "A"))) == 2
    even = np.exp(fitted.log_probs(person("Music", "A")))
    assert even[1] == pytest.approx(even[2], abs=1e-3)
