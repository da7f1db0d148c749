"""Keys that were pasted where the name of a variable belongs."""

from __future__ import annotations

from collections.abc import Iterable

from occpred.chat.secret import is_variable
from occpred.errors import UserError


def refuse_pasted_keys(arguments: Iterable[str]) -> None:
    """Stop before Hydra writes the command line's overrides to disk, should one of them hold a key.

    Raises:
        UserError: names the setting, and does not show what was given.
    """
    for setting, _, value in (argument.lstrip("+").partition("=") for argument in arguments):
        if setting.endswith("key_variable") and value.strip("\"'") and not is_variable(value.strip("\"'")):
            raise UserError(
                f"{setting}: must be the name of an environment variable in capitals, such as OPENAI_API_KEY, and "
                "never a key; if this was one, take it out of your shell's history as well"
            )
