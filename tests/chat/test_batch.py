"""Requests that go out in files, and answers that come back in files: late, damaged, twice, or somebody else's."""

from __future__ import annotations

import json
import logging
import random
import re
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occpred.artifacts.signature import canonical_json
from occpred.chat.batch import BatchChat
from occpred.chat.batch_file import MOST_BYTES, MOST_REQUESTS, in_files, request_line
from occpred.chat.budget import Budget
from occpred.chat.completion import read_completion
from occpred.chat.prices import Prices
from occpred.chat.request import ChatAnswer, ChatRequest, Message, Refusal, ReplyForm, Speaker
from occpred.errors import UserError
from tests.servers.scripted_server import completion

ONE = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 1, "maximum": 5}}}


def batch_chat(folder: Path, **options: Any) -> BatchChat:
    return BatchChat(**{"model": "gpt-4.1", "temperature": 0.5, "folder": str(folder / "batches"), **options})


def questions(count: int) -> list[ChatRequest]:
    return [
        ChatRequest(
            (Message(Speaker.USER, f"Why, {number}? \u2028é"),), number, ReplyForm("mark", ONE) if number % 2 else None
        )
        for number in range(count)
    ]


def replied(body: dict[str, Any]) -> bytes:
    return completion(body, random.Random(json.dumps(body)), is_malformed=False).body


def result(request_line: str, **changes: Any) -> str:
    """What a batch service writes for one line of a request file."""
    request = json.loads(request_line)
    response = {"status_code": 200, "request_id": "r", "body": json.loads(replied(request["body"]))}
    return json.dumps({"id": "b", "custom_id": request["custom_id"], "response": response, "error": None, **changes})


def run(chat: BatchChat, folder: Path, requests: Sequence[ChatRequest]) -> list[ChatAnswer | Refusal] | str:
    """The answers, or what the user is told to do."""
    try:
        return chat.answer(requests, folder / "journals", "reason")
    except UserError as error:
        return str(error)


def to_send(folder: Path) -> dict[str, list[str]]:
    """The lines of all request files, by name."""
    files = sorted((folder / "batches").glob("*.requests.jsonl"))
    return {file.name: file.read_text(encoding="utf-8").split("\n")[:-1] for file in files}


def put(folder: Path, name: str, *lines: str) -> None:
    (folder / "batches" / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def expected(chat: BatchChat, requests: Sequence[ChatRequest]) -> list[ChatAnswer | Refusal]:
    return [read_completion(replied(chat.body(request)), request) for request in requests]


def test_from_requests_to_answers(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(3)
    told = run(chat, tmp_path, [*requests, requests[0]])
    ((name, lines),) = to_send(tmp_path).items()
    assert told == (
        f"reason: 3 requests to gpt-4.1 have no answer yet; have {name} in {tmp_path}/batches answered, each as one "
        "batch, and put the result files (*.jsonl) beside them; then run the same command again"
    )
    assert [json.loads(line) for line in lines] == [
        {"custom_id": chat.key(request), "method": "POST", "url": "/v1/chat/completions", "body": chat.body(request)}
        for request in requests
    ]
    put(tmp_path, "batch_1_output.jsonl", *map(result, reversed(lines)))
    assert run(chat, tmp_path, [*requests, requests[0]]) == expected(chat, [*requests, requests[0]])
    for file in (tmp_path / "batches").iterdir():
        file.unlink()
    assert run(chat, tmp_path, requests) == expected(chat, requests)
    assert not to_send(tmp_path)


def test_what_a_journal_answers_is_not_written(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(3)
    live = ChatAnswer("said live", 3, 2)
    chat.journal(tmp_path / "journals").record({chat.key(requests[1]): live})
    run(chat, tmp_path, requests)
    ((_, lines),) = to_send(tmp_path).items()
    put(tmp_path, "out.jsonl", *map(result, lines))
    wanted = expected(chat, requests)
    assert run(chat, tmp_path, requests) == [wanted[0], live, wanted[2]]


def test_a_request_that_is_under_way_is_not_written_again(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(5)
    first = run(chat, tmp_path, requests[:3])
    before = to_send(tmp_path)
    assert run(chat, tmp_path, requests[:3]) == first
    assert to_send(tmp_path) == before
    told = run(chat, tmp_path, requests)
    (name,) = to_send(tmp_path).keys() - before.keys()
    assert [json.loads(line)["custom_id"] for line in to_send(tmp_path)[name]] == list(map(chat.key, requests[3:]))
    assert "5 requests" in str(told)
    assert all(each in str(told) for each in to_send(tmp_path))


def test_failed_and_damaged_lines_are_named_and_asked_again_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chat, requests = batch_chat(tmp_path), questions(6)
    run(chat, tmp_path, requests)
    ((first, lines),) = to_send(tmp_path).items()
    bad = [
        result(lines[0], response=None, error={"code": "batch_expired", "message": "This request\nexpired."}),
        result(lines[1], response={"status_code": 500, "body": {"error": {"message": "<b>Oops</b>"}}}),
        result(lines[2], response={"status_code": 200, "body": {"choices": []}}),
        result(lines[3])[:120],
    ]
    put(tmp_path, "out.jsonl", *map(result, lines[4:]), *bad)
    told = str(run(chat, tmp_path, requests))
    (second,) = to_send(tmp_path).keys() - {first}
    assert to_send(tmp_path)[second] == lines[:4]
    assert "4 requests to gpt-4.1" in told
    assert "4 lines of result files cannot be used" in told
    assert second in told
    assert first not in told
    messages = [record.message for record in caplog.records]
    for number, why in enumerate(["This request expired.", "status 500", "without choices", "damaged"], start=3):
        assert any(re.search(rf"out\.jsonl, line {number}: .*{why}", message) for message in messages)
    assert not any("<b>" in message for message in messages)

    again = str(run(chat, tmp_path, requests))
    assert len(to_send(tmp_path)) == 2
    assert second in again
    assert "cannot be used" not in again
    put(tmp_path, "more.jsonl", *map(result, lines[:4]))
    assert run(chat, tmp_path, requests) == expected(chat, requests)


def test_a_line_beyond_recognition_has_its_file_asked_again(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(5)
    run(chat, tmp_path, requests[:3])
    ((first, lines),) = to_send(tmp_path).items()
    run(chat, tmp_path, requests)
    (second,) = to_send(tmp_path).keys() - {first}
    put(tmp_path, "out.jsonl", result(lines[0]), '{"id": "b", "cust', result(lines[2]))
    run(chat, tmp_path, requests)
    (third,) = to_send(tmp_path).keys() - {first, second}
    assert to_send(tmp_path)[third] == lines[1:2]


def test_a_refusal_is_an_outcome_and_an_answer_outweighs_it(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(2)
    run(chat, tmp_path, requests)
    ((_, lines),) = to_send(tmp_path).items()
    flagged = {"status_code": 400, "body": {"error": {"message": "flagged"}}}
    put(tmp_path, "errors.jsonl", *(result(line, response=flagged) for line in lines))
    put(tmp_path, "out.jsonl", result(lines[1]))
    refusal, answer = run(chat, tmp_path, requests)
    assert isinstance(refusal, Refusal)
    assert "flagged" in refusal.why
    assert answer == expected(chat, requests)[1]


def test_answers_that_nobody_asked_for_are_refused_by_name(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    chat, requests = batch_chat(tmp_path), questions(2)
    other = batch_chat(tmp_path, model="another")
    run(other, tmp_path, requests)
    ((_, others),) = to_send(tmp_path).items()
    run(chat, tmp_path, requests)
    (lines,) = (lines for lines in to_send(tmp_path).values() if lines != others)
    stray = [request_line(name, chat.body(requests[0])).decode() for name in ("request-1", "0" * 64)]
    put(tmp_path, "out.jsonl", *map(result, [*stray, *others, *lines]))
    with caplog.at_level(logging.WARNING):
        assert run(chat, tmp_path, requests) == expected(chat, requests)
    assert [re.findall(r"line (\d+): answers '(.*)', which", record.message) for record in caplog.records] == [
        [("1", "request-1")],
        [("2", "0" * 64)],
    ]
    assert chat.journal(tmp_path / "journals").totals().answers == 2
    assert run(other, tmp_path, requests) == expected(other, requests)


def test_of_two_answers_the_first_counts_for_ever(tmp_path: Path) -> None:
    chat, requests = batch_chat(tmp_path), questions(1)
    run(chat, tmp_path, requests)
    (((line,)),) = to_send(tmp_path).values()
    another = line.replace("Why", "How")
    put(tmp_path, "b.jsonl", result(line), result(line), result(another))
    put(tmp_path, "c.jsonl", result(another))
    answers = run(chat, tmp_path, requests)
    assert answers == expected(chat, requests)
    put(tmp_path, "a.jsonl", result(another))
    assert run(chat, tmp_path, requests) == answers


def test_a_budget_counts_what_is_answered_and_what_is_under_way(tmp_path: Path) -> None:
    requests = questions(5)
    told = str(run(batch_chat(tmp_path, budget=Budget(max_requests=2)), tmp_path, requests))
    assert "max_requests=2) is too small for 3 of them" in told
    ((first, lines),) = to_send(tmp_path).items()
    assert len(lines) == 2
    assert first in told
    run(batch_chat(tmp_path, budget=Budget(max_requests=3)), tmp_path, requests)
    assert sorted(map(len, to_send(tmp_path).values())) == [1, 2]
    put(tmp_path, "out.jsonl", *(result(line) for lines in to_send(tmp_path).values() for line in lines))
    told = str(run(batch_chat(tmp_path, budget=Budget(max_requests=3)), tmp_path, requests))
    assert "2 requests to gpt-4.1 have no answer yet; the budget" in told
    assert ".requests.jsonl" not in told
    assert len(to_send(tmp_path)) == 2

    prices = Prices(prompt_per_million=1e6, completion_per_million=1e6)  # a token costs 1
    chat = batch_chat(tmp_path, prices=prices, max_tokens=100, budget=Budget(max_cost=1000))
    run(chat, tmp_path, requests)
    (new,) = (
        lines for lines in to_send(tmp_path).values() if json.loads(lines[0])["custom_id"] == chat.key(requests[0])
    )
    bytes_of = [len(canonical_json(chat.body(request)).encode()) for request in requests]
    assert sum(bytes_of[: len(new)]) + 100 * len(new) <= 1000 - spent(chat, tmp_path)
    assert sum(bytes_of[: len(new) + 1]) + 100 * (len(new) + 1) > 1000 - spent(chat, tmp_path)


def spent(chat: BatchChat, folder: Path) -> int:
    totals = chat.journal(folder / "journals").totals()
    return totals.prompt_tokens + totals.completion_tokens


def test_files_are_not_too_large() -> None:
    tiny = [list(file) for file in in_files((str(number), b".") for number in range(2 * MOST_REQUESTS + 1))]
    assert [len(file) for file in tiny] == [MOST_REQUESTS, MOST_REQUESTS, 1]
    assert [key for file in tiny for key in file] == [str(number) for number in range(2 * MOST_REQUESTS + 1)]
    third, huge = bytes(MOST_BYTES // 3), bytes(MOST_BYTES + 1)
    sizes = [third, third, third, third, huge, third]
    assert [len(file) for file in in_files((str(number), size) for number, size in enumerate(sizes))] == [3, 1, 1, 1]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "batches").write_text("a file")
    assert str(tmp_path / "batches") in str(run(batch_chat(tmp_path), tmp_path, questions(1)))


FATES = ("answered", "error", "cut", "refused by the server for now", "late", "answered twice")


@settings(max_examples=25)
@given(st.data())
def test_whatever_comes_back_all_end_answered_and_none_is_paid_for_twice(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chat, requests = batch_chat(folder), questions(data.draw(st.integers(1, 6)))
        answered: Counter[str] = Counter()
        late: list[str] = []
        sent: set[str] = set()
        for round_number in range(8):
            asked = requests if round_number > 4 else requests[: data.draw(st.integers(1, len(requests)))]
            outcome = run(chat, folder, asked)
            back, late = late, []
            for file, lines in to_send(folder).items():
                for line in lines if file not in sent else []:
                    fate = "answered" if round_number > 4 else data.draw(st.sampled_from(FATES))
                    number = f"{file} {line[:80]}"
                    match fate:
                        case "error":
                            back.append(result(line, id=number, response=None, error={"message": "no"}))
                        case "cut":
                            back.append(result(line, id=number)[:250])
                        case "refused by the server for now":
                            back.append(result(line, id=number, response={"status_code": 503}))
                        case "late":
                            late.append(result(line))
                            answered[line] += 1
                        case _:
                            back += [result(line)] * (1 + (fate == "answered twice"))
                            answered[line] += 1
                sent.add(file)
            put(folder, f"{round_number}.jsonl", *back)
            if back and data.draw(st.booleans()):
                put(folder, f"copy of {round_number}.jsonl", *back)
        assert outcome == expected(chat, requests)
        assert max(answered.values()) == 1
        assert len(answered) == len(requests)


def test_a_request_line_is_one_line_of_plain_characters(tmp_path: Path) -> None:
    request = replace(questions(1)[0], messages=(Message(Speaker.USER, "a\nb\u2028c\x85é\ud800"),))
    line = request_line("k", batch_chat(tmp_path).body(request))
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert json.loads(line)["body"]["messages"][0]["content"] == "a\nb\u2028c\x85é?"
