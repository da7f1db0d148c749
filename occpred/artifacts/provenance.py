"""How a result came about: written beside it, read by people and by the report.

Nothing here is taken from an environment variable, so no secret can end up in an artifact.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from occpred.artifacts.signature import configuration, identity, reference, signature
from occpred.artifacts.stage import Stage
from occpred.distributed.ranks import world_size

FILE_NAME = "provenance.json"
VERSION_FILE = "code_version.json"
"""Lies beside the package where it is a copy of a checkout, and says what `code_version` said there."""
_MEBIBYTE = 2**20


class GitError(Exception):
    """Git cannot say which code this is; the message is what it said instead."""


class ProvenanceRecorder:
    """Measures a stage from its construction to `record`, but for its time (see `Legs`)."""

    def __init__(self, stage: Stage, *, resumed: bool) -> None:
        self._stage = stage
        self._resumed = resumed
        # Asked before the work: the code may be edited while it runs.
        self._code = code_version()
        _forget_gpu_peak()
        self._processes = world_size()
        self._started = datetime.now(UTC)

    def record(self, legs_seconds: Sequence[float | None]) -> dict[str, Any]:
        """Everything known about how the stage was run, as plain values.

        `identity` is what the signature is the hash of. Where the stage was `resumed`, `wall_seconds` is the sum of its
        legs, as far as they are known, and `started` is of the last one. `process_peak_memory_mib` is the peak since
        the process began, as the system counts it.
        """
        return {
            "stage": self._stage.name,
            "signature": signature(self._stage),
            "inputs": [reference(stage) for stage in self._stage.inputs()],
            "identity": identity(self._stage),
            "settings": configuration(self._stage),
            "resumed": self._resumed,
            "started": self._started.isoformat(timespec="seconds"),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "processes": self._processes,
            "wall_seconds": round(sum(seconds for seconds in legs_seconds if seconds is not None), 3),
            "legs_seconds": list(legs_seconds),
            "process_peak_memory_mib": _peak_memory_mib(),
            "peak_gpu_memory_mib": _peak_gpu_memory_mib(),
            "host": socket.gethostname(),
            "platform": platform.platform(),
            "code": self._code,
            "versions": installed_versions(),
        }


@cache
def installed_versions() -> dict[str, str]:
    """Versions of Python, occpred and the packages it is built on, as far as they are installed."""
    versions = {"python": platform.python_version()}
    for requirement in ["occpred", *(importlib.metadata.requires("occpred") or ())]:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def is_installed() -> bool:
    """Whether the package lies where packages are installed, and so changes only when another version is."""
    return _package().parent.name in ("site-packages", "dist-packages")


@cache
def code_version() -> dict[str, Any] | None:
    """`commit_of_code`; `None` where there is none, or git cannot say it."""
    try:
        return commit_of_code()
    except GitError:
        return None


def commit_of_code() -> dict[str, Any] | None:
    """Commit of the checkout that the package is run from, and whether it has changed since; `None` if it is installed.

    A copy of a checkout says what the checkout was when it was copied.

    Raises:
        GitError: git cannot say it.
    """
    copied = _package().with_name(VERSION_FILE)
    if copied.is_file():
        version: dict[str, Any] | None = json.loads(copied.read_text(encoding="utf-8"))
        return version
    if is_installed():
        return None
    _git("ls-files", "--error-unmatch", "__init__.py")  # it may lie in another checkout
    return {"commit": _git("rev-parse", "HEAD"), "dirty": bool(_git("status", "--porcelain", "--", "."))}


def _package() -> Path:
    return Path(__file__).resolve().parents[1]


def _git(*arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(_package()), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except subprocess.CalledProcessError as error:
        raise GitError(*error.stderr.strip().splitlines()[:1]) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise GitError(str(error)) from error


def _peak_memory_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak if sys.platform == "darwin" else peak * 1024  # the one unit systems do not agree on
    return round(peak_bytes / _MEBIBYTE, 1)


def _cuda_in_use() -> Any:
    """The module `torch.cuda` where this process uses it, else `None`; torch is not loaded for this."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def _forget_gpu_peak() -> None:
    if cuda := _cuda_in_use():
        for device in range(cuda.device_count()):
            cuda.reset_peak_memory_stats(device)


def _peak_gpu_memory_mib() -> float | None:
    """Peak memory of the fullest GPU since `_forget_gpu_peak`; `None` where none is used."""
    if not (cuda := _cuda_in_use()):
        return None
    peak_bytes: int = max(cuda.max_memory_allocated(device) for device in range(cuda.device_count()))
    return round(peak_bytes / _MEBIBYTE, 1)
