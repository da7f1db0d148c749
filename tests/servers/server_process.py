"""A server of the tests, seen from the process that started it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class RunningServer:
    """Where a server listens, and what it has counted."""

    url: str

    @property
    def base_url(self) -> str:
        """What OpenAI's clients are given."""
        return f"{self.url}/v1"

    def stats(self) -> dict[str, Any]:
        """What was counted since the start or the last `reset`; each server's module says what that is."""
        with DIRECTLY.open(f"{self.url}/stats", timeout=30) as reply:
            return json.load(reply)

    def reset(self) -> None:
        """Forget all that was counted and kept."""
        DIRECTLY.open(urllib.request.Request(f"{self.url}/reset", method="POST"), timeout=30).close()


@contextmanager
def running(module: str, **options: Any) -> Iterator[RunningServer]:
    """Run `python -m tests.servers.<module> <options>` for the time of the `with` block."""
    command = [sys.executable, "-m", f"tests.servers.{module}", json.dumps(options)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin
    assert process.stdout
    try:
        url = process.stdout.readline().strip()
        assert url, f"{module} did not start"
        yield RunningServer(url)
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
