"""Answers on disk: what was committed is there, whatever happened, and nothing else."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from occpred.chat.journal import Journal, Totals
from occpred.chat.request import ChatAnswer
from occpred.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from itertools import count
from pathlib import Path
from occpred.chat.journal import Journal
from occpred.chat.request import ChatAnswer

journal, start = Journal(Path(sys.argv[1])), int(sys.argv[2])
for number in count(start, 3):
    group = range(number, number + 3)
    print(*group, flush=True)
    journal.record({str(key): ChatAnswer("x" * 5000, key, 1) for key in group})
    print("committed", *group, flush=True)
"""


def said(text: str, read: int = 1, written: int = 2) -> ChatAnswer:
    return ChatAnswer(text, read, written)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journals" / "model.sqlite")


def test_what_is_recorded_is_found(journal: Journal) -> None:
    answers = {"a": ChatAnswer("é\n\0<|end|>", 7, 11, "length"), "b": said("")}
    journal.record(answers)
    assert Journal(journal.path).find(["a", "c", "b"]) == answers
    assert journal.totals() == Totals(answers=2, prompt_tokens=8, completion_tokens=13)


def test_nothing_is_made_by_looking(journal: Journal) -> None:
    assert journal.find(["a"]) == {}
    assert journal.totals() == Totals()
    assert not journal.path.parent.exists()


def test_the_first_answer_stays(journal: Journal) -> None:
    journal.record({"a": said("first")})
    journal.record({"a": said("second"), "b": said("other")})
    assert journal.find(["a", "b"]) == {"a": said("first"), "b": said("other")}


def test_many_keys_are_found_at_once(journal: Journal) -> None:
    answers = {f"{number:064x}": said(str(number)) for number in range(10_000)}
    journal.record(answers)
    assert journal.find(answers) == answers


def test_a_journal_is_read_while_another_process_writes(journal: Journal) -> None:
    journal.record({"a": said("committed")})
    writer = sqlite3.connect(journal.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM answers")
    assert journal.find(["a"]) == {"a": said("committed")}
    writer.close()
    assert journal.totals().answers == 1


@pytest.mark.parametrize("content", [b"no database, but long enough to be taken for one" * 50, b"short"])
def test_what_is_no_journal_is_refused_and_left_alone(journal: Journal, content: bytes) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(content)
    for use in (lambda: journal.find(["a"]), journal.totals, lambda: journal.record({"a": said("x")})):
        with pytest.raises(UserError, match=r"model.sqlite: the journal .* not a database"):
            use()
    assert journal.path.read_bytes() == content


def test_a_folder_that_cannot_be_written_is_a_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be read or written"):
        Journal(tmp_path / "file" / "model.sqlite").record({"a": said("x")})


class Deadly(dict[str, ChatAnswer]):
    """Answers that kill the process that reads them, after the first few."""

    first = 0

    def items(self) -> Iterator[tuple[str, ChatAnswer]]:  # type: ignore[override]
        yield from islice(super().items(), self.first)
        os.kill(os.getpid(), signal.SIGKILL)


def killed_while_recording(journal: Journal, group: dict[str, ChatAnswer], first: int) -> None:
    """Have a process killed in the middle of a transaction, when `first` of its answers have been handed over."""
    answers = Deadly(group)
    answers.first = first
    child = os.fork()
    if child == 0:
        journal.record(answers)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


# So long that SQLite writes some of them to disk before the commit.
texts = st.sampled_from("xyz").map(lambda character: said(character * 700_000))
groups = st.dictionaries(st.sampled_from("abcdefgh"), texts, max_size=8)


@settings(max_examples=10)
@given(st.lists(st.tuples(st.none() | st.integers(0, 8), groups), max_size=5))
@example([(None, {"a": said("x")}), (8, {key: said("y" * 700_000) for key in "abcdefgh"})])
def test_exactly_what_was_committed_survives(steps: list[tuple[int | None, dict[str, ChatAnswer]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal, committed = Journal(Path(folder) / "model.sqlite"), {}
        for killed_after, group in steps:
            if killed_after is None:
                journal.record(group)
                committed = group | committed
            else:
                killed_while_recording(journal, group, killed_after)
            assert journal.find("abcdefgh") == committed
            assert journal.totals().answers == len(committed)


def test_no_committed_answer_is_lost_to_kill_9(journal: Journal) -> None:
    start = 0
    for lines in (1, 8, 15):  # killed before, in or after a commit
        command = [sys.executable, "-c", WRITER, str(journal.path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
            assert writer.stdout
            said_so = [writer.stdout.readline() for _ in range(lines)]
            os.kill(writer.pid, signal.SIGKILL)
            said_so += writer.stdout.readlines()
        begun = [line.split() for line in said_so if line.endswith("\n") and not line.startswith("committed")]
        committed = {key for line in said_so if line.startswith("committed") for key in line.split()[1:]}
        found = set(journal.find(key for group in begun for key in group))
        assert committed <= found
        assert found - committed in (set(), set(begun[-1]))  # a group is there wholly or not at all
        start = int(begun[-1][-1]) + 1
