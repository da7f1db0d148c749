from __future__ import annotations

import codecs
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.careers.jsonl import JsonlCareers
from occpred.careers.source import MIN_POSITIONS
from occpred.errors import UserError
from occpred.records import CareerHistory, EducationEntry, Occupation, Position, RejectedRow, read_jsonl, write_jsonl
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

TAXONOMY = Taxonomy(
    "three occupations",
    [
        Occupation(
            "11-3021.00", "Computer and Information Systems Managers", alternate_titles=("IT Manager", "Manager")
        ),
        Occupation("15-1252.00", "Software Developers", alternate_titles=("Programmer",)),
        Occupation("29-1141.00", "Registered Nurses", alternate_titles=("Nurse", "Manager")),
    ],
)
DEVELOPER = {"title": "Software Developers", "start": "2009-09", "end": "2013-01"}
NURSE = {"title": "On the ward", "occupation_code": "29-1141.00", "start": "2013-02"}


def person(person_id="p1", positions=(DEVELOPER, NURSE), **more):
    return {"person_id": person_id, "positions": list(positions), **more}


def as_line(value):
    return json.dumps(value, ensure_ascii=False).encode()


@pytest.fixture
def read(tmp_path):
    """Reads lines given as bytes or as values to write as JSON; rejects everything without complaint."""

    def read(*lines, **settings):
        path = tmp_path / "careers.jsonl"
        path.write_bytes(b"\n".join(line if isinstance(line, bytes) else as_line(line) for line in lines))
        return JsonlCareers(str(path), **settings).read_rows(TAXONOMY)

    return read


def test_a_name_is_read_where_there_is_one(read):
    data = read(person(name=" Ada Quill "), person("p2"))
    assert [people.name for people in data.people] == ["Ada Quill", ""]


def test_a_person_is_read_with_everything(read):
    education = {"degree": "BSc", "field": "Nursing", "institution": "UGent", "start": "2005", "end": "2008-06"}
    full = {**NURSE, "employer": "St. Luke's", "description": "Night shifts — and “more”.", "end": None}
    data = read(person(positions=[DEVELOPER, full], education=[education]))
    assert data.people == (
        CareerHistory(
            "p1",
            (EducationEntry("BSc", "Nursing", "UGent", "2005", "2008-06"),),
            (
                Position("15-1252.00", "Software Developers", start="2009-09", end="2013-01"),
                Position("29-1141.00", "On the ward", "St. Luke's", "2013-02", None, "Night shifts — and “more”."),
            ),
        ),
    )
    assert (data.rejected, data.rows_read, data.unit) == ((), 1, "person")


def test_a_name_is_kept_apart_from_the_career(read):
    named, unnamed = read(person(name=" Ada Lovelace "), person("p2")).people
    assert (named.name, unnamed.name) == ("Ada Lovelace", "")
    assert read(person(name=7)).rejected[0].reason.startswith("wrong form: name: Input should be a valid string")


def test_the_example_of_the_docstring_is_accepted(tmp_path):
    documented = JsonlCareers.__doc__
    example = json.loads(documented[documented.index("{") : documented.rindex("}") + 1])
    path = tmp_path / "careers.jsonl"
    path.write_bytes(as_line(example))
    assert len(JsonlCareers(str(path)).read(SampleTaxonomy().load()).people) == 1


@pytest.mark.parametrize(
    ("position", "code", "title", "fact"),
    [
        ({"title": "Registered Nurses"}, "29-1141.00", "Registered Nurses", "exact_title"),
        ({"title": "registered  NURSES"}, "29-1141.00", "registered  NURSES", "normalised_title"),
        ({"title": "nurse"}, "29-1141.00", "nurse", "alternate_title"),
        ({"title": "Nurse", "occupation_code": "15-1252.00"}, "15-1252.00", "Nurse", "code"),
        ({"occupation_code": "15-1252.00"}, "15-1252.00", "Software Developers", "code"),
    ],
)
def test_how_an_occupation_is_recognised(read, position, code, title, fact):
    data = read(person(positions=[position, position]))
    assert data.people[0].positions[1] == Position(code, title)
    assert data.facts == {f"positions_recognised_by_{fact}": 2}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(b'{"person_id": "p1", "positions": [', "broken JSON: EOF", id="broken JSON"),
        pytest.param(b"[" * 100_000, "broken JSON: recursion limit", id="deeply nested"),
        pytest.param(b'{"person_id": "p\xe9"}', "wrong encoding: byte 17 ", id="latin-1"),
        pytest.param(as_line(person()).decode().encode("utf-16"), "wrong encoding: byte 1 ", id="utf-16"),
        pytest.param(rb'{"person_id": "\ud800", "positions": []}', "broken JSON", id="lone surrogate"),
        pytest.param([], "wrong form: the line: Input should be an object", id="no object"),
        pytest.param(7, "wrong form: the line: Input should be an object", id="number"),
        pytest.param({"person_id": "p1"}, "wrong form: positions: Field required", id="no positions"),
        pytest.param(
            person(person_id=7), "wrong form: person_id: Input should be a valid string", id="id of wrong type"
        ),
        pytest.param(person(person_id=" "), "wrong form: person_id is blank", id="blank id"),
        pytest.param(person(postions=[]), "wrong form: postions: Extra inputs", id="misspelt field"),
        pytest.param(
            person(positions=[DEVELOPER, {**NURSE, "start": 2013}]),
            "wrong form: positions[1].start: Input should be a valid string",
            id="date of wrong type",
        ),
        pytest.param(person(education=[{}]), "wrong form: education[0].degree: Field required", id="no degree"),
        pytest.param(person(positions=[]), "too few positions: 0", id="empty history"),
        pytest.param(person(positions=[NURSE]), "too few positions: 1", id="missing target"),
        pytest.param(person(positions=[NURSE] * 10_000), "too many positions: 10000", id="10,000 positions"),
        pytest.param(
            person(positions=[DEVELOPER, {"occupation_code": "29-1141"}]),
            "unknown occupation: positions[1]: code '29-1141'; codes of three occupations look like 11-3021.00",
            id="unknown code",
        ),
        pytest.param(
            person(positions=[DEVELOPER, {"title": "Registered Nurse"}]),
            "unknown occupation: positions[1]: no occupation in three occupations is titled 'Registered Nurse'",
            id="unknown title",
        ),
        pytest.param(
            person(positions=[DEVELOPER, {"title": "Manager"}]),
            "unknown occupation: positions[1]: 'Manager' is a title of 2 occupations",
            id="title of two occupations",
        ),
        pytest.param(
            person(positions=[{"title": " "}, NURSE]),
            "unknown occupation: positions[0] has neither an occupation_code nor a title",
            id="no occupation",
        ),
        pytest.param(
            person(positions=[DEVELOPER, {**NURSE, "end": "2013-01"}]),
            "end before start: positions[1] started 2013-02 and ended 2013-01",
            id="end before start",
        ),
        pytest.param(
            person(education=[{"degree": "BSc", "start": "2003", "end": "2002"}]),
            "end before start: education[0]",
            id="education ends before it starts",
        ),
        pytest.param(
            person(positions=[NURSE, DEVELOPER]), "out of order: positions[1], dated 2009-09,", id="out of order"
        ),
        pytest.param(
            person(education=[{"degree": "MSc", "start": "2003"}, {"degree": "BSc", "start": "2000"}]),
            "out of order: education[1]",
            id="education out of order",
        ),
        pytest.param(
            person(positions=[DEVELOPER, {**NURSE, "start": "02/2013"}]),
            "bad date: positions[1]: '02/2013' is not a date",
            id="bad date",
        ),
    ],
)
def test_a_bad_person_is_set_aside_and_the_others_are_kept(read, line, reason):
    raw = (line if isinstance(line, bytes) else as_line(line)).replace(b"\n", b"")
    data = read(person("before"), raw, person("after"))
    assert [career.person_id for career in data.people] == ["before", "after"]
    (rejected,) = data.rejected
    assert rejected.reason.startswith(reason)
    assert (rejected.source, rejected.line) == ("careers.jsonl", 2)
    assert rejected.excerpt == raw[:80].decode("utf-8", errors="replace").rstrip()
    assert data.rows_read == 3


def test_the_second_of_two_with_one_id_is_set_aside(read):
    data = read(person("p1"), person("p2"), person("p1", positions=[NURSE, NURSE]))
    assert [career.person_id for career in data.people] == ["p1", "p2"]
    assert data.people[0].positions[0].occupation_code == "15-1252.00"
    assert [(row.line, row.reason) for row in data.rejected] == [
        (3, "duplicate person: person_id 'p1' was read before")
    ]


def test_a_refused_person_does_not_take_the_id(read):
    data = read(person("p1", positions=[]), person("p1"))
    assert (len(data.people), len(data.rejected)) == (1, 1)


def test_blank_lines_and_a_byte_order_mark_are_no_rows(read):
    data = read(codecs.BOM_UTF8 + as_line(person()), b"", b"  \r", person("p2"), b"")
    assert (len(data.people), data.rows_read) == (2, 2)


def test_the_longest_history_is_a_setting(read):
    assert not read(person(positions=[NURSE] * 4), max_positions=4).rejected
    assert read(person(positions=[NURSE] * 5), max_positions=4).rejected


def test_who_is_set_aside_is_said(tmp_path, caplog):
    path = tmp_path / "careers.jsonl"
    path.write_bytes(as_line(person("p1")))
    JsonlCareers(str(path)).read(TAXONOMY)
    assert not caplog.messages
    path.write_bytes(as_line(person("p1")) + b"\n{\n")
    JsonlCareers(str(path)).read(TAXONOMY)
    (message,) = caplog.messages
    assert message.startswith(
        f"careers.path={path}: 1 of 2 rows (one person each) rejected, 1 of them for 'broken JSON'"
    )


def test_the_run_stops_only_where_too_much_is_rejected(tmp_path):
    path = tmp_path / "careers.jsonl"
    path.write_bytes(as_line(person("p1")) + b"\n{\n{\n" + as_line(person("p2")))
    careers = JsonlCareers(str(path), max_rejected_share=0.5)
    assert len(careers.read(TAXONOMY).people) == 2
    careers.max_rejected_share = 0.49
    with pytest.raises(
        UserError, match=r"2 of 4 rows .* 2 of them for 'broken JSON' .* line 2.*max_rejected_share=0.49"
    ):
        careers.read(TAXONOMY)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{", b"\xff\xfe"])
def test_nothing_usable_is_a_clear_error(tmp_path, content):
    path = tmp_path / "careers.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no usable career is left"):
        JsonlCareers(str(path), max_rejected_share=1.0).read(TAXONOMY)


def test_a_missing_file_and_a_folder_are_clear_errors(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(UserError, match=r"careers.path=.*cannot be read"):
            JsonlCareers(str(path)).read(TAXONOMY)


TEXT = st.text(max_size=8)
TITLES = st.sampled_from(["Software Developers", "nurse", "Manager", "", "Astronaut"]) | TEXT
CODES = st.sampled_from(["15-1252.00", "29-1141.00", "15-1252"]) | st.none()
DATES = st.sampled_from(["1999", "2004-05", "2004", "2010-12", "2004-13"]) | st.none() | TEXT | st.integers()
POSITIONS = st.fixed_dictionaries(
    {}, optional={"title": TITLES, "occupation_code": CODES, "start": DATES, "end": DATES}
)
EDUCATION = st.fixed_dictionaries({"degree": TEXT}, optional={"start": DATES, "end": DATES})
PEOPLE = st.fixed_dictionaries(
    {"person_id": st.sampled_from(["a", "b", "c"]) | TEXT, "positions": st.lists(POSITIONS, max_size=4)},
    optional={"education": st.lists(EDUCATION, max_size=2)},
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
LINES = st.lists(st.binary(max_size=60) | (PEOPLE | JSON).map(lambda value: json.dumps(value).encode()), max_size=8)


@given(lines=LINES, separator=st.sampled_from([b"\n", b"\r\n"]))
def test_nothing_crashes_and_nothing_vanishes(tmp_path_factory, lines, separator):
    content = separator.join(lines)
    path = tmp_path_factory.getbasetemp() / "arbitrary.jsonl"
    path.write_bytes(content)
    data = JsonlCareers(str(path)).read_rows(TAXONOMY)
    rows = [line for line in content.removeprefix(codecs.BOM_UTF8).split(b"\n") if line.strip()]
    assert len(data.people) + len(data.rejected) == data.rows_read == len(rows)
    assert len({career.person_id for career in data.people}) == len(data.people)
    for career in data.people:
        assert len(career.positions) >= MIN_POSITIONS
        assert all(position.occupation_code in TAXONOMY for position in career.positions)
    for kind, records in ((CareerHistory, data.people), (RejectedRow, data.rejected)):
        write_jsonl(path, records)
        assert tuple(read_jsonl(path, kind)) == records
