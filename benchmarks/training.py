"""Training side by side: occpred, TRL and the Trainer of Hugging Face, each in a process of its own.

    python -m benchmarks.training --device cpu --size tiny --rounds 3
    python -m benchmarks.training --device gpu --size 8b --out results.json

All train adapters of rank 16 on all linear layers, on the same random token ids, data loading included. MFU is useful
arithmetic (see `benchmarks.flops`) over the rate of large matrix products measured in the same run, by `ceiling`.
Prints a table; `--out` writes a JSON with versions and the command.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "transformers", "peft", "lightning", "trl", "liger-kernel", "bitsandbytes", "datasets", "numpy")
_DEFAULT = "ceiling,occpred_sft,trl_sft,trl_sft_other,hf_trainer,occpred_dpo,trl_dpo"
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTORCH_ALLOC_CONF": "expandable_segments:True",
}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--size", choices=("tiny", "8b"), default="tiny")
    parser.add_argument("--tasks", default=_DEFAULT, help="names in benchmarks/tasks.py, divided by commas")
    parser.add_argument("--warm-up", type=int, default=4, help="steps before the first repeat")
    parser.add_argument("--steps", type=int, default=4, help="steps of each repeat")
    parser.add_argument("--repeats", type=int, default=3, help="of each process; its figures are their medians")
    parser.add_argument("--rounds", type=int, default=1, help="processes of each task, in turn; the median one counts")
    parser.add_argument("--row-length", type=int, help="tokens of our rows")
    parser.add_argument("--examples-per-step", type=int)
    parser.add_argument("--pairs-per-step", type=int)
    parser.add_argument("--seconds", type=float, default=1800, help="what is not done by then is left out")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def measured_here(arguments: argparse.Namespace) -> dict[str, Any]:
    """The figures of task `arguments.only`."""
    import torch

    from benchmarks.meter import Meter, Schedule
    from benchmarks.tasks import run
    from benchmarks.workload import WORKLOADS

    given = {name: getattr(arguments, name) for name in ("row_length", "examples_per_step", "pairs_per_step")}
    workload = replace(WORKLOADS[arguments.size], **{name: value for name, value in given.items() if value})
    device = torch.device("cuda" if arguments.device == "gpu" else "cpu")
    schedule = Schedule(arguments.warm_up, arguments.steps, arguments.repeats)
    figures = run(arguments.only, workload, Meter(schedule, device, arguments.started))
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    return figures | {"device": name, "threads": torch.get_num_threads()}


def measured_apart(name: str, seconds: float) -> dict[str, Any]:
    """The figures of a task in a process of its own, or what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log"
        command = [sys.executable, "-m", "benchmarks.training", *sys.argv[1:]]
        command += ["--only", name, "--started", str(time.time()), "--out", str(result)]
        with log.open("w", encoding="utf-8") as lines:
            try:
                environment = ENVIRONMENT | os.environ
                subprocess.run(command, stdout=lines, stderr=lines, env=environment, timeout=max(1.0, seconds))
            except subprocess.TimeoutExpired:
                return {"error": f"not done after {seconds:.0f} s"}
        if result.exists():
            figures: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
            return figures
        said = log.read_text(encoding="utf-8", errors="replace")
        print(said[-4000:], file=sys.stderr)
        return {"error": said.strip().splitlines()[-1] if said.strip() else "no word"}


def median_of(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The round in the middle, by its rate, with the rates of all; what went wrong, where all rounds did."""
    rate = "tokens_per_second" if any("tokens_per_second" in figures for figures in rounds) else "tflops"
    ordered = sorted((figures for figures in rounds if rate in figures), key=lambda figures: figures[rate])
    return ordered[len(ordered) // 2] | {"rounds": [each[rate] for each in ordered]} if ordered else rounds[-1]


def table(results: dict[str, dict[str, Any]]) -> str:
    """One line a task, with its rate in units of the best peer's."""
    from benchmarks.tasks import COMPARED

    ceiling = results.get("ceiling", {}).get("tflops")
    lines = [f"{'task':<18}{'tokens/s':>11}{'examples/s':>12}{'MFU':>7}{'GiB':>8}{'1st step':>10}  against its peers"]
    for name, figures in results.items():
        if "tokens_per_second" not in figures:
            lines.append(f"{name:<18}{figures.get('error') or str(figures['tflops']) + ' TFLOP/s'}")
            continue
        share = f"{figures['tflops'] / ceiling:.1%}" if ceiling else "-"
        against = [
            f"{figures['tokens_per_second'] / results[peer]['tokens_per_second']:.2f} x {peer}"
            for peer in COMPARED.get(name, ())
            if "tokens_per_second" in results.get(peer, {})
        ]
        lines.append(
            f"{name:<18}{figures['tokens_per_second']:>11,.0f}{figures['examples_per_second']:>12.2f}{share:>7}"
            f"{figures['peak_gib']:>8.1f}{figures['first_step_seconds']:>8.1f} s  {', '.join(against)}"
        )
    return "\n".join(lines)


def versions() -> dict[str, str]:
    """Of what takes part, as far as it is installed."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    """Measure all tasks, one after another; or one, in this process."""
    arguments = parse()
    if arguments.only:
        arguments.out.write_text(json.dumps(measured_here(arguments)), encoding="utf-8")
        return
    until = time.monotonic() + arguments.seconds
    results: dict[str, dict[str, Any]] = {}
    measured: dict[str, list[dict[str, Any]]] = defaultdict(list)
    # In turn, so that what else the machine does falls on all alike.
    for name in arguments.tasks.split(",") * arguments.rounds:
        measured[name].append(measured_apart(name, until - time.monotonic()))
        print(json.dumps({"task": name} | measured[name][-1]), file=sys.stderr, flush=True)
        results[name] = median_of(measured[name])
        if arguments.out:
            about = {"command": "python -m benchmarks.training " + shlex.join(sys.argv[1:]), "versions": versions()}
            arguments.out.write_text(json.dumps(about | {"tasks": results}, indent=1), encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
