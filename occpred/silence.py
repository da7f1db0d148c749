"""Libraries without their hints, which are about other people's programs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_MISSING_KERNELS = "Failed to load CPU gemm_4bit_forward from kernels-community"
_OLD_NAME = "`is_gradient_checkpointing` is deprecated"


def silence_peft() -> None:
    """Drop, for the rest of the process, what is said wherever PEFT is imported and whenever it adapts a model.

    bitsandbytes asks for a package that it then does without; transformers tells PEFT to use another name.
    """
    logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(_is_worth_saying)
    warnings.filterwarnings("ignore", message=_OLD_NAME, category=FutureWarning)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(_MISSING_KERNELS)


@contextmanager
def lightning_silenced() -> Iterator[None]:
    """Keep Lightning from logging and warning; its progress bar and its errors stay."""
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=PossibleUserWarning)
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        logger.setLevel(level)
