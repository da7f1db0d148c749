"""The 47 ICT occupations of the JobHop benchmark as a taxonomy of its own.

Source: JobHop ICT benchmark (MIT, canay/hybrid-talent-rec-benchmarks), made from JobHop v1 (CC BY 4.0), with titles and
descriptions of ESCO occupations (European Commission).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from occpred.errors import UserError
from occpred.records import Occupation
from occpred.settings import MISSING, setting
from occpred.taxonomy.table import read_table
from occpred.taxonomy.taxonomy import Taxonomy, TaxonomySource


@dataclass
class JobHopItemsTaxonomy(TaxonomySource):
    """The benchmark's items: code is the item's key, group its family; there are no job zones and no related lists."""

    path: str = setting(MISSING, content=True)
    """The benchmark's folder, with `items.csv` in it."""

    def load(self) -> Taxonomy:
        file = Path(self.path).expanduser() / "items.csv"
        if not file.is_file():
            raise UserError(
                f"taxonomy.path={self.path}: has no 'items.csv'; give the folder of the JobHop ICT benchmark"
            )
        rows = list(read_table(file, ("item_id", "label", "family", "description_en")))
        occupations = [
            Occupation(code=row["item_id"], title=row["label"], description=row["description_en"]) for row in rows
        ]
        groups = {row["item_id"]: row["family"] for row in rows}
        group_titles = {family: family.replace("_", " ") for family in groups.values()}
        return Taxonomy(f"JobHop ICT ({len(occupations)} occupations)", occupations, groups, group_titles)
