"""One request, as often as need be."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from occpred.chat.completion import MalformedCompletionError, read_completion
from occpred.chat.ending import Ending
from occpred.chat.health import Health
from occpred.chat.pace import Pace, Turn
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.chat.retry import Failures, Setback, backoff
from occpred.chat.secret import Secret
from occpred.chat.tokens import estimate_tokens
from occpred.errors import UserError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from occpred.chat.endpoint import EndpointChat

logger = logging.getLogger(__name__)

TRIES_TO_CONNECT = 3
"""Attempts of one request after which a server that was never connected to is taken not to be there."""
FEW = 10
"""Where no more requests are left and all of them fail, they are to blame, and the server where there are more."""
_LONG_PAUSE_SECONDS = 10.0
"""Shorter pauses are not worth a line."""


@dataclass
class Call:
    """A request with its key, and what came of it so far."""

    key: str
    request: ChatRequest
    failures: int = 0
    """Failed attempts."""
    used_attempts: int = 0
    """Those that may be the request's fault."""
    signs: int = 0
    """Of the server's life, at the first failure."""


class Caller:
    """Puts requests to one endpoint until each is answered or given up. All requests share pace, pauses and health.

    Args:
        chat: the endpoint's settings.
        secret: its key.
        client: sends, without any retries of its own.
        ending: what stops all.
    """

    def __init__(self, chat: EndpointChat, secret: Secret, client: AsyncOpenAI, ending: Ending) -> None:
        from openai import OpenAIError

        self._chat, self._secret, self._client, self._ending = chat, secret, client, ending
        self._errors = (OpenAIError, TimeoutError, MalformedCompletionError)
        self._failures = Failures(chat, secret)
        self._health = Health(quiet_since=time.monotonic())
        self._pace = Pace(chat.requests_per_minute, chat.tokens_per_minute)
        self._first_come, self._corrected = asyncio.Lock(), asyncio.Event()

    async def ask(self, call: Call, body: dict[str, Any], left: int) -> ChatAnswer | Refusal | None:
        """Send `body` for a call, again and again; `None` where others should be tried before it goes on.

        Args:
            call: is kept up to date.
            body: of its request.
            left: how many calls have come to no end yet, this one among them.

        Raises:
            UserError: nobody will be answered.
            asyncio.CancelledError: all was stopped meanwhile.
        """
        tokens = estimate_tokens(call.request) + self._chat.max_tokens
        while True:
            if call.failures:
                with self._ending.leaving():
                    await asyncio.sleep(backoff(call.failures, self._chat.backoff_seconds))
            turn = await self._turn(tokens)
            outcome = await self._attempt(call, body)
            if not isinstance(outcome, Setback):
                self._health.lives(time.monotonic())
                self._correct(turn, outcome)
                return outcome
            self._suffer(outcome, call)
            if self._is_hopeless(outcome, call, left):
                return Refusal(f"none of {self._chat.max_attempts} attempts brought an answer ({outcome.why})")
            if self._is_used_up(call):
                return None

    async def _turn(self, tokens: int) -> Turn:
        """Wait until an attempt may be sent; first come, first served."""
        with self._ending.leaving():
            async with self._first_come:
                while seconds := self._pace.wait(now := time.monotonic(), tokens):
                    self._corrected.clear()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._corrected.wait(), seconds)
                return self._pace.take(now, tokens)

    def _correct(self, turn: Turn, outcome: ChatAnswer | Refusal) -> None:
        if isinstance(outcome, ChatAnswer):
            self._pace.correct(turn, outcome.prompt_tokens + outcome.completion_tokens)
            self._corrected.set()

    async def _attempt(self, call: Call, body: dict[str, Any]) -> ChatAnswer | Refusal | Setback:
        try:
            # The client's own time-out is for silence: a body that trickles on for ever never meets it.
            async with asyncio.timeout(self._chat.timeout_seconds):
                content = await self._client.post(
                    "/chat/completions",
                    cast_to=bytes,
                    body=body,
                    # Nothing is sent to a place that the settings do not name.
                    options={"headers": {"Idempotency-Key": call.key}, "follow_redirects": False},
                )
            outcome = read_completion(content, call.request)
        except self._errors as error:
            return self._failures.read(error)
        if isinstance(outcome, Refusal):
            return Refusal(self._failures.words(outcome.why))
        return replace(outcome, text=self._secret.removed(outcome.text))

    def _suffer(self, setback: Setback, call: Call) -> None:
        """Note a failed attempt."""
        if not call.failures:
            call.signs = self._health.signs
        call.failures += 1
        call.used_attempts += not setback.is_overload
        self._health.fails(is_unreachable=setback.is_unreachable)
        delay = self._pace.pause(time.monotonic(), setback.pause_seconds)
        self._health.excuse(delay)
        if delay >= _LONG_PAUSE_SECONDS:
            logger.info("%s asks for a pause of %.0f seconds (%s)", self._chat.label, delay, setback.why)

    def _is_hopeless(self, setback: Setback, call: Call, left: int) -> bool:
        """Whether `call` is to be given up; raises `UserError` where the server is."""
        patience, most = self._chat.patience_seconds, self._chat.max_attempts
        is_away = self._health.is_away(time.monotonic(), patience_seconds=patience, most_failures=most)
        are_others_answered = self._health.signs > call.signs
        if self._is_used_up(call) and (are_others_answered or (is_away and left <= FEW)):
            return True
        if is_away and (setback.is_overload or left > FEW):
            raise UserError(f"{self._chat.base_url} has answered nothing for {patience:g} seconds ({setback.why})")
        if call.failures >= TRIES_TO_CONNECT and not self._health.is_reached:
            raise UserError(f"{self._chat.base_url}: {setback.why}; check base_url, and whether the server runs")
        return False

    def _is_used_up(self, call: Call) -> bool:
        return call.used_attempts >= self._chat.max_attempts
