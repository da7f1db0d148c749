"""What a file or folder contains, as one short text."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

from occpred.errors import UserError


def content_digest(path: Path) -> str:
    """SHA-256 of what `path` contains, wherever it lies.

    A file counts by its bytes, a folder by the sorted relative paths and the bytes of all files below it. A process
    reads each file once, and again only when its size or modification time has changed.

    Raises:
        UserError: where there is nothing at `path`, or it cannot be read.
    """
    path = Path(os.path.abspath(path.expanduser()))
    try:
        return _folder_digest(path) if path.is_dir() else _file_digest(path)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: no such file or folder; give the path of an existing one") from error
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be read ({error.strerror})") from error


def _folder_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(_files_below(folder)):
        # The separator cannot occur in a path, so no two folders run together to the same bytes.
        digest.update(f"{file.relative_to(folder).as_posix()}\0{_file_digest(file)}\0".encode())
    return digest.hexdigest()


def _files_below(folder: Path) -> list[Path]:
    def fail(error: OSError) -> None:
        raise error

    walk = os.walk(folder, followlinks=True, onerror=fail)  # a linked folder's files are read too, so they count
    return [Path(parent, name) for parent, _, names in walk for name in names]


def _file_digest(file: Path) -> str:
    status = file.stat()
    return _digest_of_version(file, status.st_size, status.st_mtime_ns)


@cache
def _digest_of_version(file: Path, size: int, mtime_ns: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
