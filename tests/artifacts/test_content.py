from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from occpred.artifacts.content import content_digest
from occpred.errors import UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("one")
    (folder / "deep" / "b.txt").write_text("two")
    return folder


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_counts_by_its_bytes(folder: Path) -> None:
    assert content_digest(folder / "a.txt") == sha256(b"one")


def test_a_folder_counts_by_sorted_paths_and_bytes(folder: Path) -> None:
    expected = f"a.txt\0{sha256(b'one')}\0deep/b.txt\0{sha256(b'two')}\0"
    assert content_digest(folder) == sha256(expected.encode())


def test_a_copy_elsewhere_has_the_same_digest(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    assert content_digest(tmp_path / "copy") == content_digest(folder)


def test_content_names_and_additions_change_a_folders_digest(folder: Path) -> None:
    seen = {content_digest(folder)}
    (folder / "a.txt").write_text("One, and longer")
    seen.add(content_digest(folder))
    (folder / "a.txt").rename(folder / "c.txt")
    seen.add(content_digest(folder))
    (folder / "empty").touch()
    seen.add(content_digest(folder))
    assert len(seen) == 4


def test_a_change_of_equal_length_is_seen_by_its_time(folder: Path) -> None:
    file = folder / "a.txt"
    before = content_digest(file)
    file.write_text("ONE")
    os.utime(file, ns=(1, 1))
    assert content_digest(file) == sha256(b"ONE") != before


def test_files_behind_links_count(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(folder)
    (tmp_path / "outer").mkdir()
    (tmp_path / "outer" / "inner").symlink_to(folder)
    before = content_digest(tmp_path / "outer")
    assert content_digest(tmp_path / "linked") == content_digest(folder)
    (folder / "deep" / "b.txt").write_text("changed")
    assert content_digest(tmp_path / "outer") != before


def test_home_is_understood(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert content_digest(Path("~/a.txt")) == sha256(b"one")


def test_what_is_missing_or_broken_is_named(folder: Path) -> None:
    with pytest.raises(UserError, match=r"nothing: no such file or folder"):
        content_digest(folder / "nothing")
    (folder / "dangling").symlink_to("nowhere")
    with pytest.raises(UserError, match="dangling"):
        content_digest(folder)
