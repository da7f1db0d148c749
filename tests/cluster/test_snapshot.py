from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from occpred.cluster import snapshot as module
from occpred.cluster.snapshot import snapshot

VERSION = {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in a checkout, with choices beside it, one of which is a link."""
    package = tmp_path / "checkout" / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "data.txt").write_text("one")
    (package / "__pycache__" / "data.pyc").touch()
    (tmp_path / "checkout" / "conf").mkdir()
    (tmp_path / "checkout" / "conf" / "sweeps").symlink_to("../sweeps")
    (tmp_path / "checkout" / "sweeps").mkdir()
    (tmp_path / "checkout" / "sweeps" / "seeds.yaml").touch()
    monkeypatch.setattr(module, "_PACKAGE", package)
    monkeypatch.setattr(module, "code_version", lambda: VERSION)
    return package


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_all_that_the_package_needs_is_copied(package: Path, tmp_path: Path) -> None:
    copy = snapshot(tmp_path / "code")
    assert copy is not None
    assert copy.parent == tmp_path / "code"
    assert files(copy) == {"package/data.txt", "conf/sweeps/seeds.yaml", "code_version.json"}
    assert json.loads((copy / "code_version.json").read_text()) == VERSION


def test_a_copy_is_shared_until_the_code_changes(package: Path, tmp_path: Path) -> None:
    first = snapshot(tmp_path / "code")
    assert snapshot(tmp_path / "code") == first
    (package / "data.txt").write_text("two")
    second = snapshot(tmp_path / "code")
    assert {first, second} == set((tmp_path / "code").iterdir())
    assert len({first, second}) == 2


def test_code_that_git_does_not_know_is_copied_too(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "code_version", lambda: None)
    copy = snapshot(tmp_path / "code")
    assert copy is not None
    assert json.loads((copy / "code_version.json").read_text()) is None


def test_what_is_installed_needs_no_copy(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_installed", lambda: True)
    assert snapshot(tmp_path / "code") is None
    assert not (tmp_path / "code").exists()


def test_the_copy_of_this_package_runs_and_knows_where_it_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "code_version", lambda: VERSION)
    copy = snapshot(tmp_path)
    program = (
        "import json, occpred; from occpred.artifacts.provenance import code_version;"
        "print(json.dumps([occpred.__file__, code_version()]))"
    )
    printed = subprocess.run(
        [sys.executable, "-P", "-c", program], env={"PYTHONPATH": str(copy)}, capture_output=True, text=True, check=True
    )
    told: Any = json.loads(printed.stdout)
    assert told == [f"{copy}/occpred/__init__.py", VERSION]
    assert (copy / "conf" / "config.yaml").is_file()
