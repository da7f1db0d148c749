from __future__ import annotations

from pathlib import Path

import pytest

from occpred.cluster.ledger import Ledger
from occpred.cluster.submission import Submission

KEY = "train-0123456789abcdef"


def submission(job: str) -> Submission:
    return Submission(job, "/logs/7", "big", ("gather/0", "train/0123456789abcdef"), "somebody on login1")


def test_what_one_process_writes_another_finds(tmp_path: Path) -> None:
    assert Ledger(tmp_path).find(KEY) is None
    with Ledger(tmp_path).lock():
        Ledger(tmp_path).write(KEY, submission("7"))
        Ledger(tmp_path).write(KEY, submission("8"))
    assert Ledger(tmp_path).find(KEY) == submission("8")
    assert [path.name for path in (tmp_path / "submitted").iterdir()] == [f"{KEY}.json"]
    Ledger(tmp_path).remove(KEY, submission("7"))
    assert Ledger(tmp_path).find(KEY) == submission("8"), "what came in its place"
    Ledger(tmp_path).remove(KEY, submission("8"))
    Ledger(tmp_path).remove(KEY, submission("8"))
    assert Ledger(tmp_path).find(KEY) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"job": "7"}', '{"stages": 3}', '{"stages": [], "kind": 1}'])
def test_a_record_that_means_nothing_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / f"{KEY}.json").write_text(text, encoding="utf-8")
    assert Ledger(tmp_path).find(KEY) is None
