"""Files of requests and of results in the format of OpenAI's batch service: JSON lines, one a request, in any order.

Result files come from outside: they may be damaged, come twice or belong to something else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from occpred.chat.completion import MalformedCompletionError, read_completion
from occpred.chat.request import ChatAnswer, ChatRequest, Refusal
from occpred.records import from_json

REQUESTS = ".requests.jsonl"
"""How the names of request files end. Every other `*.jsonl` beside them is a file of results."""
MOST_REQUESTS = 50_000
MOST_BYTES = 100_000_000
"""What one file may hold, at most; a single request that is larger stands alone."""

_REFUSED_FOR_GOOD = frozenset({400, 413, 422})
"""Statuses that an equal request would meet again."""
_LEGIBLE_KEY = re.compile(rb'"custom_id"\s*:\s*"([0-9a-f]{64})"')


@dataclass(frozen=True)
class ResultLine:
    """One line of a result file. Where it brings no outcome of a request that is asked now, `why` says why not."""

    file: Path
    number: int
    digest: str
    key: str | None
    """Names the request, in the words of whoever wrote the line; `None` where that cannot be told."""
    outcome: ChatAnswer | Refusal | None = None
    why: str = ""

    @property
    def is_unasked(self) -> bool:
        """Whether the line is whole, and about none of the requests that are asked now."""
        return self.outcome is None and not self.why


@dataclass(frozen=True)
class _Response:
    status_code: int
    body: Any = None


@dataclass(frozen=True)
class _Error:
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class _Result:
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


def request_line(key: str, body: Mapping[str, Any]) -> bytes:
    """One line of a request file."""
    fields = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def in_files(lines: Iterable[tuple[str, bytes]]) -> Iterator[dict[str, bytes]]:
    """Group `lines`, given with their keys, into files that are not too large."""
    file: dict[str, bytes] = {}
    size = 0
    for key, line in lines:
        if file and (len(file) >= MOST_REQUESTS or size + len(line) > MOST_BYTES):
            yield file
            file, size = {}, 0
        file[key] = line
        size += len(line)
    if file:
        yield file


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file that is there with all `lines`, on disk, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def request_files(folder: Path) -> dict[Path, set[str]]:
    """The keys in each request file, by name."""
    files = {}
    for path in sorted(folder.glob(f"*{REQUESTS}")):
        with path.open("rb") as file:
            files[path] = {key for line in file if (key := _legible_key(line))}
    return files


def result_lines(folder: Path, requests: Mapping[str, ChatRequest]) -> Iterator[ResultLine]:
    """All lines of all result files, by file name and number; there are outcomes only for `requests`, given by key."""
    for path in sorted(folder.glob("*.jsonl")):
        if not path.name.endswith(REQUESTS):
            with path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip():
                        yield _result_line(path, number, line, requests)


def _result_line(path: Path, number: int, line: bytes, requests: Mapping[str, ChatRequest]) -> ResultLine:
    from pydantic import ValidationError

    digest = hashlib.sha256(line.strip()).hexdigest()
    try:
        result = from_json(_Result, line)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        return ResultLine(path, number, digest, _legible_key(line), why=f"damaged: {first['msg']}")
    key = result.custom_id
    if key not in requests:
        return ResultLine(path, number, digest, key)
    try:
        return ResultLine(path, number, digest, key, _outcome(result, requests[key]))
    except MalformedCompletionError as error:
        return ResultLine(path, number, digest, key, why=str(error))


def _outcome(result: _Result, request: ChatRequest) -> ChatAnswer | Refusal:
    """What came of `request`. Raises `MalformedCompletionError` where another attempt may bring an answer."""
    if result.error is not None or result.response is None:
        error = result.error or _Error()
        raise MalformedCompletionError(error.message or error.code or "neither a response nor an error")
    status, said = result.response.status_code, json.dumps(result.response.body)
    if status in _REFUSED_FOR_GOOD:
        return Refusal(f"the server refused the request (status {status}): {said}")
    if status != 200:
        raise MalformedCompletionError(f"status {status}: {said}")
    return read_completion(said, request)


def _legible_key(line: bytes) -> str | None:
    found = _LEGIBLE_KEY.search(line)
    return found[1].decode() if found else None
