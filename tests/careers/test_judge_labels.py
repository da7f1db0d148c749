from __future__ import annotations

import json

import pytest

from occpred.careers.judge_labels import JudgeLabels, LabelledReason
from occpred.errors import UserError
from occpred.records import CareerHistory, EducationEntry, Occupation, Position, read_jsonl, write_jsonl
from occpred.taxonomy.taxonomy import Taxonomy

TAXONOMY = Taxonomy(
    "two occupations",
    [Occupation("11-9111.00", "Medical and Health Services Managers"), Occupation("29-1141.00", "Registered Nurses")],
)
HISTORY = {
    "education": [{"degree": "BSc", "field": "Nursing"}],
    "positions": [{"title": "Registered Nurses", "start": "2009-09"}],
}


def label(label_id="l1", **more):
    given = {
        "label_id": label_id,
        "history": HISTORY,
        "reason": "After years on the ward, leading one is the next step.",
        "occupation": "Medical and Health Services Managers",
        "factuality": 5,
        "coherence": 4,
        "utility": 3,
    } | more
    return {name: value for name, value in given.items() if value is not ...}


@pytest.fixture
def read(tmp_path):
    """Reads labels given as values or as lines."""

    def read(*lines, max_rejected_share=1.0):
        path = tmp_path / "judge_labels.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
        return JudgeLabels(str(path), max_rejected_share).read(TAXONOMY)

    return read


def test_a_label_is_read_with_everything(read):
    found = read(label(), label("l2", occupation=..., occupation_code="29-1141.00", coherence=..., utility=None))
    first = LabelledReason(
        "l1",
        CareerHistory(
            "l1",
            (EducationEntry("BSc", "Nursing"),),
            (Position("29-1141.00", "Registered Nurses", start="2009-09"),),
        ),
        "After years on the ward, leading one is the next step.",
        "11-9111.00",
        {"factuality": 5, "coherence": 4, "utility": 3},
    )
    assert found.reasons[0] == first
    assert (found.reasons[1].target_code, found.reasons[1].marks) == ("29-1141.00", {"factuality": 5})
    assert found.rejected == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"label_id": "l2"', "broken JSON: "),
        (label("l2", reason=...), "wrong form: reason: Field required"),
        (label("l2", reason=" "), "wrong form: reason is blank"),
        (label(" "), "wrong form: label_id is blank"),
        (label("l1"), "duplicate label: label_id 'l1' was read before"),
        (label("l2", utility=6), "wrong form: utility: "),
        (label("l2", utility=0), "wrong form: utility: "),
        (label("l2", utility="5"), "wrong form: utility: "),
        (label("l2", usefulness=5), "wrong form: usefulness: "),
        (label("l2", factuality=..., coherence=..., utility=...), "no mark: one of factuality, coherence, utility"),
        (label("l2", history={"positions": []}), "too few positions: "),
        (label("l2", history={"positions": [{"title": "Wizard"}]}), "unknown occupation: positions[0]: no occupation"),
        (label("l2", occupation="Wizard"), "unknown occupation: occupation: no occupation"),
        (label("l2", occupation=...), "unknown occupation: occupation has neither"),
        (
            label("l2", history={"positions": [{"title": "Registered Nurses", "start": "2009", "end": "2008"}]}),
            "end before start: positions[0]",
        ),
    ],
)
def test_a_bad_line_is_set_aside_by_line_and_reason(read, line, reason):
    found = read(label(), "", line, label("l3"))
    assert [each.label_id for each in found.reasons] == ["l1", "l3"]
    (row,) = found.rejected
    assert (row.source, row.line) == ("judge_labels.jsonl", 3)
    assert row.reason.startswith(reason)


def test_too_many_bad_lines_stop_the_run(read):
    assert len(read(label(), "{}", max_rejected_share=0.5).rejected) == 1
    with pytest.raises(UserError, match=r"1 of 2 rows .* 'wrong form' .* line 2.*judge_labels.max_rejected_share=0.49"):
        read(label(), "{}", max_rejected_share=0.49)
    with pytest.raises(UserError, match="no usable label is left"):
        read("{}", "")
    with pytest.raises(UserError, match="0 of 0 rows"):
        read("")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match=r"judge_labels.path=.* cannot be read"):
        JudgeLabels(str(tmp_path)).read(TAXONOMY)


def test_labels_survive_being_stored(read, tmp_path):
    reasons = read(label()).reasons
    write_jsonl(tmp_path / "labels.jsonl", reasons)
    assert tuple(read_jsonl(tmp_path / "labels.jsonl", LabelledReason)) == reasons
