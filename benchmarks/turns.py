"""Training side by side on a machine that does other things as well: the contestants take turns, a step each.

    python -m benchmarks.turns --steps 16

Each is a process of its own, with the model loaded, that waits while others compute. A machine whose speed moves from
minute to minute is as fast for one as for the next; and what is compared are steps of the same turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.training import ENVIRONMENT

TASKS = "occpred_sft,trl_sft,trl_sft_other,hf_trainer,occpred_dpo,trl_dpo"


class Contestant:
    """A process that makes a step of its training when it is told to."""

    def __init__(self, name: str, size: str, steps: int) -> None:
        command = [sys.executable, "-m", "benchmarks.turns", "--size", size, "--steps", str(steps), "--only", name]
        self.name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=ENVIRONMENT | os.environ,
        )

    def step(self) -> dict[str, float]:
        """Let it make one; say how long it took, by the clock and by the processor, and for how much work."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise SystemExit(f"{self.name} has ended; python -m benchmarks.training --only {self.name} says why")
        found: dict[str, float] = json.loads(said)
        return found

    def end(self) -> None:
        """It is not needed any more."""
        self._process.kill()
        self._process.wait()


def take_part(name: str, size: str, steps: int) -> None:
    """Be a contestant: make a step for each line of standard input, and answer on standard output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    import torch

    from benchmarks.meter import Meter, Schedule, Work
    from benchmarks.tasks import run
    from benchmarks.workload import WORKLOADS

    class Turns(Meter):
        def step_done(self, work: Work) -> None:
            seconds, of_processor = time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]
            said = {"seconds": seconds, "processor": of_processor, "tokens": work.tokens, "examples": work.examples}
            answers.write(json.dumps(said) + "\n")
            self.wait()

        def wait(self) -> None:
            sys.stdin.readline()
            self.begun = (time.perf_counter(), time.process_time())

    turns = Turns(Schedule(0, steps + 1, 1), torch.device("cpu"), time.time())
    turns.wait()
    run(name, WORKLOADS[size], turns)


def figures(turns: list[dict[str, float]], first: list[dict[str, float]]) -> dict[str, Any]:
    """Medians over turns: rates, and how many times as long as the first contestant it took for a token."""

    def against(clock: str) -> float:
        pairs = zip(turns, first, strict=True)
        return statistics.median(own[clock] / own["tokens"] / (its[clock] / its["tokens"]) for own, its in pairs)

    return {
        "tokens_per_second": round(statistics.median(turn["tokens"] / turn["seconds"] for turn in turns)),
        "examples_per_second": round(statistics.median(turn["examples"] / turn["seconds"] for turn in turns), 2),
        "first_is_times_as_fast": round(against("seconds"), 2),
        "by_processor_time": round(against("processor"), 2),
    }


def main() -> None:
    """Let all take their turns, print a line for each, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--tasks", default=TASKS, help="names in benchmarks/tasks.py; SFT and DPO are compared apart")
    parser.add_argument("--steps", type=int, default=16, help="turns that count, after one that warms up")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        take_part(arguments.only, arguments.size, arguments.steps)
        return
    contestants = [Contestant(name, arguments.size, arguments.steps) for name in arguments.tasks.split(",")]
    turns: dict[str, list[dict[str, float]]] = {each.name: [] for each in contestants}
    try:
        for number in range(arguments.steps + 1):
            for each in contestants if number % 2 else reversed(contestants):
                turns[each.name].append(each.step())
            print(f"turn {number} of {arguments.steps}", file=sys.stderr)
    finally:
        for each in contestants:
            each.end()
    found = {}
    for name in turns:
        first = next(other for other in turns if other.endswith("dpo") == name.endswith("dpo"))
        found[name] = figures(turns[name][1:], turns[first][1:])
        print(f"{name:<16}{json.dumps(found[name])}")
    if arguments.out:
        arguments.out.write_text(json.dumps(vars(arguments) | {"tasks": found}, default=str, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
