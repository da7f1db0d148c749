from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.careers.csv_rows import read_rows
from occpred.careers.source import RowError
from occpred.errors import UserError

GOOD = [b"1,ada", b"2,bob", b"3,cy"]


@pytest.fixture
def read(tmp_path):
    def read(content, columns=("id", "name")):
        path = tmp_path / "people.csv"
        path.write_bytes(content)
        return list(read_rows(path, columns))

    return read


def lines_and_cells(rows):
    return [(row.origin.line, dict(row.cells)) for row in rows]


def test_columns_are_found_by_name(read):
    assert lines_and_cells(read(b"\xef\xbb\xbfname,age,id\r\nada,36,1\r\n\r\nbob,40,2")) == [
        (2, {"name": "ada", "age": "36", "id": "1"}),
        (4, {"name": "bob", "age": "40", "id": "2"}),
    ]


def test_a_quoted_cell_may_run_over_lines(read):
    rows = read(b'id,name\n1,"ada\nof ""London"", 1815"\n2,bob\n')
    assert lines_and_cells(rows) == [
        (2, {"id": "1", "name": 'ada\nof "London", 1815'}),
        (4, {"id": "2", "name": "bob"}),
    ]
    assert rows[0].origin.excerpt == '1,"ada\nof ""London"", 1815"'


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "broken CSV: 1 cells where the header has 2"),
        (b"1,ada,36", "broken CSV: 3 cells where the header has 2"),
        (b'1,"ada', "broken CSV: unexpected end of data"),
        (b'1,"ada"x', "broken CSV: ',' expected"),
        (b"1,\xff", "wrong encoding: byte 3 of the row is not UTF-8"),
        (b"1," + b"x" * 200_000, "broken CSV: field larger than field limit"),
    ],
)
def test_a_damaged_row_costs_itself_alone(read, line, reason):
    before, damaged, after = read(b"\n".join([b"id,name", GOOD[0], line, GOOD[1]]))
    assert (before.cells["name"], after.cells["name"]) == ("ada", "bob")
    with pytest.raises(RowError, match=f"^{reason}"):
        damaged.cells  # noqa: B018 (reading it is what raises)
    rejected = damaged.origin.rejected(RowError("broken CSV", "as said"))
    assert (rejected.source, rejected.line, rejected.reason) == ("people.csv", 3, "broken CSV: as said")
    assert len(rejected.excerpt) <= 80


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"id,nom\n1,ada", "column 'name' is missing; a header with the columns id, name is needed"),
        (b"id,\xff\n1,ada", "not UTF-8"),
        (b'"id,name\n1,ada', "broken CSV"),
        ("id,name\n1,ada".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_without_a_usable_header_is_a_clear_error(read, content, complaint):
    with pytest.raises(UserError, match=f"people.csv: .*{complaint}"):
        read(content)


@given(
    junk=st.binary(max_size=30).filter(lambda junk: b"\n" not in junk and b"\r" not in junk), place=st.integers(0, 3)
)
def test_an_unclosed_quote_swallows_nothing(tmp_path_factory, junk, place):
    line = b'9,"' + junk.replace(b'"', b'""')
    path = tmp_path_factory.getbasetemp() / "unclosed.csv"
    path.write_bytes(b"\n".join([b"id,name", *GOOD[:place], line, *GOOD[place:]]))
    rows = list(read_rows(path, ("id", "name")))
    assert [row.cells["name"] for row in rows if not isinstance(row.found, RowError)] == ["ada", "bob", "cy"]
    assert [row.origin.line for row in rows if isinstance(row.found, RowError)] == [place + 2]


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=2, max_size=2), max_size=5))
def test_whatever_a_csv_writer_writes_is_read_back(tmp_path_factory, table):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["id", "name"], *table])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(text.getvalue().encode())
    assert [list(row.cells.values()) for row in read_rows(path, ("id", "name"))] == table


@given(st.binary(max_size=120))
def test_no_line_vanishes(tmp_path_factory, junk):
    path = tmp_path_factory.getbasetemp() / "junk.csv"
    path.write_bytes(b"id,name\n" + junk)
    rows = list(read_rows(path, ("id", "name")))
    starts = [row.origin.line for row in rows]
    assert starts == sorted(set(starts))
    if b'"' not in junk:
        assert starts == [number for number, line in enumerate(junk.split(b"\n"), start=2) if line.strip()]
