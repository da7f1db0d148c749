"""A stage: one piece of work whose result is kept.

A stage is a frozen dataclass, and its fields are its declaration of what it reads: component settings, plain values and
other stages. It cannot read what it does not declare, so whatever could change its result is in its signature.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from occpred.artifacts.store import ArtifactStore


@dataclass(frozen=True)
class Stage(ABC):
    """Base of all stages.

    `name` is the folder under which the stage's artifacts lie. `version` is raised when the same settings come to give
    another result. `resumable` says whether `run` can go on from the files that an interrupted run left in its folder;
    for any other stage the folder is empty when `run` begins. `parallel` says whether all processes of a job (see
    `occpred.distributed`) call `run`, of which only the first writes files; of any other stage only the first does.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    resumable: ClassVar[bool] = False
    parallel: ClassVar[bool] = False

    @abstractmethod
    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write the result's files into `folder`; an input's files lie in `store.folder(self.that_input)`."""

    def inputs(self) -> tuple[Stage, ...]:
        """The stages among the fields, also those inside tuples, lists and dicts, in field order."""
        return tuple(stage for field in fields(self) for stage in _stages_in(getattr(self, field.name)))


def _stages_in(value: Any) -> Iterator[Stage]:
    if isinstance(value, Stage):
        yield value
    elif isinstance(value, tuple | list):
        for entry in value:
            yield from _stages_in(entry)
    elif isinstance(value, dict):
        yield from _stages_in(list(value.values()))
