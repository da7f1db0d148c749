"""The one checkpoint to go on from: a file or a folder, and whole whenever the machine goes down."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from occpred.training.resume import ResumePoint

OPERATIONS = ((Path, "rename"), (Path, "unlink"), (shutil, "rmtree"))
"""All that changes names on a disk."""


class PowerCut(BaseException):
    """The machine goes down."""


def write_file(path: Path, content: str) -> None:
    path.write_text(content)


def write_folder(path: Path, content: str) -> None:
    path.mkdir()
    for part in ("first", "second"):
        (path / part).write_text(content)


Write = Callable[[Path, str], None]
KINDS = pytest.mark.parametrize(
    ("write_old", "write_new"),
    [(old, new) for old in (write_file, write_folder) for new in (write_file, write_folder)],
    ids=["file, file", "file, folder", "folder, file", "folder, folder"],
)


def save(point: ResumePoint, write: Write, content: str) -> None:
    write(point.make_room(), content)
    point.replace()


def read(point: ResumePoint) -> str | None:
    """The content of the checkpoint, which is whole."""
    found = point.find()
    if found is None:
        return None
    if found.is_file():
        return found.read_text()
    first, second = (found / "first").read_text(), (found / "second").read_text()
    assert first == second
    return first


def cut_power_after(operations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine go down in the middle of the next operation; only a folder's removal has a middle."""
    left = [operations]

    def counted(original: Callable[..., Any], path: Path, *arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            return original(path, *arguments, **options)
        if original is remove_folder:
            (path / "first").unlink()
        raise PowerCut

    remove_folder = shutil.rmtree
    for owner, name in OPERATIONS:
        original = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *given, original=original, **options: counted(original, *given, **options)
        )


@KINDS
def test_a_checkpoint_takes_the_place_of_another(write_old: Write, write_new: Write, tmp_path: Path) -> None:
    point = ResumePoint(tmp_path / "resume.ckpt")
    assert read(point) is None
    save(point, write_old, "old")
    assert read(point) == "old"
    save(point, write_new, "new")
    assert read(point) == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "resume.ckpt"]
    point.remove()
    assert read(point) is None
    assert not list(tmp_path.iterdir())
    point.remove()


@KINDS
@pytest.mark.parametrize("cut_after", range(5))
def test_it_is_whole_when_the_machine_goes_down(
    cut_after: int, write_old: Write, write_new: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = ResumePoint(tmp_path / "resume.ckpt")
    save(point, write_old, "old")
    for content in ("new", "newer", "newest"):  # what a power cut left must not matter to the next replacement
        before = read(point)
        with monkeypatch.context() as patch:
            cut_power_after(cut_after, patch)
            try:
                save(point, write_new, content)
            except PowerCut:
                assert read(point) in (before, content)
    save(point, write_new, "last")
    assert read(point) == "last"
    assert list(tmp_path.iterdir()) == [tmp_path / "resume.ckpt"]


@KINDS
@pytest.mark.parametrize("cut_after", range(4))
def test_it_is_whole_or_gone_when_the_machine_goes_down_as_it_is_removed(
    cut_after: int, write_old: Write, write_new: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = ResumePoint(tmp_path / "resume.ckpt")
    save(point, write_old, "old")
    write_new(point.make_room(), "unfinished")
    with monkeypatch.context() as patch:
        cut_power_after(cut_after, patch)
        try:
            point.remove()
        except PowerCut:
            assert read(point) in ("old", None)
    point.remove()
    assert not list(tmp_path.iterdir())
