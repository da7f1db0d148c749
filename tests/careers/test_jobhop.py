from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.careers.jobhop import UNIVERSITY_STUDIES, JobHopCareers
from occpred.careers.source import CanonicalCut
from occpred.errors import UserError
from occpred.records import Occupation, Position
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.taxonomy import Taxonomy

ITEMS = Taxonomy(
    "items", [Occupation("dev", "developer"), Occupation("desk", "help desk agent"), Occupation("boss", "boss")]
)
ONET = Taxonomy("O*NET", [Occupation("15-1252.00", "Software Developers"), Occupation("15-1232.00", "User Support")])
V1_HEADER = "person_id,matched_label,matched_description,matched_code,start_date,end_date,university_studies"
CROSSWALK = """esco_code,esco_title,onet_code,onet_title
2512.4,developer,15-1252.00,Software Developers
2512.4,developer,15-1251.00,Computer Programmers
3512.1,help desk agent,15-1232.00,User Support
1330.1,boss,11-3021.00,Managers
"""


@pytest.fixture
def crosswalk(tmp_path):
    path = tmp_path / "crosswalk.csv"
    path.write_text(CROSSWALK)
    return str(path)


@pytest.fixture
def benchmark(tmp_path):
    """Writes a benchmark folder from jobs (`user,sequence_pos,item,start,end,studies`) and rows of the split."""

    def write(jobs, cuts=None):
        folder = tmp_path / "benchmark"
        folder.mkdir(exist_ok=True)
        (folder / "items.csv").write_text(
            "item_id,label,family,description_en,matched_code\n"
            "dev,developer,f,d,2512.4\ndesk,help desk agent,f,d,3512.1\nboss,boss,f,d,1330.1\n"
        )
        header = "user_id,sequence_pos,item_id,label,family,start_date,end_date,university_studies"
        rows = []
        for job in jobs:
            user, number, item, start, end, studies = job.split(",")
            rows.append(f"{user},{number},{item},the {item},f,{start},{end},{studies}")
        (folder / "interactions.csv").write_text("\n".join([header, *rows]))
        if cuts is not None:
            header = "user_id,train_length,val_position,test_position,val_item_id,test_item_id"
            (folder / "canonical_split.csv").write_text("\n".join([header, *cuts]))
        return str(folder)

    return write


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        path = tmp_path / "JobHop.csv"
        path.write_bytes("\n".join([V1_HEADER, *rows]).encode())
        return str(path)

    return write


def check_nothing_vanished(data):
    assert sum(len(career.positions) for career in data.people) + len(data.rejected) == data.rows_read
    assert len({(row.source, row.line) for row in data.rejected}) == len(data.rejected)


def reasons(data):
    check_nothing_vanished(data)
    return {row.line: row.reason for row in data.rejected}


FIVE_JOBS = [
    "7,0,dev,Q1 2001,Q4 2001,True",
    "7,1,desk,Q2 2002,Q3 2002,True",
    "7,2,dev,,Q1 2004,True",
    "7,3,boss,Q4 2004,,True",
    "7,4,desk,Q1 2006,,True",
]


def test_the_benchmark_is_read_with_its_cuts(benchmark):
    data = JobHopCareers(benchmark(FIVE_JOBS, ["7,3,3,4,boss,desk"])).read_rows(ITEMS)
    (career,) = data.people
    assert career.person_id == "7"
    assert career.education == (UNIVERSITY_STUDIES,)
    assert career.positions == (
        Position("dev", "the dev", start="2001-01", end="2001-10"),
        Position("desk", "the desk", start="2002-04", end="2002-07"),
        Position("dev", "the dev", start=None, end="2004-01"),
        Position("boss", "the boss", start="2004-10", end=None),
        Position("desk", "the desk", start="2006-01", end=None),
    )
    assert data.cuts == {"7": CanonicalCut(3, 4)}
    assert data.facts == {"positions_undated_share": 0.2}
    assert (data.rejected, data.rows_read, data.unit) == ((), 5, "position")


def test_the_order_of_the_rows_does_not_matter_and_people_may_mingle(benchmark):
    jobs = ["8,1,dev,,,False", "7,1,desk,,,True", "8,0,desk,,,False", "7,0,dev,,,True"]
    data = JobHopCareers(benchmark(jobs)).read_rows(ITEMS)
    codes = {career.person_id: [position.occupation_code for position in career.positions] for career in data.people}
    assert codes == {"8": ["desk", "dev"], "7": ["dev", "desk"]}
    assert [career.education for career in data.people] == [(), (UNIVERSITY_STUDIES,)]
    assert data.cuts is None


def test_a_dropped_row_moves_the_cut_with_its_jobs(benchmark):
    jobs = [*FIVE_JOBS[:1], "7,1,desk,Q2 2002,Q1 2002,True", *FIVE_JOBS[2:]]
    data = JobHopCareers(benchmark(jobs, ["7,3,3,4,boss,desk"])).read_rows(ITEMS)
    assert reasons(data) == {3: "end before start: the job started 2002-04 and ended 2002-01"}
    assert data.cuts == {"7": CanonicalCut(2, 3)}
    assert [position.occupation_code for position in data.people[0].positions] == ["dev", "dev", "boss", "desk"]


@pytest.mark.parametrize(
    ("cut", "reason"),
    [
        pytest.param("8,3,3,4,boss,desk", "canonical_split.csv does not name this person", id="another person"),
        pytest.param("7,3,3,5,boss,desk", "line 2: missing job: position 5 is not among", id="beyond the career"),
        pytest.param("7,3,3,4,dev,desk", "line 2: wrong item: position 3 is said to be 'dev', but", id="another item"),
        pytest.param("7,3,x,4,boss,desk", "line 2: wrong form: position 'x' is not a whole number", id="no number"),
        pytest.param("7,3,0,4,dev,desk", "needed is 1 <= validation < test", id="nothing before validation"),
        pytest.param("7,3,4,3,desk,boss", "needed is 1 <= validation < test", id="test before validation"),
        pytest.param("7,3", "canonical_split.csv does not name this person", id="damaged row"),
    ],
)
def test_a_person_without_a_fitting_cut_is_set_aside(benchmark, cut, reason):
    data = JobHopCareers(benchmark(FIVE_JOBS, [cut])).read_rows(ITEMS)
    assert set(reasons(data)) == {2, 3, 4, 5, 6}
    assert all(row.reason.startswith("no canonical split: ") and reason in row.reason for row in data.rejected)


def test_a_person_whose_test_job_was_dropped_is_set_aside(benchmark):
    jobs = [*FIVE_JOBS[:4], "7,4,desk,2006,,True"]
    found = reasons(JobHopCareers(benchmark(jobs, ["7,3,3,4,boss,desk"])).read_rows(ITEMS))
    assert found[6] == "bad date: start_date '2006' is not a quarter like 'Q3 1996'"
    assert all("missing job: position 4" in found[line] for line in (2, 3, 4, 5))


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("7,2,chef,,,True", "unknown occupation: item_id 'chef' is not in items.csv"),
        ("7,-1,dev,,,True", "wrong form: sequence_pos '-1' is not a whole number"),
        ("7,1,dev,,,True", "duplicate position: the person already has a job of number 1"),
        ("7,2,dev,Q5 1999,,True", "bad date: start_date 'Q5 1999'"),
        ("7,2,dev,Q1 1830,,True", "bad date: the job: '1830-01' is not a date"),
        ("7,2,dev,,,perhaps", "wrong form: university_studies 'perhaps' is neither True nor False"),
        (" ,2,dev,,,True", "wrong form: the person has no id"),
    ],
)
def test_a_bad_row_costs_itself_alone(benchmark, job, reason):
    data = JobHopCareers(benchmark(["7,0,dev,,,True", "7,1,desk,,,True", job])).read_rows(ITEMS)
    ((line, found),) = reasons(data).items()
    assert line == 4
    assert found.startswith(reason)
    assert len(data.people[0].positions) == 2


def test_careers_of_one_or_too_many_jobs_or_in_disorder_are_set_aside(benchmark):
    short = ["1,0,dev,,,True"]
    long = [f"2,{number},dev,,,True" for number in range(4)]
    disorder = ["3,0,dev,Q1 2005,,True", "3,1,desk,Q1 2001,,True"]
    data = JobHopCareers(benchmark([*short, *long, *disorder]), max_positions=3).read_rows(ITEMS)
    kinds = [reasons(data)[line].partition(":")[0] for line in range(2, 9)]
    assert kinds == ["too few positions"] + ["too many positions"] * 4 + ["out of order"] * 2


def test_esco_codes_go_through_the_crosswalk(benchmark, crosswalk):
    jobs = ["7,0,dev,,,True", "7,1,desk,,,True", "7,2,boss,,,True", "8,0,dev,,,True", "8,1,boss,,,True"]
    data = JobHopCareers(benchmark(jobs), crosswalk_path=crosswalk).read_rows(ONET)
    assert [[position.occupation_code for position in career.positions] for career in data.people] == [
        ["15-1252.00", "15-1232.00"]
    ]
    gone = "unknown occupation: ESCO code 1330.1 means 11-3021.00 Managers, which is not in O*NET"
    assert reasons(data) == {
        4: gone,
        5: "too few positions: 1, but history and target need at least 2",
        6: gone,
    }
    assert data.facts == pytest.approx(
        {
            "esco_codes": 3,
            "esco_codes_mapped_share": 2 / 3,
            "esco_codes_ambiguous_share": 1 / 3,
            "positions_mapped_share": 3 / 5,
            "positions_ambiguous_share": 2 / 5,
            "positions_undated_share": 1.0,
        }
    )


def test_the_crosswalk_is_not_asked_where_the_taxonomy_has_the_items(benchmark, crosswalk):
    path = benchmark(["7,0,dev,,,True", "7,1,desk,,,True"])
    assert JobHopCareers(path, crosswalk_path=crosswalk).read(ITEMS) == JobHopCareers(path).read(ITEMS)


def test_without_a_crosswalk_the_error_asks_for_it(benchmark):
    path = benchmark(["7,0,dev,,,True", "7,1,desk,,,True"])
    with pytest.raises(UserError, match=r"dev or 2512.4 is not in O\*NET; set careers.crosswalk_path"):
        JobHopCareers(path).read(ONET)


def test_the_v1_table_is_read(table, crosswalk):
    path = table(
        '7,developer,"Writes code.\nAnd tests.",2512.4,Q3 1996,Q1 1999,True',
        "8,developer,,2512.4,,,False",
        "7,developer,,2512.4,Q1 2003,,True",
        "7,help desk agent,,3512.1,,,True",
        "7,help desk agent,,3512.1,Q2 1999,,True",
        "8,help desk agent,,3512.1,Q2 1999,,False",
        "9,astronaut,,9999.9,Q2 1999,,False",
    )
    data = JobHopCareers(path, crosswalk_path=crosswalk).read_rows(ONET)
    seven, eight = data.people
    assert [(position.title, position.start) for position in seven.positions] == [
        ("developer", "1996-07"),
        ("help desk agent", "1999-04"),
        ("developer", "2003-01"),
        ("help desk agent", None),
    ]
    assert [position.occupation_code for position in eight.positions] == ["15-1252.00", "15-1232.00"]
    assert reasons(data) == {9: "unknown occupation: ESCO code '9999.9' is not in the crosswalk"}
    assert (data.rows_read, data.cuts) == (7, None)


def test_a_path_that_is_no_jobhop_is_a_clear_error(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    for path, complaint in (
        (tmp_path / "none", "does not exist"),
        (empty, "give the ICT benchmark's folder"),
        (other, "column 'person_id' is missing"),
    ):
        with pytest.raises(UserError, match=complaint):
            JobHopCareers(str(path)).read(ITEMS)


CELLS = {
    "person": st.sampled_from(["7", "8", ""]),
    "label": st.text(max_size=4),
    "description": st.text('a"\n,', max_size=4),
    "code": st.sampled_from(["dev", "desk", "x"]),
    "start": st.sampled_from(["", "Q1 2001", "Q4 1999", "Q9 1999"]),
    "end": st.sampled_from(["", "Q2 2001", "Q1 1999"]),
    "studies": st.sampled_from(["True", "False", "", "2"]),
}
ROWS = st.fixed_dictionaries(CELLS).map(lambda cells: ",".join(cells.values()).encode())


@given(st.lists(ROWS | st.binary(max_size=40), max_size=12))
def test_nothing_crashes_and_nothing_vanishes(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "jobhop.csv"
    path.write_bytes(b"\n".join([V1_HEADER.encode(), *rows]))
    data = JobHopCareers(str(path), max_positions=5).read_rows(ITEMS)
    check_nothing_vanished(data)
    assert all(2 <= len(career.positions) <= 5 for career in data.people)


@given(jobs=st.binary(max_size=60), cuts=st.binary(max_size=60))
def test_damaged_benchmark_files_do_no_harm(tmp_path_factory, jobs, cuts):
    folder = tmp_path_factory.getbasetemp() / "damaged"
    folder.mkdir(exist_ok=True)
    (folder / "items.csv").write_text("item_id,matched_code\ndev,1\ndesk,2\n")
    header = b"user_id,sequence_pos,item_id,label,start_date,end_date,university_studies\n"
    good = b"7,0,dev,d,,,True\n7,1,desk,d,,,True\n7,2,dev,d,,,True\n"
    (folder / "interactions.csv").write_bytes(header + good + jobs)
    header = b"user_id,val_position,test_position,val_item_id,test_item_id\n"
    (folder / "canonical_split.csv").write_bytes(header + b"7,1,2,desk,dev\n" + cuts)
    data = JobHopCareers(str(folder)).read_rows(ITEMS)
    check_nothing_vanished(data)
    assert data.cuts is not None
    assert data.cuts.keys() == {career.person_id for career in data.people}
    assert data.cuts["7"] == CanonicalCut(1, 2)


def test_the_real_benchmark_is_used_wholly(shared_data):
    folder = str(shared_data / "jobhop_ict")
    crosswalk = str(shared_data / "esco_crosswalk" / "ESCO_to_ONET-SOC.csv")
    onet = JobHopCareers(folder, crosswalk_path=crosswalk).read(OnetTaxonomy(str(shared_data / "onet_29_1")).load())
    items = JobHopCareers(folder).read(JobHopItemsTaxonomy(folder).load())
    for data in (onet, items):
        assert (len(data.people), data.rows_read, len(data.rejected)) == (2778, 10_826, 0)
        assert data.cuts is not None
        assert all(data.cuts[person.person_id].test_position == len(person.positions) - 1 for person in data.people)
    assert (onet.facts["esco_codes"], onet.facts["positions_mapped_share"]) == (47, 1.0)
    assert onet.facts["esco_codes_ambiguous_share"] == 32 / 47
    assert len({position.occupation_code for person in onet.people for position in person.positions}) == 22
