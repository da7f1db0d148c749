"""Teacher and judge with a real model behind a real server, through faults.

The embedded backbone follows no instructions: what it says is seldom of the form asked for. So this shows that nothing
is lost on the way to a real model and back; what becomes of good replies is shown with the scripted server.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from occpred.careers.simulated import SimulatedCareers
from occpred.careers.split import SplitByPerson
from occpred.chat.correspondence import Correspondence
from occpred.chat.endpoint import EndpointChat
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.reasons.template import TemplateTeacher
from occpred.taxonomy.taxonomy import Taxonomy
from tests.servers.fault_proxy import Fault, evenly, fault_proxy
from tests.servers.model_server import MODEL
from tests.servers.server_process import RunningServer

CANDIDATES, CRITERIA, REPEATS = (0, 1), ("factuality", "coherence", "utility"), 1


def test_every_question_to_a_real_model_is_answered_or_named(
    real_server: RunningServer, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    examples = SplitByPerson(max_test_people=2)(SimulatedCareers(num_people=40).read(taxonomy)).test
    faults = {fault: share for fault, share in evenly(0.3).items() if fault is not Fault.STALLED}
    with fault_proxy(real_server, faults=faults) as proxy:
        chat = EndpointChat(
            model=MODEL,
            base_url=proxy.base_url,
            temperature=1.0,
            max_tokens=16,
            concurrency=2,
            max_attempts=20,
            timeout_seconds=20,
            backoff_seconds=0.02,
        )
        asked = Correspondence(tmp_path)
        reasons = list(LanguageModelTeacher(chat=chat, repeats=REPEATS).propose(examples, taxonomy, CANDIDATES, asked))
        told = list(TemplateTeacher(num_candidates=len(CANDIDATES)).propose(examples, taxonomy))
        by_id = {example.example_id: example for example in examples}
        judged = list(LanguageModelJudge(chat=chat, repeats=REPEATS).judge(told, by_id, taxonomy, asked))
        forwarded = proxy.stats()["forwarded"]

    wanted = Counter({"reason": len(examples) * len(CANDIDATES), **dict.fromkeys(CRITERIA, len(told))})
    named = Counter(entry.question for entry in asked.unanswered)
    assert len(reasons) + named["reason"] == wanted["reason"]
    incomplete = {(entry.example_id, entry.candidate) for entry in asked.unanswered if entry.question in CRITERIA}
    assert len(judged) + len(incomplete) == len(told)

    # Each was asked, and again if its reply was malformed; the model read and wrote something each time.
    times = Counter((call.example_id, call.candidate, call.question) for call in asked.calls)
    assert Counter(question for _, _, question in times) == wanted
    assert max(times.values()) == 1 + REPEATS
    assert all(call.prompt_tokens > 0 and call.completion_tokens > 0 for call in asked.calls)
    assert set(forwarded.values()) == {1}
    assert len(forwarded) <= len(asked.calls)
