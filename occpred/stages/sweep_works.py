"""What a sweep launches: each missing stage once, grouped into jobs, and the jobs into waves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.experiment import Experiment
from occpred.stages.kind import Kind, kind_of
from occpred.stages.stage_graph import StageGraph
from occpred.stages.work import Work


@dataclass(frozen=True)
class SweepRun:
    """One combination of a sweep's values.

    Attributes:
        experiment: what it is to find out.
        goals: the stages that it is made for.
        config: its settings as YAML, for the report.
        axes: the overrides in which the runs of the sweep differ.
    """

    experiment: Experiment
    goals: tuple[Stage, ...]
    config: str = ""
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Missing stages that one job makes.

    Attributes:
        level: how many changes of the kind of work come before it.
        kind: the kind of all its stages.
        runs: the numbers of the runs that need them.
        stages: their references, inputs first.
        wave: 0 where it needs no other group, else one more than the last wave of those it needs.
    """

    level: int
    kind: Kind
    runs: frozenset[int]
    stages: tuple[str, ...]
    wave: int


def groups_of(graph: StageGraph, kind_of: Callable[[Stage], Kind] = kind_of) -> list[Group]:
    """Put the missing stages into groups, by wave and then by level; each is in one.

    Stages form a group that are of one level and kind and are needed by the same runs. An input is of a lower level, or
    of the same and needed by more runs, or in the same group: so groups never wait for each other in a circle.
    """
    levels = graph.levels(kind_of)
    members: dict[tuple[int, Kind, frozenset[int]], list[str]] = {}
    for name, runs in graph.runs.items():
        members.setdefault((levels[name], kind_of(graph.stages[name]), runs), []).append(name)
    groups: dict[str, Group] = {}
    for (level, kind, runs), names in sorted(members.items(), key=lambda each: (each[0][0], -len(each[0][2]))):
        inputs = {groups[each].wave for name in names for each in graph.inputs[name] if each in groups}
        group = Group(level, kind, runs, tuple(names), wave=max(inputs, default=-1) + 1)
        groups |= dict.fromkeys(names, group)
    return sorted(dict.fromkeys(groups.values()), key=lambda group: (group.wave, group.level))


@dataclass(frozen=True)
class SweepWork:
    """The work of a group, the numbers of the runs that need it, and the keys of the works that must be done before."""

    work: Work
    runs: frozenset[int]
    inputs: frozenset[str]


class SweepWorks:
    """All that is missing of a sweep.

    Args:
        store: where results are.
        runs: the sweep's runs.
        name: what the sweep is called; tracking ties its runs together by it.
        command: how it was asked for, for the reports.
    """

    def __init__(self, store: ArtifactStore, runs: Sequence[SweepRun], *, name: str, command: str) -> None:
        self._store, self._runs, self._name, self._command = store, runs, name, command
        self._graph = StageGraph(store, [run.goals for run in runs])
        groups = groups_of(self._graph)
        self._key_of: dict[str, str] = {}
        waves: dict[int, list[SweepWork]] = {}
        for group in groups:
            waves.setdefault(group.wave, []).append(self._work(group))
        self.waves = tuple(tuple(wave) for wave in waves.values())
        """What can be made side by side; each wave needs those before it."""

    @property
    def missing_runs(self) -> frozenset[int]:
        """The numbers of the runs that are not finished."""
        return frozenset().union(*self._graph.runs.values())

    def __str__(self) -> str:
        runs, jobs = _count(len(self._runs), "run"), _count(sum(map(len, self.waves)), "job")
        parts = f": {jobs} in {_count(len(self.waves), 'wave')}" if self.waves else ""
        return f"{runs}, {len(self.missing_runs):,} to make{parts}"

    def is_done(self, work: Work) -> bool:
        """Whether all that a work makes is there, by whomever it was made."""
        return all(map(self._store.has, work.stages))

    def _work(self, group: Group) -> SweepWork:
        run = self._runs[min(group.runs)]
        axes = shared_axes([self._runs[number] for number in sorted(group.runs)])
        given = run.experiment.tracking
        tracking = replace(given, group=given.group or self._name, tags=[*given.tags, *axes])
        work = Work(
            phase=group.kind.phase,
            experiment=replace(run.experiment, tracking=tracking),
            config=run.config,
            stages=group.stages,
            axes=axes,
            role=group.kind.role_name,
            command=self._command,
        )
        self._key_of |= dict.fromkeys(group.stages, work.key)
        inputs = {self._key_of.get(each) for name in group.stages for each in self._graph.inputs[name]}
        return SweepWork(work, group.runs, frozenset(key for key in inputs if key and key != work.key))


def shared_axes(runs: Sequence[SweepRun]) -> tuple[str, ...]:
    """The overrides that all of `runs` have in common."""
    return tuple(axis for axis in runs[0].axes if all(axis in run.axes for run in runs))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
