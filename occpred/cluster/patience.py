"""Asking SLURM again, where all that it says is that it has no time: while its controller is busy, or starts anew."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_PAUSES_SECONDS = (1, 2, 4, 8, 16, 30, 60, 60, 60, 60)
SECONDS_OF_PATIENCE = sum(_PAUSES_SECONDS)
_PASSING_WORDS = (
    "unable to contact",
    "socket timed out",
    "connection refused",
    "try again",
    "temporarily",
    "no answer from slurm",
)
"""Of messages that another attempt may not meet; what else SLURM complains of, it will complain of again."""


def patiently(ask: Callable[[], Answer]) -> Answer:
    """What `ask` returns. It is called again, for some minutes, while it raises what will pass by its own words.

    What SLURM did without being able to say so is done twice: whoever asks must not mind.
    """
    is_told = False
    for pause in _PAUSES_SECONDS:
        try:
            return ask()
        except Exception as error:
            words = " ".join(str(error).split())
            if not any(passing in words.lower() for passing in _PASSING_WORDS):
                raise
            if not is_told:
                logger.warning("%s; trying again, for %d minutes", words, SECONDS_OF_PATIENCE // 60)
            is_told = True
        time.sleep(pause)
    return ask()
