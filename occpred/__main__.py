"""The command line: compose a config, make one typed experiment of it, run its stages."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from occpred.config import (
    CONF,
    as_yaml,
    overview,
    readable,
    refuse_launcher_of_single_run,
    refuse_pasted_keys,
    register_launchers,
    register_schemas,
    register_sweeper,
    to_experiment,
)
from occpred.interruption import Interrupted, heeded

_WANTS_TRACEBACK = os.environ.get("HYDRA_FULL_ERROR") == "1"
_EXIT_CODE_INTERRUPTED = 130


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def _run(config: DictConfig) -> None:
    """Run one experiment; the jobs of a sweep are run by `occpred.config.sweep_task`."""
    # Inside as well as around Hydra, which would print lines of its own about an exception that passes through it.
    with _one_line_errors():
        refuse_launcher_of_single_run()
        experiment = to_experiment(config)
        # torch and the like are imported only now that the config is known to be right.
        from occpred.stages.road import run

        run(experiment, as_yaml(overview(config)))


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        message = readable(error)
        if message is None or _WANTS_TRACEBACK:
            raise
        sys.exit(f"occpred: {' '.join(message.split())}")


@contextmanager
def _one_line_interruptions() -> Iterator[None]:
    try:
        with heeded(signal.SIGTERM):
            yield
    except KeyboardInterrupt:
        print("occpred: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(_EXIT_CODE_INTERRUPTED)
    except Interrupted:
        print("occpred: told to stop; the same command goes on from here", file=sys.stderr)
        raise


def _list_choices_quickly() -> None:
    """Let Hydra list groups without copying its store for each of them: seconds, for a process that only prints."""
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]


def main() -> None:
    """Run `occpred`. A mistake of the user ends it with one readable line and exit code 1; a bug, with a traceback."""
    # Hydra prints errors in its own way unless told to raise them.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    register_schemas()
    register_sweeper()
    register_launchers()
    if {"--help", "-h"} & set(sys.argv[1:]):
        _list_choices_quickly()
    with _one_line_errors(), _one_line_interruptions():
        refuse_pasted_keys(sys.argv[1:])
        _run()


if __name__ == "__main__":
    main()
