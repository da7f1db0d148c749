"""plan=true: what would be made, counted and shown before anything is."""

from __future__ import annotations

from collections.abc import Sequence

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.report.sweep_plan_table import PlannedPhase, PlannedSweep, print_plan
from occpred.stages.durations import Duration, Durations
from occpred.stages.kind import Kind, kind_of
from occpred.stages.phase import Phase
from occpred.stages.stage_graph import StageGraph
from occpred.stages.sweep_works import Group, SweepRun, groups_of, shared_axes


def show_plan(store: ArtifactStore, runs: Sequence[SweepRun]) -> None:
    """Print what `runs`, of which there is at least one, consist of, what of it is there, and what the rest may take.

    Nothing is made. Stages that several runs share count once.
    """
    print_plan(plan_of(store, runs))


def plan_of(store: ArtifactStore, runs: Sequence[SweepRun]) -> PlannedSweep:
    """Gather what `show_plan` prints."""
    graph = StageGraph(store, [run.goals for run in runs])
    groups = groups_of(graph)
    durations = Durations(store)
    expected = {name: _expect(durations, graph.stages[name], runs[min(needed)]) for name, needed in graph.runs.items()}
    kinds = dict.fromkeys(kind_of(stage) for stage in graph.stages.values())
    return PlannedSweep(
        phases=tuple(_phase(kind, graph, groups, runs, expected) for kind in sorted(kinds, key=_order)),
        runs=len(runs),
        waves=len({group.wave for group in groups}),
        jobs_alone=len({(run, group.level, group.kind) for group in groups for run in group.runs}),
        hours_side_by_side=_side_by_side(groups, expected),
        unknown=tuple(dict.fromkeys(name.partition("/")[0] for name, each in expected.items() if each is None)),
        store=str(store.root),
    )


def _expect(durations: Durations, stage: Stage, run: SweepRun) -> Duration | None:
    trainer = kind_of(stage).phase.trainer(run.experiment.trainer)
    return durations.expect(stage, trainer.num_processes)


def _order(kind: Kind) -> tuple[int, str]:
    return list(Phase).index(kind.phase), kind.role_name


def _phase(
    kind: Kind,
    graph: StageGraph,
    groups: Sequence[Group],
    runs: Sequence[SweepRun],
    expected: dict[str, Duration | None],
) -> PlannedPhase:
    own = [group for group in groups if group.kind == kind]
    missing = [expected[name] for group in own for name in group.stages]
    known = [each for each in missing if each]
    return PlannedPhase(
        name=" ".join(filter(None, (kind.phase.value, kind.role_name))),
        differs_in=_differences([shared_axes([runs[number] for number in sorted(group.runs)]) for group in own]),
        jobs=len(own),
        to_make=len(missing),
        found=sum(kind_of(graph.stages[name]) == kind for name in graph.found()),
        hours=sum(each.hours for each in known),
        gpu_hours=sum(each.gpu_hours for each in known),
        unknown=len(missing) - len(known),
    )


def _differences(axes: Sequence[tuple[str, ...]]) -> dict[str, int]:
    """How many values each axis has among jobs, where it has several."""
    values: dict[str, set[str]] = {}
    for overrides in axes:
        for key, _, value in (override.partition("=") for override in overrides):
            values.setdefault(key, set()).add(value)
    return {key: len(found) for key, found in values.items() if len(found) > 1}


def _side_by_side(groups: Sequence[Group], expected: dict[str, Duration | None]) -> float:
    waves: dict[int, float] = {}
    for group in groups:
        hours = sum(each.hours for name in group.stages if (each := expected[name]))
        waves[group.wave] = max(hours, waves.get(group.wave, 0.0))
    return sum(waves.values())
