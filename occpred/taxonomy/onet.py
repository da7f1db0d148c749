"""The whole O*NET-SOC 2019 taxonomy, read from an official O*NET database release.

Source: O*NET Database, text version, U.S. Department of Labor, Employment and Training Administration (CC BY 4.0),
https://www.onetcenter.org/database.html. `occpred-data onet` downloads it.
"""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from occpred.errors import UserError
from occpred.records import Occupation
from occpred.settings import MISSING, setting
from occpred.taxonomy.table import UNREADABLE, ONetText, Row, read_bytes, read_table
from occpred.taxonomy.taxonomy import Taxonomy, TaxonomySource

OCCUPATIONS = "Occupation Data.txt"
RELATED = "Related Occupations.txt"
JOB_ZONES = "Job Zones.txt"
ALTERNATE_TITLES = "Alternate Titles.txt"
READ_ME = "Read Me.txt"
CODE = "O*NET-SOC Code"
NO_SHORT_TITLE = "n/a"


@dataclass
class OnetTaxonomy(TaxonomySource):
    """All occupations of an O*NET release, 27.0 or later (earlier ones do not rank related occupations)."""

    path: str = setting(MISSING, content=True)
    """The official zip of text files, or a folder that holds them. Job zones and alternate titles may be missing."""

    def load(self) -> Taxonomy:
        root = _open(Path(self.path).expanduser())
        folder = _find_folder(root)
        titles = _read_titles(folder / OCCUPATIONS)
        related = _read_related(folder / RELATED, titles.keys())
        job_zones = _read_job_zones(folder / JOB_ZONES, titles.keys())
        alternate_titles = _read_alternate_titles(folder / ALTERNATE_TITLES, titles.keys())
        return Taxonomy(
            _release_name(folder, root),
            (
                Occupation(
                    code=code,
                    title=row["Title"],
                    job_zone=job_zones.get(code),
                    related=related.get(code, ()),
                    alternate_titles=alternate_titles.get(code, ()),
                    description=row["Description"],
                )
                for code, row in titles.items()
            ),
        )


def _open(path: Path) -> Traversable:
    """The folder or the inside of the zip at `path`."""
    if path.is_dir():
        return path
    if not path.exists():
        raise UserError(f"taxonomy.path={path}: does not exist; `occpred-data onet` downloads the official zip")
    if not zipfile.is_zipfile(path):
        raise UserError(f"taxonomy.path={path}: neither a folder nor a zip file")
    try:
        return zipfile.Path(path)
    except UNREADABLE as error:
        raise UserError(f"taxonomy.path={path}: a damaged zip file: {error}") from error


def _find_folder(root: Traversable) -> Traversable:
    """`root` or the folder directly in it that holds the tables (the official zip has one)."""
    for folder in (root, *sorted((inside for inside in root.iterdir() if inside.is_dir()), key=str)):
        if (folder / OCCUPATIONS).is_file():
            if not (folder / RELATED).is_file():
                raise UserError(f"{folder}: has no file {RELATED!r}; releases of O*NET from 27.0 on have it")
            return folder
    raise UserError(f"taxonomy.path={root}: not an O*NET text database, for there is no file {OCCUPATIONS!r} in it")


def _release_name(folder: Traversable, root: Traversable) -> str:
    """`O*NET 29.1`: the release by the read-me, or else by the name of the folder or zip (`db_29_1_text`)."""
    read_me = folder / READ_ME
    if read_me.is_file() and (release := re.search(rb"O\*NET\S* (\d+\.\d+)", read_bytes(read_me))):
        return f"O*NET {release[1].decode()}"
    for name in (folder.name, root.name):
        if release_in_name := re.search(r"(\d+)[._](\d+)", name):
            return f"O*NET {release_in_name[1]}.{release_in_name[2]}"
    return "O*NET"


def _read_titles(file: Traversable) -> dict[str, Row]:
    """The rows of the table of occupations by code."""
    rows: dict[str, Row] = {}
    for row in read_table(file, (CODE, "Title", "Description"), ONetText):
        code = row[CODE]
        if not re.fullmatch(r"[0-9]{2}-[0-9]{4}\.[0-9]{2}", code):
            raise row.refused(f"{code!r} is no O*NET-SOC code (like 15-1252.00)")
        if code in rows:
            raise row.refused(f"code {code} was there before")
        rows[code] = row
    return rows


def _read_related(file: Traversable, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The codes related to each code, by `Index`, which counts across the tiers (1 is the most related)."""
    ranked: dict[str, dict[int, str]] = defaultdict(dict)
    for row in _known_rows(file, ("Related O*NET-SOC Code", "Index"), known):
        code, index = row["Related O*NET-SOC Code"], row["Index"]
        if code not in known:
            raise row.refused(f"related code {code!r} is not in {OCCUPATIONS!r}")
        if not re.fullmatch(r"[0-9]{1,4}", index):
            raise row.refused(f"index {index!r} is not a rank such as 1")
        if int(index) in ranked[row[CODE]]:
            raise row.refused(f"{row[CODE]} has two related occupations of index {index}")
        ranked[row[CODE]][int(index)] = code
    return {code: tuple(others[index] for index in sorted(others)) for code, others in ranked.items()}


def _read_job_zones(file: Traversable, known: Collection[str]) -> dict[str, int]:
    if not file.is_file():
        return {}
    job_zones = {}
    for row in _known_rows(file, ("Job Zone",), known):
        if row["Job Zone"] not in ("1", "2", "3", "4", "5"):
            raise row.refused(f"job zone {row['Job Zone']!r} is not one of 1 to 5")
        job_zones[row[CODE]] = int(row["Job Zone"])
    return job_zones


def _read_alternate_titles(file: Traversable, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Alternate titles by code, without repeats.

    A title with a short form, such as `CEO (Chief Executive Officer)` with the short title `CEO`, counts as a whole and
    in either form.
    """
    if not file.is_file():
        return {}
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for row in _known_rows(file, ("Alternate Title", "Short Title"), known):
        title = row["Alternate Title"]
        forms = [title]
        if row["Short Title"] != NO_SHORT_TITLE and title.endswith(")"):
            forms += title.removesuffix(")").split(" (", maxsplit=1)
        titles[row[CODE]].update(dict.fromkeys(forms))
    return {code: tuple(forms) for code, forms in titles.items()}


def _known_rows(file: Traversable, columns: tuple[str, ...], known: Collection[str]) -> Iterator[Row]:
    """The rows of a table about occupations; refuses one about an occupation that the release does not have."""
    for row in read_table(file, (CODE, *columns), ONetText):
        if row[CODE] not in known:
            raise row.refused(f"code {row[CODE]!r} is not in {OCCUPATIONS!r}")
        yield row
