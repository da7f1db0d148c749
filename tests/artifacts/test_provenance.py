from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from occpred.artifacts import provenance
from occpred.artifacts.signature import canonical_json, reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.settings import Settings, setting


@dataclass
class Training(Settings):
    seed: int = setting(7)
    device: str = setting("cpu", incidental=True)


@dataclass(frozen=True)
class First(Stage):
    name: ClassVar[str] = "first"

    def run(self, folder: Path, store: ArtifactStore) -> None:
        (folder / "while_running.txt").write_text("\n".join(map(str, folder.parent.rglob("*"))))


@dataclass(frozen=True)
class Second(First):
    name: ClassVar[str] = "second"
    before: First
    training: Training


@pytest.fixture
def written(tmp_path: Path) -> Any:
    store = ArtifactStore(tmp_path)
    stage = Second(First(), Training(device="cuda:1"))
    store.make_all([stage])
    return json.loads((store.folder(stage) / "provenance.json").read_text(encoding="utf-8"))


def test_what_was_run_is_told(written: Any) -> None:
    assert written["stage"] == "second"
    assert written["inputs"] == [reference(First())]
    assert written["settings"]["training"] == {"settings": "Training", "fields": {"seed": 7, "device": "cuda:1"}}
    assert written["resumed"] is False


def test_the_signature_can_be_checked_from_the_identity(written: Any) -> None:
    assert written["identity"]["fields"]["training"]["fields"] == {"seed": 7}
    digest = hashlib.sha256(canonical_json(written["identity"]).encode()).hexdigest()
    assert written["signature"] == digest[:16]


def test_how_it_was_run_is_told(written: Any) -> None:
    assert datetime.fromisoformat(written["started"]) <= datetime.fromisoformat(written["ended"])
    assert 0 <= written["wall_seconds"] < 60
    assert 1 < written["process_peak_memory_mib"] < 100_000
    assert written["peak_gpu_memory_mib"] is None
    assert written["host"]
    assert written["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"occpred", "torch", "lightning", "transformers", "peft"} <= written["versions"].keys()


def test_versions_are_known_without_loading_the_packages() -> None:
    program = (
        "import sys; from occpred.artifacts.provenance import installed_versions; installed_versions();"
        "print({'torch', 'transformers', 'lightning', 'wandb'} & sys.modules.keys())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a package whose provenance module lies where ours does."""
    package = tmp_path / "checkout" / "package"
    (package / "artifacts").mkdir(parents=True)
    (package / "__init__.py").touch()
    git(package, "init", "--quiet")
    monkeypatch.setattr(provenance, "__file__", str(package / "artifacts" / "provenance.py"))
    provenance.code_version.cache_clear()
    monkeypatch.setattr(provenance, "code_version", provenance.code_version.__wrapped__)
    return package


def git(package: Path, *arguments: str) -> str:
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    return subprocess.run(
        ["git", *author, *arguments], cwd=package, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_codes_commit_and_whether_it_was_changed(checkout: Path) -> None:
    assert provenance.code_version() is None, "nothing is committed yet"
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "first")
    commit = git(checkout, "rev-parse", "HEAD")
    assert provenance.code_version() == {"commit": commit, "dirty": False}
    (checkout.parent / "notes.txt").touch()
    assert provenance.code_version() == {"commit": commit, "dirty": False}, "only the package counts"
    (checkout / "new.py").touch()
    assert provenance.code_version() == {"commit": commit, "dirty": True}


def test_a_package_installed_inside_another_checkout_has_no_commit(checkout: Path) -> None:
    (checkout / "other.py").touch()
    git(checkout, "add", "other.py")
    git(checkout, "commit", "--quiet", "-m", "of somebody else")
    assert provenance.code_version() is None


def commit_all(package: Path) -> None:
    git(package, "add", ".")
    git(package, "commit", "--quiet", "-m", "all")


def test_git_says_why_it_cannot_tell(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_all(checkout)
    with monkeypatch.context() as patch:
        patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        with pytest.raises(provenance.GitError, match="fatal: detected dubious ownership in repository at"):
            provenance.commit_of_code()
        assert provenance.code_version() is None
    monkeypatch.setenv("PATH", "")
    with pytest.raises(provenance.GitError, match="No such file or directory: 'git'"):
        provenance.commit_of_code()


def test_what_is_installed_has_no_commit_and_git_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for folder, is_installed in (("site-packages", True), ("checkout", False)):
        monkeypatch.setattr(provenance, "__file__", str(tmp_path / folder / "package" / "artifacts" / "provenance.py"))
        assert provenance.is_installed() == is_installed
        if is_installed:
            assert provenance.commit_of_code() is None


def test_a_copy_of_a_checkout_says_what_it_is_a_copy_of(checkout: Path) -> None:
    version = {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True}
    (checkout.parent / "code_version.json").write_text(json.dumps(version), encoding="utf-8")
    assert provenance.code_version() == version


def test_no_environment_variable_is_written(tmp_path: Path) -> None:
    secret = "sk-do-not-write-me-anywhere"
    names = [
        "OPENAI_API_KEY",
        "HF_TOKEN",
        "WANDB_API_KEY",
        "USER",
        "LOGNAME",
        "HOSTNAME",
        "OCCPRED_SECRET",
        "AWS_SECRET",
    ]
    environment = {**os.environ, **{name: f"{secret}-{name}" for name in names}}
    program = (
        f"import runpy; names = runpy.run_path({__file__!r}); from pathlib import Path;"
        f"names['ArtifactStore'](Path({str(tmp_path)!r})).make(names['WriteLock']())"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {file.name for file in files} == {"provenance.json", "lock.txt"}
    for file in files:
        assert secret not in file.read_text()
        assert not any(name in file.read_text() for name in names[:-3])


@dataclass(frozen=True)
class WriteLock(Stage):
    """Keeps what the lock says while the stage runs."""

    name: ClassVar[str] = "write_lock"

    def run(self, folder: Path, store: ArtifactStore) -> None:
        (owner,) = folder.parent.glob(".*.lock/*")
        (folder / "lock.txt").write_text(owner.read_text())
