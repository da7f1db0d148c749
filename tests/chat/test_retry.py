"""What each failure means, told from what servers really send."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import httpx2
import openai
import pytest

from occpred.chat.completion import MalformedCompletionError
from occpred.chat.endpoint import EndpointChat
from occpred.chat.request import Refusal
from occpred.chat.retry import LONGEST_BACKOFF_SECONDS, Failures, Setback, backoff, retry_after
from occpred.chat.secret import Secret
from occpred.errors import UserError

KEY = "sk-proj-Ab3dE5fG7hJ9kL2mN4pQ6"
REQUEST = httpx2.Request("POST", "https://api.example.org/v1/chat/completions")
CLIENT = openai.AsyncOpenAI(api_key="-", base_url="https://api.example.org/v1")


def status_error(status: int, content: Any, **headers: str) -> openai.APIStatusError:
    """What the client raises for such a response."""
    text = content if isinstance(content, str) else json.dumps(content)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return CLIENT._make_status_error_from_response(httpx2.Response(status, text=text, headers=names, request=REQUEST))


def failures(**settings: Any) -> Failures:
    chat = EndpointChat(model="gpt", base_url="https://api.example.org/v1", key_variable="A_KEY", **settings)
    return Failures(chat, Secret(KEY))


def said(message: str = "so", **details: Any) -> dict[str, Any]:
    return {"error": {"message": message, **details}}


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    setback = failures().read(status_error(status, said("wait a little"), retry_after="7"))
    assert setback == Setback(f"{status}: wait a little", status in (429, 503, 529), pause_seconds=7.0)


def test_lost_connections_and_spoilt_replies_are_tried_again() -> None:
    reading = httpx2.ReadError("connection reset")
    connecting = httpx2.ConnectError("name or service not known")

    def connection_error(cause: Exception) -> Exception:
        error = openai.APIConnectionError(request=REQUEST)
        error.__cause__ = cause
        return error

    read = failures().read
    assert read(connection_error(reading)) == Setback("no connection: connection reset")
    assert read(connection_error(connecting)) == Setback("no connection: name or service not known", True, True)
    assert read(openai.APITimeoutError(REQUEST)) == read(TimeoutError()) == Setback("no answer in time")
    assert read(MalformedCompletionError("not JSON")) == Setback("not JSON")


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, said("flagged", code="content_filter")),
        (400, said("This model's maximum context length is 4096", param="messages", code="context_length_exceeded")),
        (400, said("max_tokens is too large for a prompt of 4000 tokens", param="max_completion_tokens")),
        (413, "<html>too large</html>"),
        (422, {"detail": [{"loc": ["body", "messages"], "msg": "no"}]}),
        (451, ""),
    ],
)
def test_what_is_wrong_with_one_request_refuses_that_one(status: int, content: Any) -> None:
    refusal = failures().read(status_error(status, content))
    assert isinstance(refusal, Refusal)
    assert refusal.why.startswith(f"refused by the server ({status}: ")


@pytest.mark.parametrize(
    ("status", "content", "advice"),
    [
        (401, said("wrong key"), "lets nobody in with this key .*variable A_KEY"),
        (403, said("not you"), "lets nobody in"),
        (402, said("Insufficient Balance"), "nothing is left to pay with .* top up"),
        (429, said("You exceeded your quota", type="insufficient_quota", code="insufficient_quota"), "top up"),
        (
            404,
            said("no such model"),
            "model=gpt is not to be found at base_url=https://api.example.org/v1 .*check both",
        ),
        (405, "Method Not Allowed", "check both"),
        (307, "", "has moved .* to https://new.example.org"),
        (400, said("Invalid parameter: 'response_format' of type 'json_schema'"), "structured_output=false"),
        (400, said("Unsupported", param="seed", code="unsupported_parameter"), r"\+judge\.chat\.extra_body\.seed=null"),
    ],
)
def test_what_is_wrong_with_all_stops_all(status: int, content: Any, advice: str) -> None:
    headers = {"location": "https://new.example.org"} if status == 307 else {}
    with pytest.raises(UserError, match=advice):
        failures().read(status_error(status, content, **headers))


def test_a_prompt_that_speaks_of_schemas_is_no_reason_to_stop_where_none_is_sent() -> None:
    error = status_error(400, said("flagged: 'reply by this json_schema'"))
    assert isinstance(failures(structured_output=False).read(error), Refusal)


def test_who_gave_no_key_is_told_how() -> None:
    chat = EndpointChat(model="gpt", base_url="https://api.example.org/v1")
    with pytest.raises(UserError, match="set key_variable to the name of"):
        Failures(chat, Secret()).read(status_error(401, said("no key")))


@pytest.mark.parametrize("status", [307, 400, 401, 404, 429, 500])
def test_what_servers_say_holds_no_key_and_is_one_short_line(status: int) -> None:
    echo = f"<b>key</b>\n{KEY}\x1b[31m {KEY[:15]}... \u200b" + "more " * 400
    for content in (echo, said(echo), {"detail": {"key": KEY}}, {"error": KEY}):
        try:
            outcome = failures().read(status_error(status, content, location=f"https://x/?key={KEY}"))
        except UserError as error:
            words = str(error)
        else:
            words = outcome.why
        assert not any(KEY[start : start + 8] in words for start in range(len(KEY)) if len(KEY) - start >= 8)
        assert len(words) < 500
        assert words.isprintable()


def test_retry_after_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "12"}) == 12
    assert retry_after({"retry-after": "0.5"}) == 0.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert retry_after({"retry-after": str(7 * 24 * 3600)}) == 7 * 24 * 3600
    date, later = "Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:29:30 GMT"
    assert retry_after({"retry-after": later, "date": date}) == 90  # whatever this machine's clock says
    assert retry_after({"retry-after": date, "date": later}) == 0
    assert 3500 < retry_after({"retry-after": formatdate(time.time() + 3600, usegmt=True)}) < 3700
    for nothing in ("", "soon", "nan", "inf", "-5"):
        assert retry_after({"retry-after": nothing}) == 0
    assert retry_after({}) == 0


def test_backoff_doubles_up_to_a_minute_and_is_drawn_from_all_of_it() -> None:
    for failed, most in ((1, 0.5), (2, 1.0), (5, 8.0), (8, LONGEST_BACKOFF_SECONDS), (10_000, LONGEST_BACKOFF_SECONDS)):
        drawn = [backoff(failed, first_seconds=0.5) for _ in range(300)]
        assert 0 <= min(drawn) < most / 4
        assert most * 3 / 4 < max(drawn) <= most
