"""A model behind an OpenAI-compatible chat endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from occpred.chat.journal import Journal
from occpred.chat.remote import RemoteChat
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.chat.secret import Secret, is_variable
from occpred.settings import MISSING, SettingError, setting

MOST_CONNECTIONS = 1000
"""The client opens no more."""


@dataclass
class EndpointChat(RemoteChat):
    """A model that is asked over HTTP, many requests at a time: OpenAI's, vLLM's, any server of the same format."""

    base_url: str = setting(MISSING, incidental=True)
    """The server's address up to `/chat/completions`, such as `http://localhost:8000/v1`."""
    key_variable: str = setting("", incidental=True)
    """The environment variable that holds the server's key, such as `OPENAI_API_KEY`; empty for a server without."""
    concurrency: int = setting(16, minimum=1, maximum=MOST_CONNECTIONS, incidental=True)
    """Requests under way at the same time, at most."""
    requests_per_minute: float = setting(0.0, minimum=0, incidental=True)
    """Attempts sent in any minute, at most; 0 is no limit."""
    tokens_per_minute: int = setting(0, minimum=0, incidental=True)
    """Tokens read and written in any minute, at most; 0 is no limit."""
    timeout_seconds: float = setting(300.0, above=0, incidental=True)
    """An attempt that has no complete answer by then has failed."""
    max_attempts: int = setting(8, minimum=1, incidental=True)
    """A request that fails so often, while others are answered, is given up."""
    backoff_seconds: float = setting(1.0, above=0, incidental=True)
    """Longest wait after a first failure; it doubles with each further one, up to a minute."""
    patience_seconds: float = setting(600.0, above=0, incidental=True)
    """When nothing has been answered for so long, the server is taken to be away, and the run ends with what there is.
    Pauses that the server asks for do not count."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.key_variable and not is_variable(self.key_variable):
            # The value is not shown: it may be the key itself.
            raise SettingError(
                f"{type(self).__name__}.key_variable: must be the name of an environment variable in capitals, such as "
                "OPENAI_API_KEY, and never a key"
            )
        if objection := _objection(self.base_url):
            # Nor is this one shown, as it may hold a password.
            raise SettingError(f"{type(self).__name__}.base_url: {objection}")

    @property
    def destination(self) -> str:
        """The address."""
        return self.base_url

    def ask(
        self, requests: Mapping[str, ChatRequest], journal: Journal, stage: str
    ) -> Mapping[str, ChatAnswer | Refusal]:
        """Ask all `requests`, as many at a time and as fast as the settings allow.

        Raises:
            UserError: the model cannot be had, or the budget is spent; every answer is in the journal.
        """
        import asyncio

        from occpred.chat.flow import ask_all

        return asyncio.run(ask_all(self, Secret.from_environment(self.key_variable), requests, journal, stage))


def _objection(base_url: str) -> str:
    """What is wrong with an address; empty where nothing is."""
    try:
        address = urlsplit(base_url)
        is_address = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        return "must be the address of a server, such as http://localhost:8000/v1"
    if "@" in address.netloc or address.query or address.fragment:
        return (
            "must hold neither user, password nor query; put a key into an environment variable and name that by "
            "key_variable"
        )
    return ""
