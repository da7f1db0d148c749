from __future__ import annotations

from pathlib import Path

from occpred.cluster.restarts import headway, is_stuck

STAGES = ("gather/01", "train/02")


def test_headway_is_a_stage_a_checkpoint_or_an_answer(tmp_path: Path) -> None:
    def changes() -> bool:
        nonlocal before
        before, now = headway(tmp_path, STAGES), before
        return before != now

    before = headway(tmp_path, STAGES)
    partial = tmp_path / "train" / ".02.partial"
    partial.mkdir(parents=True)
    (partial / "log.csv").write_text("step,loss\n")
    assert not changes()
    (tmp_path / "gather" / "01").mkdir(parents=True)
    assert changes()
    (partial / "resume.ckpt").write_text("step 1")
    assert changes()
    assert not changes()
    (partial / "resume.ckpt").write_text("step 2")
    assert changes()
    (tmp_path / "journals").mkdir()
    (tmp_path / "journals" / "model.sqlite").write_text("an answer")
    assert changes()
    (tmp_path / "gather" / "99").mkdir()
    assert not changes(), "what others make is nothing to it"


def test_a_job_is_stuck_that_stands_where_it_stood(tmp_path: Path) -> None:
    note = tmp_path / "7_headway.json"
    assert [is_stuck(note, list(won)) for won in ("", "", "a", "ab", "ab")] == [False, True, False, False, True]
