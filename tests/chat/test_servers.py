"""The servers of the tests do what other tests rely on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel, ConfigDict, Field

from occpred.chat.endpoint import EndpointChat
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Speaker
from occpred.language_model.backbone import Backbone
from tests.servers.fault_proxy import EVERY_FAULT, Fault, evenly, fault_proxy
from tests.servers.model_server import MODEL
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import DIRECTLY, ROOT, RunningServer


class Finding(BaseModel):
    model_config = ConfigDict(extra="forbid")
    quote: str = Field(max_length=20)
    is_grave: bool


class Judgement(BaseModel):
    model_config = ConfigDict(extra="forbid")
    score: int = Field(ge=1, le=5)
    findings: list[Finding] = Field(min_length=1)
    remark: str | None


@cache  # a client takes longer to make than to ask
def client(base_url: str, api_key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)


def ask(server: RunningServer, text: str, *, key: str = "", api_key: str = "-", **options: Any) -> Any:
    asked = {"messages": [{"role": "user", "content": text}], **options}
    headers = {"Idempotency-Key": key} if key else {}
    return client(server.base_url, api_key).chat.completions.create(model="m", extra_headers=headers, **asked)


def said(completion: Any) -> str:
    return completion.choices[0].message.content


def test_equal_requests_have_equal_answers_and_are_counted(server: RunningServer) -> None:
    answers = [said(ask(server, text)) for text in ("why nursing?", "why nursing?", "why law?")]
    assert answers[0] == answers[1] != answers[2]
    assert answers[0].startswith("<think>")
    assert answers[0].endswith("</answer>")
    stats = server.stats()
    assert (stats["requests"], sorted(stats["bodies"].values())) == (3, [1, 2])
    assert stats["asked"] == stats["delivered"] == stats["bodies"]
    server.reset()
    assert server.stats()["requests"] == 0


def test_an_answer_fits_the_schema_wherever_that_stands(server: RunningServer) -> None:
    schema = Judgement.model_json_schema()
    form = {"type": "json_schema", "json_schema": {"name": "judgement", "schema": schema}}
    for number in range(10):
        Judgement.model_validate_json(said(ask(server, f"judge {number}", response_format=form)))
        text = said(ask(server, f"judge {{number}} by {json.dumps(schema)}, {number}"))
        Judgement.model_validate_json(text[text.index("{") : text.rindex("}") + 1])


def test_malformed_answers_are_mended_unless_the_model_is_incorrigible() -> None:
    def is_good(text: str) -> bool:
        return text.endswith("</answer>")

    with scripted_server(malformed=0.4, incorrigible=0.1) as server:
        again = {}
        for number in range(60):
            first = said(ask(server, f"why {number}?"))
            if not is_good(first):
                turns = [("user", f"why {number}?"), ("assistant", first or "-"), ("user", "in tags, please")]
                messages = [{"role": role, "content": content} for role, content in turns]
                again[number] = is_good(said(ask(server, "", messages=messages)))
    outcomes = Counter(again.values())
    assert outcomes[True] > outcomes[False] > 0
    assert len(again) < 45


def test_refusals_and_wrong_keys_come_as_errors() -> None:
    with scripted_server(refused=1.0, api_key="right") as server:
        with pytest.raises(openai.BadRequestError, match="content policy"):
            ask(server, "why?", api_key="right")
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key provided: wrong"):
            ask(server, "why?", api_key="wrong")
        assert not any(server.stats()["delivered"].values())


ERRORS = {
    Fault.TOO_MANY: openai.RateLimitError,
    Fault.TOO_MANY_UNTIL: openai.RateLimitError,
    Fault.SERVER_ERROR: openai.InternalServerError,
    Fault.UNAVAILABLE: openai.InternalServerError,
    Fault.RESET_BEFORE: openai.APIConnectionError,
    Fault.BAD_GATEWAY: openai.InternalServerError,
    Fault.RESET_AFTER: openai.APIConnectionError,
    Fault.STALLED: openai.APITimeoutError,
    Fault.TRUNCATED: openai.APIConnectionError,
    Fault.MALFORMED: json.JSONDecodeError,
}
UNASKED = (Fault.TOO_MANY, Fault.TOO_MANY_UNTIL, Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.RESET_BEFORE)


@pytest.mark.parametrize("fault", EVERY_FAULT)
def test_a_fault_shows_as_itself_and_is_paid_for_once_at_most(server: RunningServer, fault: Fault) -> None:
    with fault_proxy(server, faults={fault: 1.0}, retry_after_seconds=2) as proxy:
        for _ in range(2):
            if fault in ERRORS:
                with pytest.raises(ERRORS[fault]) as caught:
                    ask(proxy, "why?", key="k", timeout=0.3 if fault is Fault.STALLED else 60)
                if isinstance(caught.value, openai.RateLimitError):
                    assert (caught.value.response.headers["retry-after"] == "2") is (fault is Fault.TOO_MANY)
            else:
                answer = ask(proxy, "why?", key="k")
                wanted = said(ask(server, "why?"))
                choices = {Fault.EMPTY: 0, Fault.DRIBBLED: 1, Fault.DOUBLED: 2, Fault.ANOTHER: 2}[fault]
                assert len(answer.choices) == choices
                assert not choices or said(answer) == wanted
        assert proxy.stats() == {
            "attempts": 2,
            "faults": {fault.name: 2},
            "forwarded": {} if fault in UNASKED else {"k": 1},
        }
    assert server.stats()["asked"].get("k", 0) == (fault not in UNASKED)


def test_faults_come_in_their_shares_and_not_for_ever(server: RunningServer) -> None:
    harmless = {Fault.DRIBBLED, Fault.DOUBLED, Fault.ANOTHER}
    faults = {fault: share for fault, share in evenly(1.0).items() if fault in harmless}
    with fault_proxy(server, faults=faults) as proxy:
        for number in range(100):
            ask(proxy, f"why {number}?", key=str(number))
        counts = proxy.stats()["faults"]
    assert set(counts) == {fault.name for fault in harmless}
    assert 5 < sum(counts.values()) < 45  # 3 of 14 faults: 21 of 100 expected, 4 is the standard deviation


def test_a_proxy_whose_server_is_gone_breaks_connections_off_and_has_what_was_paid_for() -> None:
    with ExitStack() as stack:
        server = stack.enter_context(scripted_server())
        with fault_proxy(server, faults={}) as proxy:
            answer = ask(proxy, "why?", key="k")
            stack.close()
            for _ in range(2):
                with pytest.raises(openai.APIConnectionError):
                    ask(proxy, "why not?", key="another")
            assert ask(proxy, "why?", key="k") == answer
            assert proxy.stats()["forwarded"] == {"k": 1}


def test_a_real_model_answers_through_faults_as_it_does_without_a_server(
    real_server: RunningServer, tiny_backbone: Backbone, tmp_path: Path
) -> None:
    texts = [f"Education: BSc in {field}." for field in ("nursing", "law", "physics", "music", "logistics", "history")]
    model, tokenizer = tiny_backbone.load_model(), tiny_backbone.load_tokenizer()

    def plainly(text: str) -> ChatAnswer:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        written = model.generate(**prompt, max_new_tokens=12, do_sample=False)[0, prompt["input_ids"].shape[1] :]
        text, is_whole = tokenizer.decode(written, skip_special_tokens=True), tokenizer.eos_token_id in written
        return ChatAnswer(text, prompt["input_ids"].shape[1], len(written), "stop" if is_whole else "length")

    faults = {fault: 0.05 for fault in EVERY_FAULT if fault is not Fault.STALLED}
    with fault_proxy(real_server, faults=faults) as proxy:
        chat = EndpointChat(model=MODEL, base_url=proxy.base_url, max_tokens=12, concurrency=4, backoff_seconds=0.02)
        requests = [ChatRequest((Message(Speaker.USER, text),)) for text in texts]
        answers = chat.answer(requests, tmp_path, "reason")
        assert sum(proxy.stats()["faults"].values()) > 0
    assert answers == list(map(plainly, texts))


def test_a_server_ends_with_the_process_that_started_it() -> None:
    program = (
        "from tests.servers.scripted_server import scripted_server\n"
        "with scripted_server() as server: print(server.url, flush=True); input()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout
        url = owner.stdout.readline().strip()
        DIRECTLY.open(f"{url}/stats", timeout=10).close()
        owner.kill()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            DIRECTLY.open(f"{url}/stats", timeout=10).close()
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail("the server outlived the process that started it")
