"""prepare: taxonomy and careers become examples to train, validate and test on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.careers.source import CareerData, Careers
from occpred.careers.split import Examples, Split
from occpred.records import (
    CareerHistory,
    NextOccupationExample,
    Occupation,
    RejectedRow,
    TrueReason,
    read_jsonl,
    write_jsonl,
)
from occpred.taxonomy.taxonomy import Taxonomy, TaxonomySource


class Part(Enum):
    """The parts that examples are divided into."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class Prepare(Stage):
    """Reads the taxonomy and the careers and divides them into examples."""

    name: ClassVar[str] = "prepare"

    taxonomy: TaxonomySource
    careers: Careers
    split: Split

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write taxonomy, examples by part, training careers, rejected rows and facts."""
        taxonomy = self.taxonomy.load()
        data = self.careers.read(taxonomy)
        examples = self.split(data)
        parts = {Part.TRAIN: examples.train, Part.VALIDATION: examples.validation, Part.TEST: examples.test}
        for part, chosen in parts.items():
            write_jsonl(folder / f"{part.value}.jsonl", chosen)
        write_jsonl(folder / "training_careers.jsonl", examples.training_careers)
        write_jsonl(folder / "rejected.jsonl", data.rejected)
        write_jsonl(folder / "true_reasons.jsonl", data.true_reasons)
        _write_taxonomy(folder, taxonomy)
        _write_json(folder / "facts.json", _facts(data, examples))


def _facts(data: CareerData, examples: Examples) -> dict[str, Any]:
    found = {**data.facts, **examples.facts}
    return {"people": len(data.people), "rows_read": data.rows_read, "unit": data.unit, "facts": found}


def _write_taxonomy(folder: Path, taxonomy: Taxonomy) -> None:
    write_jsonl(folder / "occupations.jsonl", taxonomy.occupations)
    group_titles = {taxonomy.major_group(code): taxonomy.major_group_title(code) for code in taxonomy.codes}
    _write_json(
        folder / "taxonomy.json", {"name": taxonomy.name, "groups": taxonomy.groups, "group_titles": group_titles}
    )


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")


@dataclass(frozen=True)
class PreparedData:
    """What `Prepare` wrote, read when first asked for."""

    folder: Path

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy, as it was when the careers were placed in it."""
        described = json.loads((self.folder / "taxonomy.json").read_text(encoding="utf-8"))
        occupations = read_jsonl(self.folder / "occupations.jsonl", Occupation)
        return Taxonomy(described["name"], occupations, described["groups"], described["group_titles"])

    def examples(self, part: Part) -> list[NextOccupationExample]:
        """The examples of one part."""
        return read_jsonl(self.folder / f"{part.value}.jsonl", NextOccupationExample)

    def training_careers(self) -> list[CareerHistory]:
        """The careers that baselines may learn from."""
        return read_jsonl(self.folder / "training_careers.jsonl", CareerHistory)

    def true_reasons(self) -> list[TrueReason]:
        """What drove simulated people; empty for real ones. Nothing but a check of the judge may read them."""
        return read_jsonl(self.folder / "true_reasons.jsonl", TrueReason)

    def rejected(self) -> list[RejectedRow]:
        """The rows that were set aside."""
        return read_jsonl(self.folder / "rejected.jsonl", RejectedRow)

    def facts(self) -> dict[str, Any]:
        """Counts of people and rows, what a row is, and what the source found out about itself."""
        facts: dict[str, Any] = json.loads((self.folder / "facts.json").read_text(encoding="utf-8"))
        return facts
