"""What a failed attempt means: try again, give up this request, or give up all."""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from occpred.chat.request import Refusal
from occpred.errors import UserError
from occpred.prompts import plain

if TYPE_CHECKING:
    from openai import APIStatusError

    from occpred.chat.endpoint import EndpointChat
    from occpred.chat.secret import Secret

LONGEST_BACKOFF_SECONDS = 60.0
_LONGEST_MESSAGE = 200
_OVERLOADED = {429, 503, 529}
_PASSING = {408, 409, 425, *_OVERLOADED}
_NOT_THERE = {404, 405}
_NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_UNKNOWN_FIELD = {"unknown_parameter", "unsupported_parameter", "unsupported_value"}
_SCHEMA_WORDS = ("response_format", "json_schema", "structured output")


@dataclass(frozen=True)
class Setback:
    """A failure that another attempt may make good.

    `is_overload` says that the server did not take the request up, so that nothing is learned about the request.
    `pause_seconds` is how long the server asks all to wait.
    """

    why: str
    is_overload: bool = False
    is_unreachable: bool = False
    pause_seconds: float = 0.0


@dataclass(frozen=True)
class Failures:
    """Reads failures of one endpoint, and puts them in words that do not hold its key."""

    chat: EndpointChat
    secret: Secret

    def read(self, error: Exception) -> Setback | Refusal:
        """What the failure of an attempt means for its request.

        Args:
            error: of the client, of the reading of a completion, or a time-out.

        Raises:
            UserError: it will be the same for all requests.
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        if isinstance(error, APIStatusError):
            return self._status(error)
        if isinstance(error, APITimeoutError | TimeoutError):
            return Setback("no answer in time")
        if isinstance(error, APIConnectionError):
            cause = error.__cause__
            # By name, so that what is below the client need not be known.
            is_unreachable = type(cause).__name__ == "ConnectError"
            return Setback(self.words(f"no connection: {cause or error}"), is_unreachable, is_unreachable)
        return Setback(self.words(str(error)))

    def words(self, message: str) -> str:
        """Return what a server says as one line of readable length, without the key."""
        # Before and after, as making a line of it may both break up a key and join its pieces.
        line = self.secret.redacted(plain(self.secret.redacted(message)))
        return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"

    def _status(self, error: APIStatusError) -> Setback | Refusal:
        status, body = error.status_code, _error_in(error.body)
        said = self.words(f"{status}: {_message(body)}")
        if status == 402 or (status == 429 and {str(body.get("code")), str(body.get("type"))} & _NO_MONEY):
            raise UserError(
                f"{self.chat.base_url}: nothing is left to pay with ({said}); top up, then run the command again"
            )
        if status in _PASSING or status >= 500:
            return Setback(said, is_overload=status in _OVERLOADED, pause_seconds=retry_after(error.response.headers))
        if status < 400:
            place = self.words(error.response.headers.get("location", "elsewhere"))
            raise UserError(
                f"base_url={self.chat.base_url}: the server has moved ({status} to {place}); give its new address"
            )
        if status in (401, 403):
            raise UserError(f"{self.chat.base_url} lets nobody in with this key ({said}); {self._about_key()}")
        if status in _NOT_THERE:
            raise UserError(
                f"model={self.chat.model} is not to be found at base_url={self.chat.base_url} ({said}); check both (a "
                "base_url usually ends with /v1)"
            )
        self._check_fields(body, said)
        return Refusal(f"refused by the server ({said})")

    def _check_fields(self, body: Mapping[str, Any], said: str) -> None:
        """Raise `UserError` where the server objects to a field that all requests have."""
        if self.chat.structured_output and any(name in said.lower() for name in _SCHEMA_WORDS):
            raise UserError(
                f"{self.chat.base_url} cannot hold replies to a schema ({said}); set structured_output=false"
            )
        field = str(body.get("param") or "").split(".")[0].split("[")[0]
        if body.get("code") in _UNKNOWN_FIELD and re.fullmatch(r"\w+", field):
            raise UserError(
                f"{self.chat.base_url} refuses the field {field} of requests ({said}); set it otherwise, or leave it "
                f"out, as in +judge.chat.extra_body.{field}=null"
            )

    def _about_key(self) -> str:
        if self.chat.key_variable:
            return f"check what the environment variable {self.chat.key_variable} holds"
        return "set key_variable to the name of the environment variable that holds the key"


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to wait, by `Retry-After` in seconds or as a date, or its form in milliseconds.

    0 where it does not ask, or not in these forms.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except ValueError:
        return 0.0
    try:  # by the server's clock, where it tells
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(0.0, until - now)


def backoff(failures: int, first_seconds: float) -> float:
    """Seconds to wait after so many failures of a request in a row: exponential, with full jitter.

    The jitter needs no seed: when a request is sent changes no answer.
    """
    most = min(LONGEST_BACKOFF_SECONDS, first_seconds * 2.0 ** min(failures - 1, 30))
    return random.uniform(0.0, most)


def _error_in(body: object) -> Mapping[str, Any]:
    """What the server says of an error, as fields; the client has taken it out of `error` already."""
    return body if isinstance(body, dict) else {"message": body}


def _message(body: Mapping[str, Any]) -> str:
    return str(body.get("message") or body.get("detail") or body.get("error") or "no explanation")
