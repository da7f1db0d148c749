"""The official release is read from a folder or a zip; what is damaged is named by file and line."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from occpred.errors import UserError
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.taxonomy import Match, MatchKind, Taxonomy, UnknownTitleError

FILES = {
    "Occupation Data.txt": (
        "O*NET-SOC Code\tTitle\tDescription\n"
        '29-1141.00\tRegistered Nurses\tGive "care".\n'
        "31-1131.00\tNursing Assistants\tHelp.\n"
        "29-1171.00\tNurse Practitioners\tDiagnose.\n"
    ),
    "Related Occupations.txt": (
        "O*NET-SOC Code\tRelated O*NET-SOC Code\tRelatedness Tier\tIndex\n"
        "29-1141.00\t31-1131.00\tPrimary-Long\t10\n"
        "29-1141.00\t29-1171.00\tPrimary-Short\t2\n"
    ),
    "Job Zones.txt": "O*NET-SOC Code\tJob Zone\tDate\tDomain Source\n29-1141.00\t4\t08/2023\tAnalyst\n",
    "Alternate Titles.txt": (
        "O*NET-SOC Code\tAlternate Title\tShort Title\tSource(s)\n"
        "29-1141.00\tRN (Registered Nurse)\tRN\t04\n"
        "29-1141.00\tStaff Nurse\tn/a\t04\n"
        "31-1131.00\tCertified Nursing Assistant (CNA)\tCNA\t04\n"
        "31-1131.00\tSinger (Burning)\tn/a\t04\n"
    ),
    "Read Me.txt": "O*NET 30.2 Database\nSome Release\n",
}


def write_folder(folder: Path, files: dict[str, str] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def write_zip(path: Path, prefix: str, files: dict[str, str] = FILES) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(prefix + name, text)
    return path


def check_small_release(taxonomy: Taxonomy) -> None:
    assert taxonomy.name == "O*NET 30.2"
    assert taxonomy.codes == ("29-1141.00", "29-1171.00", "31-1131.00")
    nurses = taxonomy["29-1141.00"]
    assert nurses.description == 'Give "care".'
    assert nurses.job_zone == 4
    assert nurses.related == ("29-1171.00", "31-1131.00"), "by index 2, 10, not by line or as text"
    assert nurses.alternate_titles == ("RN (Registered Nurse)", "RN", "Registered Nurse", "Staff Nurse")
    assistants = taxonomy["31-1131.00"]
    assert assistants.job_zone is None
    assert assistants.related == ()
    assert assistants.alternate_titles == (
        "Certified Nursing Assistant (CNA)",
        "Certified Nursing Assistant",
        "CNA",
        "Singer (Burning)",
    )


def test_a_folder(tmp_path: Path) -> None:
    check_small_release(OnetTaxonomy(str(write_folder(tmp_path / "onet"))).load())


def test_a_folder_within_the_folder(tmp_path: Path) -> None:
    (tmp_path / "another").mkdir()
    write_folder(tmp_path / "db_30_2_text")
    check_small_release(OnetTaxonomy(str(tmp_path)).load())


@pytest.mark.parametrize("prefix", ["", "db_30_2_text/"])
def test_a_zip(tmp_path: Path, prefix: str) -> None:
    check_small_release(OnetTaxonomy(str(write_zip(tmp_path / "onet.zip", prefix))).load())


@pytest.mark.parametrize(
    ("folder", "name"), [("db_27_3_text", "O*NET 27.3"), ("onet_28.0", "O*NET 28.0"), ("mine", "O*NET")]
)
def test_without_a_read_me_the_name_tells_the_release(tmp_path: Path, folder: str, name: str) -> None:
    files = {file: text for file, text in FILES.items() if file != "Read Me.txt"}
    assert OnetTaxonomy(str(write_folder(tmp_path / folder, files))).load().name == name
    assert OnetTaxonomy(str(write_zip(tmp_path / f"{folder}.zip", "", files))).load().name == name


def test_further_and_reordered_columns_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    occupations = [line.split("\t") for line in FILES["Occupation Data.txt"].splitlines()]
    table = "".join("\t".join((fields[1], "more", *fields[::2])) + "\r\n" for fields in occupations)
    folder = write_folder(tmp_path / "onet", FILES | {"Occupation Data.txt": "\ufeff" + table})
    check_small_release(OnetTaxonomy(str(folder)).load())


def test_job_zones_and_alternate_titles_may_be_missing(tmp_path: Path) -> None:
    files = {name: FILES[name] for name in ("Occupation Data.txt", "Related Occupations.txt")}
    taxonomy = OnetTaxonomy(str(write_folder(tmp_path / "onet", files))).load()
    assert [occupation.job_zone for occupation in taxonomy.occupations] == [None, None, None]
    assert [occupation.alternate_titles for occupation in taxonomy.occupations] == [(), (), ()]


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("Occupation Data.txt", "\tHelp.", "", r"Occupation Data.txt, line 3: has 2 fields where the header has 3"),
        (
            "Occupation Data.txt",
            "31-1131.00",
            "31-1131",
            r"Occupation Data.txt, line 3: '31-1131' is no O\*NET-SOC code",
        ),
        ("Occupation Data.txt", "31-1131.00", "29-1141.00", r"line 3: code 29-1141.00 was there before"),
        ("Occupation Data.txt", "Nursing Assistants", " ", r"line 3: 'Title' is empty"),
        ("Occupation Data.txt", "Nursing Assistants", "Nurse Practitioners", r"two occupations have the title"),
        (
            "Occupation Data.txt",
            "\tTitle",
            "\tName",
            r"Occupation Data.txt: has no column 'Title', only 'O\*NET-SOC Code', ",
        ),
        ("Related Occupations.txt", "\t31-1131.00", "\t99-9999.00", r"line 2: related code '99-9999.00' is not in"),
        (
            "Related Occupations.txt",
            "\t10\n",
            "\tten\n",
            r"Related Occupations.txt, line 2: index 'ten' is not a rank",
        ),
        ("Related Occupations.txt", "\t10\n", "\t2\n", r"line 3: 29-1141.00 has two related occupations of index 2"),
        ("Related Occupations.txt", "\tIndex", "", r"Related Occupations.txt: has no column 'Index'"),
        ("Job Zones.txt", "\t4\t", "\t6\t", r"Job Zones.txt, line 2: job zone '6' is not one of 1 to 5"),
        ("Job Zones.txt", "29-1141.00", "29-1141.09", r"Job Zones.txt, line 2: code '29-1141.09' is not in"),
        ("Alternate Titles.txt", "Staff Nurse\t", "", r"Alternate Titles.txt, line 3: has 3 fields"),
    ],
)
def test_a_damaged_table_is_named_by_file_and_line(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    assert old in FILES[file]
    folder = write_folder(tmp_path / "onet", FILES | {file: FILES[file].replace(old, new, 1)})
    with pytest.raises(UserError, match=message):
        OnetTaxonomy(str(folder)).load()


def test_a_wrong_encoding_is_named_by_line(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "onet")
    (folder / "Job Zones.txt").write_bytes(FILES["Job Zones.txt"].replace("Analyst", "Ämter").encode("latin-1"))
    with pytest.raises(UserError, match=r"Job Zones.txt, line 2: not UTF-8 text"):
        OnetTaxonomy(str(folder)).load()


def test_an_empty_table_has_no_columns(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "onet", FILES | {"Occupation Data.txt": ""})
    with pytest.raises(UserError, match="has no column 'O\\*NET-SOC Code', only nothing"):
        OnetTaxonomy(str(folder)).load()


def test_a_wrong_path_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; `occpred-data onet` downloads"):
        OnetTaxonomy(str(tmp_path / "nowhere")).load()
    with pytest.raises(UserError, match=r"not an O\*NET text database, for there is no file 'Occupation Data.txt'"):
        OnetTaxonomy(str(tmp_path)).load()
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(UserError, match="neither a folder nor a zip"):
        OnetTaxonomy(str(tmp_path / "file.txt")).load()
    older = {name: text for name, text in FILES.items() if name != "Related Occupations.txt"}
    with pytest.raises(UserError, match=r"has no file 'Related Occupations.txt'"):
        OnetTaxonomy(str(write_folder(tmp_path / "old", older))).load()


def load_or_refuse(path: Path) -> None:
    with contextlib.suppress(UserError):
        assert OnetTaxonomy(str(path)).load().codes


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=st.sampled_from(sorted(FILES)), position=st.integers(0, 300), junk=st.binary(max_size=8))
def test_a_damaged_release_is_read_or_refused_but_never_crashes(
    tmp_path: Path, file: str, position: int, junk: bytes
) -> None:
    folder = write_folder(tmp_path / "onet")
    content = FILES[file].encode()
    (folder / file).write_bytes(content[:position] + junk + content[position + len(junk) :])
    load_or_refuse(folder)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2_000), junk=st.binary(min_size=1, max_size=8))
def test_a_damaged_zip_is_read_or_refused_but_never_crashes(tmp_path: Path, position: int, junk: bytes) -> None:
    path = write_zip(tmp_path / "onet.zip", "db_30_2_text/")
    content = path.read_bytes()
    path.write_bytes(content[:position] + junk + content[position + len(junk) :])
    load_or_refuse(path)


def test_the_path_is_mandatory() -> None:
    assert OmegaConf.is_missing(OmegaConf.structured(OnetTaxonomy), "path")


def test_the_official_release(official: Taxonomy) -> None:
    assert official.name == "O*NET 29.1"
    assert len(official) == 1016
    assert sum(occupation.job_zone is not None for occupation in official.occupations) == 923
    ranked = [occupation.related for occupation in official.occupations if occupation.related]
    assert len(ranked) == 923
    assert {len(related) for related in ranked} == {20}
    assert official["11-1011.00"].related[:3] == ("11-1021.00", "11-2032.00", "11-9151.00")
    assert len({official.major_group(code) for code in official.codes}) == 23


def test_official_titles_are_distinct_even_normalised(official: Taxonomy) -> None:
    for occupation in official.occupations:
        assert official.lookup(occupation.title) == Match(occupation.code, MatchKind.EXACT)
        assert official.lookup(f" {occupation.title.upper()} ").code == occupation.code
    for whole, beginning in (("Infantry Officers", "Infantry"), ("Special Forces Officers", "Special Forces")):
        assert official.lookup(whole) != official.lookup(beginning)


def test_official_alternate_titles(official: Taxonomy) -> None:
    assert official.lookup("software engineer") == Match("15-1252.00", MatchKind.ALTERNATE)
    assert official.lookup("Registered Nurse") == Match("29-1141.00", MatchKind.ALTERNATE)
    with pytest.raises(UnknownTitleError, match="3 occupations") as caught:
        official.lookup("Nurse")
    assert caught.value.candidates == ("Registered Nurses", "Acute Care Nurses", "Critical Care Nurses")
    with pytest.raises(UnknownTitleError, match='did you mean "Software Developers"'):
        official.lookup("Softwear Enginer")
