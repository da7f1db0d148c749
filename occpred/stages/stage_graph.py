"""All stages that several runs consist of, each once, and which of them are missing."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from occpred.artifacts.signature import reference, signatures_worked_out_once
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore


class StageGraph:
    """The stages that `goals`, those of each run, are and rest on. All is called by reference, inputs first.

    Attributes:
        stages: every stage.
        inputs: what each stage reads.
        runs: for each stage that is missing, the runs that need it to be made. An input of a finished stage need not.
    """

    def __init__(self, store: ArtifactStore, goals: Sequence[Iterable[Stage]]) -> None:
        self.stages: dict[str, Stage] = {}
        self.inputs: dict[str, tuple[str, ...]] = {}
        with signatures_worked_out_once():
            self._goals = [[self._add(stage) for stage in each] for each in goals]
        self._done = {name for name in self.stages if store.has(name)}
        needed = [self._missing(names) for names in self._goals]
        self.runs = {
            name: runs
            for name in self.stages
            if (runs := frozenset(run for run, names in enumerate(needed) if name in names))
        }

    def found(self) -> list[str]:
        """The stages that are there already."""
        return [name for name in self.stages if name in self._done]

    def levels(self, kind_of: Callable[[Stage], Hashable]) -> dict[str, int]:
        """Number the stages so that each has a higher level than its inputs, or the same where they are of its kind.

        Of all such numbers a stage has the lowest, which is the number of changes of kind on the longest way to it.
        But where what needs it is of its own kind, or other goals of its run are, it has the highest: so they are made
        together.
        """
        kinds = {name: kind_of(stage) for name, stage in self.stages.items()}
        lowest: dict[str, int] = {}
        for name, inputs in self.inputs.items():
            lowest[name] = max((lowest[each] + (kinds[each] != kinds[name]) for each in inputs), default=0)
        highest: dict[str, int] = {}

        def lower(name: str, level: int) -> None:
            highest[name] = min(level, highest.get(name, level))

        for goals in self._goals:
            for name in goals:
                lower(name, max(lowest[each] for each in goals if kinds[each] == kinds[name]))
        joins = set(highest)
        for name in reversed(self.stages):
            level = highest[name] if name in joins else lowest[name]
            for each in self.inputs[name]:
                lower(each, level - (kinds[each] != kinds[name]))
                if kinds[each] == kinds[name]:
                    joins.add(each)
        return {name: highest[name] if name in joins else lowest[name] for name in self.stages}

    def _add(self, stage: Stage) -> str:
        name = reference(stage)
        if name not in self.stages:
            self.inputs[name] = tuple(dict.fromkeys(self._add(each) for each in stage.inputs()))
            self.stages[name] = stage
        return name

    def _missing(self, names: Iterable[str]) -> set[str]:
        missing: set[str] = set()

        def visit(name: str) -> None:
            if name not in missing and name not in self._done:
                missing.add(name)
                for each in self.inputs[name]:
                    visit(each)

        for name in names:
            visit(name)
        return missing
