"""How long a stage may take, judged by those that are there already."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from enum import Enum
from functools import cache
from statistics import median
from typing import Any

from occpred.artifacts import provenance
from occpred.artifacts.signature import canonical_json, identity, signatures_worked_out_once
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.settings import Settings, is_incidental
from occpred.stages.language_model import LanguageModelStage

_SECONDS_PER_HOUR = 3600


@dataclasses.dataclass(frozen=True)
class Duration:
    """Hours that pass, and the same times the GPUs that are busy, or kept waiting, meanwhile."""

    hours: float
    gpu_hours: float


class Durations:
    """What the finished stages of a store let expect of others.

    A stage is expected to take the median of those of its name that rest on the same backbone and are made of the same
    components (a teacher, a role, a source of reasons, whatever their values). What was killed and
    gone on with does not count: nobody knows how long that leg of it took.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._root = store.root
        self._records = cache(self._read_all)
        self._backbones = cache(self._read_backbones)

    def expect(self, stage: Stage, num_processes: int) -> Duration | None:
        """What `stage` takes if `num_processes` share it, each with a device of its own; `None` where none is alike.

        Only a stage that all processes work on takes less time if there are more of them.
        """
        alike = {
            name: record
            for name, record in self._records(stage.name).items()
            if _is_timed(record) and _is_alike(stage, record["identity"]["fields"])
        }
        with signatures_worked_out_once():
            backbones = _backbones_of(stage) if alike else frozenset()
        chosen = [record for name, record in alike.items() if self._backbones(name) == backbones]
        if not chosen:
            return None
        hours = [self._hours(record, stage, num_processes) for record in chosen]
        gpus = [num_processes if record["peak_gpu_memory_mib"] else 0 for record in chosen]
        return Duration(median(hours), median(each * count for each, count in zip(hours, gpus, strict=True)))

    def _hours(self, record: dict[str, Any], stage: Stage, num_processes: int) -> float:
        hours: float = record["wall_seconds"] / _SECONDS_PER_HOUR
        return hours * record.get("processes", 1) / num_processes if stage.parallel else hours

    def _read_all(self, stage_name: str) -> dict[str, dict[str, Any]]:
        """The records of all finished stages of a name, by reference."""
        files = sorted((self._root / stage_name).glob(f"[!.]*/{provenance.FILE_NAME}"))
        return {f"{stage_name}/{file.parent.name}": json.loads(file.read_text(encoding="utf-8")) for file in files}

    def _read_backbones(self, reference: str) -> frozenset[str]:
        """The backbones that a finished stage rests on. One that has been removed since counts as one of its own."""
        record = self._records(reference.partition("/")[0]).get(reference)
        if record is None:
            return frozenset({reference})
        own = record["identity"]["fields"].get("backbone")
        return frozenset({canonical_json(own)}) if own else _union(map(self._backbones, record["inputs"]))


def _is_timed(record: dict[str, Any]) -> bool:
    return None not in record.get("legs_seconds", [None] if record["resumed"] else [])


def _backbones_of(stage: Stage) -> frozenset[str]:
    if isinstance(stage, LanguageModelStage):
        return frozenset({canonical_json(identity(stage)["fields"]["backbone"])})
    return _union(map(_backbones_of, stage.inputs()))


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _is_alike(stage: Stage, fields: dict[str, Any]) -> bool:
    """Whether `fields`, of another stage of this name, hold the same components, if not the same values."""
    counting = (field for field in dataclasses.fields(stage) if not is_incidental(field))
    return all(_resembles(getattr(stage, field.name), fields.get(field.name)) for field in counting)


def _resembles(value: Any, plain: Any) -> bool:
    match value:
        case Enum():
            return bool(plain == value.name)
        case Settings():
            return isinstance(plain, dict) and plain.get("settings") == type(value).__name__
        case Stage():
            return isinstance(plain, str) and plain.startswith(f"{value.name}/")
        case None:
            return plain is None
        case _:
            return True
