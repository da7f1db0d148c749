"""Teacher and judge with a server in a process of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from occpred.chat.correspondence import Correspondence
from occpred.chat.endpoint import EndpointChat
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.records import JudgedReason, NextOccupationExample, Reason
from occpred.taxonomy.taxonomy import Taxonomy
from tests.servers.scripted_server import scripted_server

CANDIDATES = range(6)


def test_reasons_are_written_and_judged_or_named_and_nothing_is_asked_twice(
    mover: NextOccupationExample, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    with scripted_server(malformed=0.3, incorrigible=0.1, refused=0.1) as server:
        chat = EndpointChat(model="scripted", base_url=server.base_url, temperature=1.0)
        words = EndpointChat(model="in words", base_url=server.base_url, structured_output=False)
        teacher = LanguageModelTeacher(chat=chat, num_candidates=len(CANDIDATES), repeats=1)
        judge = LanguageModelJudge(chat=chat, others={"in words": words}, repeats=1)

        def run() -> tuple[list[Reason], list[JudgedReason], Correspondence]:
            asked = Correspondence(tmp_path)
            reasons = list(teacher.propose([mover], taxonomy, CANDIDATES, asked))
            return reasons, list(judge.judge(reasons, {mover.example_id: mover}, taxonomy, asked)), asked

        [planned] = teacher.plan([mover], taxonomy, CANDIDATES, tmp_path)
        assert (planned.calls, planned.answered) == (len(CANDIDATES), 0)
        reasons, judged, asked = run()
        stats = server.stats()
        assert run() == (reasons, judged, asked)
        assert server.stats()["delivered"] == stats["delivered"]

    assert reasons
    named = Counter(unanswered.question for unanswered in asked.unanswered)
    assert len(reasons) + named["reason"] == len(CANDIDATES)
    assert set(stats["delivered"].values()) <= {0, 1}
    assert sum(stats["delivered"].values()) == len(asked.calls)
    marks = [marks for each in judged for by_judge in each.scores.ratings.values() for marks in by_judge.values()]
    questions = ("factuality", "coherence", "utility")
    assert sum(map(len, marks)) <= len(questions) * 2 * len(reasons) - sum(named[name] for name in questions)
    for each in judged:
        assert {each.scores.factuality, each.scores.coherence, each.scores.utility} <= {1, 2, 3, 4, 5}
