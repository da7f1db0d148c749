"""What reasons of chat models cost, and how far their marks can be trusted, told from the artifacts of a run."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from occpred.artifacts.store import ArtifactStore
from occpred.chat.journal import Journal
from occpred.chat.prices import Prices
from occpred.chat.remote import RemoteChat
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.evaluation.intervals import Evaluation
from occpred.reasons.judge import Judge
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.reasons.rubric import RubricJudge
from occpred.reasons.selection import Selection
from occpred.reasons.teacher import Teacher
from occpred.reasons.template import TemplateTeacher
from occpred.report.reason_data import SetAside, Spending
from occpred.stages.prepare import Part, PreparedData
from occpred.stages.reason import rounds_of_reasons
from occpred.stages.reason_findings import ReasonFindings
from occpred.stages.road import Road
from tests.stages.conftest import MakeExperiment

NUMBERS = ("one", "two", "three", "four", "five", "none")
"""A reason is about one of these, and its marks are that number; of the last one there is nothing to say."""
PROMPT_TOKENS, COMPLETION_TOKENS = 100, 10
FINDINGS = {
    "factuality": {"errors": [], "error_count": 0},
    "coherence": {"temporal_order": "good", "logical_issues": []},
    "utility": {"relevance": "strong", "supports": True},
}


@dataclass
class ScriptedChat(RemoteChat):
    """Writes reasons, the longer the better, and marks them."""

    strictness: int = 0
    """Subtracted from marks of factuality."""

    @property
    def destination(self) -> str:
        return "this test"

    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        return {key: self._reply(request) for key, request in requests.items()}

    def _reply(self, request: ChatRequest) -> ChatAnswer | Refusal:
        asked = request.messages[-1].content
        if request.form is not None:
            return self._mark(asked, request.form.name)
        drawn = hashlib.sha256(f"{request.seed} {asked}".encode()).digest()[0] % len(NUMBERS)
        if NUMBERS[drawn] == "none":
            return Refusal("HTTP 400: content policy")
        reason = f"It is {NUMBERS[drawn]}.{' Really.' * drawn}"
        return ChatAnswer(f"<think>{reason}</think><answer>Nurses</answer>", PROMPT_TOKENS, COMPLETION_TOKENS)

    def _mark(self, asked: str, question: str) -> ChatAnswer:
        score = next(mark for mark, number in enumerate(NUMBERS, start=1) if f"It is {number}." in asked)
        score = max(1, score - self.strictness * (question == "factuality"))
        form = {**FINDINGS[question], "justification": "So it is.", "score": score}
        return ChatAnswer(json.dumps(form), PROMPT_TOKENS, COMPLETION_TOKENS)


def findings(experiment: MakeExperiment, teacher: Teacher, judge: Judge) -> ReasonFindings:
    settings = experiment("careers.num_people=40")
    selected = rounds_of_reasons(Road(settings).prepared, teacher, judge, Selection(), Part.TRAIN)
    store = ArtifactStore(Path(settings.store))
    store.make_all([selected])
    return ReasonFindings(store, selected, Evaluation(bootstrap_samples=100))


@pytest.fixture
def asked(small_experiment: MakeExperiment) -> ReasonFindings:
    """At most three candidates, one a round, until one is kept; two judges, one of them free, two samples each."""
    prices = Prices(prompt_per_million=1.0, completion_per_million=10.0)
    writer = ScriptedChat(model="writer", temperature=1, prices=prices)
    judge = LanguageModelJudge(
        chat=ScriptedChat(model="big", temperature=1, prices=prices, strictness=1),
        others={"small": ScriptedChat(model="small", temperature=1)},
        samples=2,
    )
    return findings(small_experiment, LanguageModelTeacher(num_candidates=3, until_kept=True, chat=writer), judge)


def test_rejection_sampling_is_counted_and_charged_by_group(asked: ReasonFindings) -> None:
    summary = asked.summary()
    data = PreparedData(asked.store.folder(asked.selected.judged.prepared))
    examples = data.examples(Part.TRAIN)
    groups = Counter(data.taxonomy.major_group_title(example.target_code) for example in examples)
    assert {group.group: group.examples for group in summary.groups} == groups
    for group in (*summary.groups, summary.total):
        # A reason is one call, and each of three questions about it two calls of each judge, one of whom is paid.
        calls, paid = 13 * group.proposed, 7 * group.proposed
        cost = {"USD": pytest.approx(paid * (PROMPT_TOKENS + 10 * COMPLETION_TOKENS) / 1e6)} if paid else {}
        assert group.spent == Spending(calls, calls * (PROMPT_TOKENS + COMPLETION_TOKENS), cost)
        # Whoever keeps a reason stops, so nobody keeps two.
        assert group.kept == group.survivors <= group.proposed <= 3 * group.examples
    total = summary.total
    (refused,) = summary.set_aside
    assert refused == SetAside("reason", "writer", refused.count, {"HTTP 400: content policy": refused.count})
    # Those who kept none were asked for all three.
    rounds = len(asked.selected.rounds)
    assert rounds == 3
    assert total.proposed + refused.count >= total.survivors + rounds * (total.examples - total.survivors)
    assert 0 < total.survivors < total.examples
    assert summary.teacher.startswith("LanguageModelTeacher(writer, sees_target=False, num_candidates=3, ")
    assert summary.judge.startswith("LanguageModelJudge(big, small, samples=2")


def test_judges_are_compared_and_marks_held_against_length(asked: ReasonFindings) -> None:
    judging = asked.judging()
    assert judging is not None
    between = {found.criterion: found for found in judging.agreements if not found.judge}
    within = [found for found in judging.agreements if found.judge]
    assert [(found.judge, found.alpha, found.mean_spread) for found in within] == [
        ("big", 1.0, 0.0),
        ("small", 1.0, 0.0),
    ] * 3
    assert between["coherence"].alpha == between["utility"].alpha == 1
    factuality = between["factuality"]
    assert factuality.alpha is not None
    # They differ by one but where the mark is the worst for both.
    assert factuality.alpha < 1
    assert factuality.mean_spread == pytest.approx(1 - (factuality.unanimous_share or 0))
    assert judging.one_by_one
    assert [trend.criterion for trend in judging.by_length] == ["factuality", "coherence", "utility"]
    coherence = judging.by_length[1].correlation
    assert coherence is not None
    assert coherence.value == pytest.approx(1)
    assert [point.place for point in judging.by_candidate[0].points] == [0, 1, 2]


def test_rules_ask_nobody_and_have_biases_too(small_experiment: MakeExperiment) -> None:
    found = findings(small_experiment, TemplateTeacher(num_candidates=2), RubricJudge())
    summary, judging = found.summary(), found.judging()
    assert summary.total.spent == Spending()
    assert summary.set_aside == ()
    assert summary.total.proposed == summary.judged == 2 * summary.total.examples
    assert summary.teacher == "TemplateTeacher(sees_target=False, num_candidates=2, until_kept=False, seed=0)"
    assert judging is not None
    assert judging.agreements == ()
    assert not judging.one_by_one
    factuality, _, utility = judging.by_length
    # Whatever the rules check is true, so all these marks are the best; utility differs.
    assert factuality.correlation is None
    assert utility.correlation is not None
    assert [point.mark.n for point in judging.by_candidate[0].points] == [summary.total.examples] * 2
