"""Many requests at a time: within the budget, and on disk before they count."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from occpred.chat.budget import Account
from occpred.chat.caller import Call, Caller
from occpred.chat.ending import Ending
from occpred.chat.journal import Journal
from occpred.chat.recorder import Recorder
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.chat.secret import Secret
from occpred.errors import UserError
from occpred.progress import tally

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from occpred.chat.endpoint import EndpointChat

REFUSALS_AT_FIRST = 20
"""When so many requests were refused and none was ever answered, something is wrong with all of them."""


async def ask_all(
    chat: EndpointChat, secret: Secret, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
) -> dict[str, ChatAnswer | Refusal]:
    """Ask all `requests`, by key, and record the answers in `journal`.

    When this is cancelled, requests under way are given up, and the answers that came are recorded.

    Raises:
        UserError: as `EndpointChat.ask` does, once the requests under way have been answered.
    """
    journal.record({})  # refused before anything is paid for
    async with _client(chat, secret) as client:
        with tally(stage, total=len(requests), unit="call") as count:
            ending = Ending()
            flow = Flow(chat, Caller(chat, secret, client, ending), journal, ending, count)
            return await flow.run(requests)


def _client(chat: EndpointChat, secret: Secret) -> AsyncOpenAI:
    from openai import AsyncOpenAI

    logging.getLogger("httpx2").setLevel(logging.WARNING)  # below the client; writes a line for every request
    # Retries are the caller's, as all requests share limits and pauses. The client insists on some key.
    key = secret.value or "none"
    return AsyncOpenAI(api_key=key, base_url=chat.base_url, max_retries=0, timeout=chat.timeout_seconds)


class Flow:
    """Workers that share one queue, one account and one journal.

    Args:
        chat: the endpoint's settings.
        caller: asks it.
        journal: keeps its answers.
        ending: what stops all.
        count: shows how many requests have ended, and what was spent.
    """

    def __init__(
        self, chat: EndpointChat, caller: Caller, journal: Journal, ending: Ending, count: Callable[[int, str], None]
    ) -> None:
        spent = journal.totals()
        self._chat, self._caller, self._ending, self._count = chat, caller, ending, count
        self._account = Account(chat.budget, chat.prices, spent)
        self._released = asyncio.Event()
        self._recorder = Recorder(journal, self._keep, ending.stop)
        self._kept: dict[str, ChatAnswer] = {}
        self._refused: dict[str, Refusal] = {}
        self._prompt_tokens = self._completion_tokens = self._left = 0
        self._was_ever_answered = spent.answers > 0

    async def run(self, requests: Mapping[str, ChatRequest]) -> dict[str, ChatAnswer | Refusal]:
        """Return what came of each request."""
        self._left = len(requests)
        queue = deque(Call(key, request) for key, request in requests.items())
        recording = asyncio.create_task(self._recorder.run())
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._chat.concurrency, len(requests))):
                    workers.create_task(self._work(queue))
        finally:
            self._recorder.close()
            await recording
        if isinstance(self._ending.error, UserError):
            kept = f"{len(self._kept)} of {len(requests)} calls are answered and kept"
            raise UserError(f"{self._ending.error}; {kept}, and the same command goes on from there")
        if self._ending.error:
            raise self._ending.error
        return self._kept | self._refused

    async def _work(self, queue: deque[Call]) -> None:
        try:
            while queue:
                call = queue.popleft()
                body = self._chat.body(call.request)
                async with self._afforded(body):
                    outcome = await self._caller.ask(call, body, self._left)
                    if outcome:
                        self._note(call.key, outcome)
                    else:
                        queue.append(call)
        except UserError as error:
            self._ending.stop(error)

    @asynccontextmanager
    async def _afforded(self, body: dict[str, Any]) -> AsyncIterator[None]:
        """Hold in reserve what a request can cost at most, once it can be afforded."""
        most = self._chat.most_cost(body)
        with self._ending.leaving():
            while not self._account.fits(most):
                if self._account.is_settled:
                    raise UserError(f"{self._account.limit()}; raise it to go on")
                self._released.clear()
                await self._released.wait()
        self._account.reserve(most)
        try:
            yield
        finally:
            self._account.release(most)
            self._released.set()

    def _note(self, key: str, outcome: ChatAnswer | Refusal) -> None:
        self._left -= 1
        if isinstance(outcome, ChatAnswer):
            self._was_ever_answered = True
            self._account.spend(outcome.prompt_tokens, outcome.completion_tokens)
            self._recorder.put(key, outcome)
            return
        self._refused[key] = outcome
        self._count(1, self._spent())
        if not self._was_ever_answered and len(self._refused) >= REFUSALS_AT_FIRST:
            raise UserError(
                f"{self._chat.base_url} answered none of {len(self._refused)} requests, so something is wrong with all "
                f"of them ({outcome.why}); change the settings of {self._chat.label}"
            )

    def _keep(self, answers: Mapping[str, ChatAnswer]) -> None:
        """Let answers count, now that they are on disk."""
        self._kept |= answers
        self._prompt_tokens += sum(answer.prompt_tokens for answer in answers.values())
        self._completion_tokens += sum(answer.completion_tokens for answer in answers.values())
        self._count(len(answers), self._spent())

    def _spent(self) -> str:
        cost = self._chat.cost(self._prompt_tokens, self._completion_tokens)
        tokens = f"{self._prompt_tokens + self._completion_tokens:,} tokens"
        return f"{tokens}, {cost:.2f} {self._chat.prices.currency}" if cost else tokens
