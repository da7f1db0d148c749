"""Asking a server over real sockets: every answer once, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from occpred.chat.budget import Budget
from occpred.chat.endpoint import EndpointChat
from occpred.chat.flow import REFUSALS_AT_FIRST
from occpred.chat.prices import Prices
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, Speaker
from occpred.errors import UserError
from occpred.settings import SettingError
from tests.chat.local_server import Arrival, LocalServer, answer, answering, error, local_server
from tests.servers.fault_proxy import evenly, fault_proxy
from tests.servers.http_service import Connection, json_reply
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import RunningServer

KEY = "sk-proj-Ab3dE5fG7hJ9kL2mN4pQ6"
PRICES = Prices(prompt_per_million=100.0, completion_per_million=400.0)


def ask(text: str) -> ChatRequest:
    return ChatRequest((Message(Speaker.USER, text),))


def asks(count: int) -> list[ChatRequest]:
    return [ask(f"why {number}?") for number in range(count)]


def endpoint(server: LocalServer | RunningServer, **settings: Any) -> EndpointChat:
    """One that loses no time between attempts."""
    return EndpointChat(model="m", base_url=server.base_url, **{"backoff_seconds": 0.01, **settings})


def echo(arrival: Arrival) -> Any:
    return answer(arrival.text)


def test_answers_come_in_order_and_are_asked_once_for_ever(tmp_path: Path) -> None:
    requests = [*asks(30), *asks(10)]
    wanted = [ChatAnswer(request.messages[0].content, 10, 5) for request in requests]
    with local_server(answering(echo)) as server:
        chat = endpoint(server, concurrency=7)
        assert chat.answered(requests, tmp_path) == 0
        assert chat.answer(requests, tmp_path, "test") == wanted
        assert Counter(server.texts) == Counter({request.messages[0].content for request in requests})
        assert {arrival.key: arrival.body for arrival in server.arrivals} == {
            chat.key(request): chat.body(request) for request in requests
        }
        assert chat.answered(requests, tmp_path) == 30
    # The server is gone and the key was never set, and neither matters.
    assert replace(chat, key_variable="NO_SUCH_KEY").answer(requests, tmp_path, "test") == wanted


def test_two_runs_at_the_same_time_ask_nothing_twice(tmp_path: Path, server: RunningServer) -> None:
    chat, outcomes = endpoint(server), []
    threads = [
        threading.Thread(target=lambda: outcomes.append(chat.answer(asks(20), tmp_path, "test"))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes[0] == outcomes[1]
    assert set(server.stats()["asked"].values()) == {1}


def test_so_many_are_under_way_and_no_more(tmp_path: Path) -> None:
    with scripted_server(latency_seconds=0.02) as server:
        endpoint(server, concurrency=5).answer(asks(25), tmp_path, "test")
        assert server.stats()["most_in_flight"] == 5


def fail_first(arrival: Arrival, connection: Connection, failed: set[str]) -> None:
    """Fail in the way that the request names, the first time."""
    if arrival.key in failed:
        connection.send(answer(arrival.text))
        return
    failed.add(arrival.key)
    match arrival.text.split():
        case ["status", status]:
            connection.send(error(int(status)))
        case ["cut"]:
            connection.transport.write(answer().head() + b'{"choi')
            connection.transport.close()
        case ["reset"]:
            connection.reset()
        case ["nonsense"]:
            connection.send(replace(answer(), body=b"<html>"))
        case ["empty"]:
            connection.send(json_reply(200, {"choices": []}))
        case ["silence"]:
            pass
        case ["trickle"]:
            connection.transport.write(answer().head() + b'{"ch')
        case other:
            raise AssertionError(other)


PASSING = ["cut", "reset", "nonsense", "empty", "silence", "trickle"]
PASSING += [f"status {status}" for status in (408, 409, 429, 500, 502, 503)]


def test_failures_that_pass_are_made_good(tmp_path: Path) -> None:
    failed: set[str] = set()
    with local_server(lambda arrival, connection: fail_first(arrival, connection, failed)) as server:
        chat = endpoint(server, timeout_seconds=0.5)
        outcomes = chat.answer([ask(text) for text in PASSING], tmp_path, "test")
    assert outcomes == [ChatAnswer(text, 10, 5) for text in PASSING]
    assert min(Counter(server.texts).values()) == 2
    assert len({arrival.key for arrival in server.arrivals}) == len(PASSING)  # every attempt names its request


def test_under_many_faults_all_is_answered_and_nothing_is_paid_for_twice(tmp_path: Path, server: RunningServer) -> None:
    undisturbed = endpoint(server).answer(asks(80), tmp_path / "undisturbed", "test")
    server.reset()
    with fault_proxy(server, faults=evenly(0.3), stall_seconds=2.0) as proxy:
        chat = endpoint(proxy, concurrency=32, timeout_seconds=0.5)
        assert chat.answer(asks(80), tmp_path / "disturbed", "test") == undisturbed
        assert proxy.stats()["attempts"] > 80
    asked = server.stats()["asked"]
    assert (len(asked), set(asked.values())) == (80, {1})


def test_who_is_refused_for_good_is_named_and_the_others_answered(tmp_path: Path) -> None:
    def reply(arrival: Arrival) -> Any:
        match arrival.text:
            case "too long":
                return error(400, "maximum context length is 4096", code="context_length_exceeded")
            case "indecent":
                return error(400, "flagged", code="content_filter")
            case "unwilling":
                message = {"content": None, "refusal": "I <would> rather\nnot."}
                return json_reply(200, {"choices": [{"message": message, "finish_reason": "stop"}]})
            case "always failing":
                return error(500, "a bug")
        return answer(arrival.text)

    texts = ["too long", "indecent", "unwilling", "always failing", *(f"good {number}" for number in range(40))]
    with local_server(answering(reply)) as server:
        chat = endpoint(server, max_attempts=3, concurrency=2)
        outcomes = chat.answer([ask(text) for text in texts], tmp_path, "test")
        assert outcomes[:4] == [
            Refusal("refused by the server (400: maximum context length is 4096)"),
            Refusal("refused by the server (400: flagged)"),
            Refusal("the model refused: I ‹would› rather not."),
            Refusal("none of 3 attempts brought an answer (500: a bug)"),
        ]
        assert [outcome.text for outcome in outcomes[4:] if isinstance(outcome, ChatAnswer)] == texts[4:]
        assert server.texts.count("always failing") >= 3
        # What is left fails alone now, and is named all the same.
        alone = replace(chat, patience_seconds=0.1).answer([ask("always failing")], tmp_path, "test")
        assert alone == [outcomes[3]]


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (error(401, f"Incorrect API key: {KEY}"), "check what the environment variable SOME_KEY holds"),
        (error(404, "no such model"), "check both"),
        (error(429, "pay", code="insufficient_quota"), "top up"),
        (json_reply(307, {}, Location="http://127.0.0.1:1/v1"), "moved"),
    ],
)
def test_what_is_wrong_for_all_stops_all_and_keeps_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Any, advice: str
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    is_mended = threading.Event()

    async def serve(arrival: Arrival, connection: Connection) -> None:
        number = int(arrival.text.split()[1][:-1])
        if number == 6 and not is_mended.is_set():
            connection.send(failure)
            return
        if number == 5:
            await asyncio.sleep(0.1)  # under way when all is stopped, and paid for
        connection.send(answer(arrival.text))

    with local_server(serve) as server:
        chat = endpoint(server, concurrency=2, key_variable="SOME_KEY")
        with pytest.raises(UserError, match=f"{advice}.*; 6 of 20 calls are answered and kept, and the same") as caught:
            chat.answer(asks(20), tmp_path, "test")
        assert KEY not in str(caught.value)
        assert len(server.arrivals) == 7
        assert chat.answered(asks(20), tmp_path) == 6
        is_mended.set()
        assert all(isinstance(outcome, ChatAnswer) for outcome in chat.answer(asks(20), tmp_path, "test"))
        assert max(Counter(server.texts).values()) == 2  # that of the one that failed
        assert len(server.arrivals) == 21


def test_when_every_request_is_refused_the_settings_are_to_blame(tmp_path: Path) -> None:
    with local_server(answering(lambda arrival: error(422, "seed: extra fields not permitted"))) as server:
        chat = endpoint(server, concurrency=1)
        with pytest.raises(UserError, match=r"answered none of 20 requests, .*\(422: seed: extra fields not permitted"):
            chat.answer(asks(100), tmp_path, "test")
        assert len(server.arrivals) == REFUSALS_AT_FIRST
        few = chat.answer(asks(3), tmp_path, "test")
    assert all(isinstance(outcome, Refusal) for outcome in few)


def test_a_server_that_is_not_there_is_missed_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    chat = EndpointChat(model="m", base_url=address, backoff_seconds=0.01)
    with pytest.raises(UserError, match=r"check base_url, and whether the server runs; 0 of 50 calls"):
        chat.answer(asks(50), tmp_path, "test")


def test_one_that_always_fails_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with local_server(
        answering(lambda arrival: error(500, "a bug") if "0" in arrival.text else echo(arrival))
    ) as server:
        outcomes = endpoint(server, concurrency=1, max_attempts=2).answer(asks(4), tmp_path, "test")
    assert outcomes[0] == Refusal("none of 2 attempts brought an answer (500: a bug)")
    assert server.texts == [f"why {number}?" for number in (0, 0, 1, 2, 3, 0)]


@pytest.mark.parametrize("status", [500, 503])
def test_an_outage_ends_the_run_rather_than_giving_people_up(tmp_path: Path, status: int) -> None:
    def reply(arrival: Arrival) -> Any:
        return answer() if int(arrival.text.split()[1][:-1]) < 10 else error(status, "down")

    with local_server(answering(reply)) as server:
        chat = endpoint(server, concurrency=4, max_attempts=2, patience_seconds=0.3)
        with pytest.raises(UserError, match=r"answered nothing for 0.3 seconds \(50\d: down\); 10 of 50 calls are"):
            chat.answer(asks(50), tmp_path, "test")


def test_a_pause_that_a_server_asks_for_holds_all(tmp_path: Path) -> None:
    pause = 0.4

    async def serve(arrival: Arrival, connection: Connection) -> None:
        if arrival is server.arrivals[0]:
            connection.send(replace(error(429), headers={"Retry-After": str(pause)}))
            return
        await asyncio.sleep(0.1)  # the pause has begun when this worker is free for the next request
        connection.send(answer())

    with local_server(serve) as server:
        outcomes = endpoint(server, concurrency=2).answer(asks(6), tmp_path, "test")
    assert all(isinstance(outcome, ChatAnswer) for outcome in outcomes)
    times = [arrival.time - server.arrivals[0].time for arrival in server.arrivals]
    assert len(times) == 7
    assert min(times[2:]) >= pause


def test_attempts_keep_their_distance_and_repeats_are_attempts(tmp_path: Path) -> None:
    def reply(arrival: Arrival) -> Any:
        return error(500) if server.texts.count(arrival.text) == 1 else answer()

    with local_server(answering(reply)) as server:
        endpoint(server, requests_per_minute=60 / 0.03).answer(asks(6), tmp_path, "test")
    times = [arrival.time for arrival in server.arrivals]
    assert len(times) == 12
    assert times[-1] - times[0] >= 0.2  # 11 times 0.03, less what the first may have been slower on its way


def test_tokens_that_were_not_used_let_others_go(tmp_path: Path) -> None:
    with local_server(answering(echo)) as server:
        # Each is taken to use some 90 tokens before it is answered with 15: six fit only if that is put right.
        chat = endpoint(server, tokens_per_minute=185, max_tokens=80)
        assert len(chat.answer(asks(6), tmp_path, "test")) == 6


def test_the_budget_ends_the_run_and_more_of_it_goes_on(tmp_path: Path) -> None:
    with local_server(answering(echo)) as server:
        chat = endpoint(server, concurrency=4, budget=Budget(max_requests=5))
        with pytest.raises(UserError, match=r"budget.max_requests=5 is reached; raise it to go on; 5 of 12 calls are"):
            chat.answer(asks(12), tmp_path, "test")
        with pytest.raises(UserError, match=r"5 is reached; raise it to go on; 0 of 7 calls are"):
            chat.answer(asks(12), tmp_path, "test")
        assert len(server.arrivals) == 5
        chat = replace(chat, budget=Budget(max_requests=12))
        assert len(chat.answer(asks(12), tmp_path, "test")) == len(server.arrivals) == 12


def test_a_cost_is_never_passed_though_answers_come_late(tmp_path: Path) -> None:
    async def serve(arrival: Arrival, connection: Connection) -> None:
        await asyncio.sleep(0.01)
        connection.send(answer(read=40, written=20))  # 40 * 100 + 20 * 400 millionths: 0.012

    with local_server(serve) as server:
        # At most: its body has less than 200 bytes and so less than 0.020, and 20 tokens written are 0.008.
        chat = endpoint(server, concurrency=16, max_tokens=20, prices=PRICES, budget=Budget(max_cost=0.1))
        with pytest.raises(UserError, match=r"budget.max_cost=0.1 USD is reached \(0.0\d+ USD spent\)"):
            chat.answer(asks(50), tmp_path, "test")
    answered = chat.answered(asks(50), tmp_path)
    assert len(server.arrivals) == answered
    assert 6 <= answered <= 8  # 0.012 * 8 is 0.096; the last that was asked needed 0.028 at most


def test_the_bar_shows_tokens_and_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with local_server(answering(lambda arrival: answer(read=1000, written=500))) as server:
        endpoint(server, prices=PRICES).answer(asks(4), tmp_path, "reason")
        assert "reason    : 100%" in (shown := capsys.readouterr().err)
        assert "4/4" in shown
        assert "6,000 tokens, 1.20 USD" in shown
        endpoint(server, revision="free").answer(asks(4), tmp_path, "reason")
        assert "USD" not in capsys.readouterr().err


def test_the_key_is_sent_and_left_nowhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SOME_KEY", KEY)

    def reply(arrival: Arrival) -> Any:
        replies = {"refused": error(400, f"you are {KEY}"), "failing": error(500, f"you are {KEY}")}
        return replies.get(arrival.text, answer(f"you are {arrival.authorization}"))

    texts = ["refused", "failing", *map(str, range(10))]
    with local_server(answering(reply)) as server:
        chat = endpoint(server, key_variable="SOME_KEY", max_attempts=2, concurrency=2)
        outcomes = chat.answer([ask(text) for text in texts], tmp_path, "test")
        assert {arrival.authorization for arrival in server.arrivals} == {f"Bearer {KEY}"}
    assert outcomes[2] == ChatAnswer("you are Bearer [key]", 10, 5)
    captured = capfd.readouterr()
    left = [repr(chat), repr(outcomes), captured.out, captured.err, caplog.text]
    left += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(KEY in text for text in left)


def test_kill_9_loses_no_answer_and_asks_none_twice(tmp_path: Path) -> None:
    requests = asks(40)
    with scripted_server(latency_seconds=0.05) as server:
        chat = endpoint(server, concurrency=3)
        child = os.fork()
        if child == 0:
            try:
                chat.answer(requests, tmp_path, "test")
            finally:
                os._exit(1)
        while chat.answered(requests, tmp_path) < 10:  # read here while the other process writes
            time.sleep(0.005)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kept = chat.journal(tmp_path).find(map(chat.key, requests))
        outcomes = chat.answer(requests, tmp_path, "test")
        asked = server.stats()["asked"]
    assert kept.items() <= dict(zip(map(chat.key, requests), outcomes, strict=True)).items()
    assert asked.keys() == set(map(chat.key, requests))
    assert {asked[key] for key in kept} == {1}


def test_an_interrupt_gives_up_what_is_under_way_and_keeps_the_rest(tmp_path: Path) -> None:
    is_resumed = threading.Event()

    def serve(arrival: Arrival, connection: Connection) -> None:
        if len(server.arrivals) <= 6 or is_resumed.is_set():
            connection.send(answer(arrival.text))
        elif len(server.arrivals) == 9:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    with local_server(serve) as server:
        chat = endpoint(server, concurrency=3)
        with pytest.raises(KeyboardInterrupt):
            chat.answer(asks(12), tmp_path, "test")
        assert chat.answered(asks(12), tmp_path) == 6
        is_resumed.set()
        assert chat.answer(asks(12), tmp_path, "test") == [
            ChatAnswer(request.messages[0].content, 10, 5) for request in asks(12)
        ]
    assert len(server.arrivals) == 9 + 6  # three were under way, and three not yet asked


def refused(**settings: Any) -> str:
    with pytest.raises(SettingError) as caught:
        EndpointChat(**{"model": "m", "base_url": "https://api.example.org/v1", **settings})
    return str(caught.value)


@pytest.mark.parametrize("key_variable", [KEY, "lower_case_Key1234", "WITH BLANK", "0STARTS_WITH_DIGIT"])
def test_a_key_in_place_of_its_variable_is_refused_unseen(key_variable: str) -> None:
    message = refused(key_variable=key_variable)
    assert message.startswith("EndpointChat.key_variable: must be the name of an environment variable")
    assert key_variable not in message


@pytest.mark.parametrize(
    "address", ["user:pass1word@host/v1", "host/v1", "ftp://host/v1", "http://", "http://[::1", ""]
)
def test_what_is_no_address_is_refused_unseen(address: str) -> None:
    message = refused(base_url=address)
    assert "must be the address of a server" in message
    assert "pass1word" not in message


@pytest.mark.parametrize(
    "address", ["https://user:pass1word@host/v1", "https://host/v1?key=pass1word", "https://h/#pass1word"]
)
def test_an_address_with_a_password_is_refused_unseen(address: str) -> None:
    message = refused(base_url=address)
    assert "must hold neither user, password nor query" in message
    assert "pass1word" not in message


def test_a_missing_key_is_noticed_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    with local_server(answering(echo)) as server:
        with pytest.raises(UserError, match="key_variable=SOME_KEY: this environment variable is not set"):
            endpoint(server, key_variable="SOME_KEY").answer(asks(2), tmp_path, "test")
        assert not server.arrivals


def test_a_journal_that_cannot_be_written_is_noticed_before_anything_is_paid_for(tmp_path: Path) -> None:
    with local_server(answering(echo)) as server:
        chat = endpoint(server)
        chat.journal(tmp_path).path.write_bytes(b"no database" * 100)
        with pytest.raises(UserError, match="the journal of answers cannot be read or written"):
            chat.answer(asks(2), tmp_path, "test")
        assert not server.arrivals
