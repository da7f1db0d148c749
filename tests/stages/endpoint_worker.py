"""Makes the selected oracle reasons of an experiment in processes that a test may kill.

`endpoint_worker.py OVERRIDES...` forks, for each line of its standard input, a process that makes them in the store
that the line names. It says who that is before it begins, and how it ended. Forks are used because loading all that is
needed takes longer than making them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import openai
from hydra import compose, initialize_config_dir

import occpred.chat.flow  # noqa: F401  (before the forks)
from occpred.artifacts.store import ArtifactStore
from occpred.config import CONF, register_schemas, to_experiment
from occpred.experiment import Experiment
from occpred.stages.prepare import Part
from occpred.stages.road import Road


def composed() -> Experiment:
    register_schemas()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return to_experiment(compose("config", sys.argv[1:]))


def make(experiment: Experiment) -> None:
    print(f"begins {os.getpid()}", flush=True)
    ArtifactStore(Path(experiment.store)).make_all([Road(experiment).selected(Part.TRAIN)])


if __name__ == "__main__":
    experiment = composed()
    openai.AsyncOpenAI(api_key="-")  # loads what is loaded late
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            make(replace(experiment, store=line.strip()))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)
