"""A file on a web server, downloaded so that a broken download can go on where it stopped."""

from __future__ import annotations

import os
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tqdm import tqdm

from occpred.errors import UserError

_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 1 << 16
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


def fetch(url: str, partial: Path) -> None:
    """Download `url` into `partial`, after the bytes that an earlier try has left there.

    Where the server cannot send the rest alone, the file is downloaded anew.

    Raises:
        UserError: no answer in 30 s, an error answer, or a connection that breaks; `partial` keeps what has arrived.
    """
    arrived = partial.stat().st_size if partial.exists() else 0
    headers = {"User-Agent": "occpred"} | ({"Range": f"bytes={arrived}-"} if arrived else {})
    try:
        with urlopen(Request(url, headers=headers), timeout=_TIMEOUT_SECONDS) as response:
            _save(response, partial, arrived)
    except HTTPError as error:
        if arrived and error.code == _RANGE_NOT_SATISFIABLE:  # nothing follows what has arrived: start anew
            partial.unlink()
            return fetch(url, partial)
        raise UserError(f"{url}: the server answered {error.code} {error.reason}; is there such a release?") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error or type(error).__name__
        raise UserError(f"{url}: {reason}; run the same command again to go on") from error


def _save(response: HTTPResponse, partial: Path, arrived: int) -> None:
    """Write the body behind the first `arrived` bytes of `partial`, or over them where it is the whole file."""
    is_rest = response.status == _PARTIAL_CONTENT
    start = arrived if is_rest else 0
    if is_rest and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
        raise UserError(f"{response.url}: the server sent another part than it was asked for; delete {partial}")
    total = None if response.length is None else start + response.length
    with (
        partial.open("ab" if is_rest else "wb") as file,
        tqdm(desc="download", total=total, initial=start, unit="B", unit_scale=True, dynamic_ncols=True) as bar,
    ):
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    if total is not None and size != total:
        raise UserError(f"{response.url}: broke off after {size} of {total} bytes; run the same command again to go on")
