"""The code that jobs run: a copy of the package as it was when they were submitted."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from uuid import uuid4

from occpred.artifacts.provenance import VERSION_FILE, code_version, is_installed

_PACKAGE = Path(__file__).resolve().parents[1]
_CHOICES = "conf"


def snapshot(folder: Path) -> Path | None:
    """Copy the package, and the choices beside it, into `folder`, under a name that says what is in it.

    Returns:
        The copy, to be put on Python's path; `None` where the package is installed, and so changes only when another
        version is.
    """
    if is_installed():
        return None
    unfinished = folder / f".{uuid4().hex}"
    for part in (_PACKAGE, _PACKAGE.with_name(_CHOICES)):
        if part.is_dir():
            shutil.copytree(part, unfinished / part.name, ignore=shutil.ignore_patterns("__pycache__"))
    (unfinished / VERSION_FILE).write_text(json.dumps(code_version()) + "\n", encoding="utf-8")
    copy = folder / _digest(unfinished)
    if copy.exists():  # other jobs run it
        shutil.rmtree(unfinished)
    else:
        unfinished.rename(copy)
    return copy


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder)}\n{file.stat().st_size}\n".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
