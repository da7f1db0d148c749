"""hydra/sweeper=staged: make each stage of a sweep once, whatever becomes of single jobs, and end with one table."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from occpred.artifacts.signature import by_reference
from occpred.artifacts.store import ArtifactStore
from occpred.config.conversion import to_experiment
from occpred.config.job_composer import JobComposer
from occpred.config.overview import Overview, as_yaml, in_common, overview
from occpred.config.sweep_task import SweepTask, in_one_line, keep_traceback
from occpred.distributed.place import Place
from occpred.errors import UserError

if TYPE_CHECKING:
    from occpred.stages.sweep_works import SweepRun
    from occpred.stages.work import Work

logger = logging.getLogger(__name__)

_NOTHING_LEFT = "its job ended well, but the results are not in the store"


def register_sweeper() -> None:
    """Make `StagedSweeper` known to Hydra, which accepts plugins only under names of this package."""
    Plugins.instance().class_name_to_class["hydra_plugins.occpred.StagedSweeper"] = StagedSweeper


class StagedSweeper(Sweeper):
    """Spans the same combinations of values as Hydra's own sweeper, and runs them through the same launchers.

    What it launches are not the combinations but what they are made of, phase by phase: stages that several of them
    share are made once, and what is there already is not made again. Where a job fails, all runs that need its result
    become rows that say why, and the others go on.
    """

    config: DictConfig
    hydra_context: HydraContext

    def __init__(self, max_batch_size: int | None, params: dict[str, str] | None) -> None:
        self.max_batch_size, self.params = max_batch_size, params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what a sweep needs. Its jobs run a task of its own: that of a single run prints tables and exits."""
        self.hydra_context, self.config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Make what is missing of the sweep that `hydra.sweeper.params` and the command line's `arguments` span.

        Raises:
            UserError: some runs failed; all others are done, and the table is made. Or this is one of several
                processes, each of which would make the sweep.
        """
        if Place.given():
            raise UserError(
                "a sweep launches processes of its own; start it without torchrun or srun, and say how many each job "
                "is to have: trainer.devices=..., trainer.num_nodes=..."
            )
        rows = self._rows(arguments)
        self._compose(rows)
        if self.config.plan:
            self._show_plan(rows)
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            OmegaConf.save(self.config, self._folder / "multirun.yaml")
            if not self.config.dry_run:
                self._make(rows)
            self._finish(rows)
        _complain_of_failures(rows, is_plan=self.config.plan)

    @property
    def _folder(self) -> Path:
        return Path(self.config.hydra.sweep.dir)

    @property
    def _command(self) -> str:
        return shlex.join(["occpred", *sys.argv[1:]])

    def _rows(self, arguments: list[str]) -> list[_Row]:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = parser.parse_overrides([*(f"{key}={values}" for key, values in self.params.items()), *arguments])
        axes = {*self.params, *(override.get_key_element() for override in given if override.is_sweep_override())}
        (combinations,) = BasicSweeper.split_arguments(given, max_batch_size=None)
        return [
            _Row(overrides, tuple(each for each in overrides if each.partition("=")[0] in axes))
            for overrides in combinations
        ]

    def _compose(self, rows: Sequence[_Row]) -> None:
        """Compose the config of each run and connect its stages. Where that fails, nothing of the run is made."""
        from occpred.stages.road import goals
        from occpred.stages.sweep_works import SweepRun

        compose = JobComposer(self.hydra_context.config_loader, self.config)
        for row in rows:
            try:
                config = compose(row.overrides)
                experiment = to_experiment(config)
                stages = tuple(goals(experiment))
                by_reference(stages)  # reads what counts by content, which may be missing
                row.overview = overview(config)
                row.run = SweepRun(experiment, stages, as_yaml(row.overview), row.axes)
            except Exception as error:
                row.failure = self._reason(error)

    def _show_plan(self, rows: Sequence[_Row]) -> None:
        from occpred.stages.sweep_plan import show_plan

        if runs := _runs(rows):
            show_plan(_store_of(runs), runs)

    def _make(self, rows: Sequence[_Row]) -> None:
        """Make what is missing, wave by wave. What rests on something that failed is left out."""
        from occpred.stages.sweep_works import SweepWorks

        composed = [row for row in rows if row.run]
        runs = _runs(composed)
        if not runs:
            return
        works = SweepWorks(_store_of(runs), runs, name=self.config.sweep.name, command=self._command)
        logger.info("%s", works)
        failed: set[str] = set()
        number = 0
        for wave in works.waves:
            failed |= {each.work.key for each in wave if each.inputs & failed}
            # Another sweep may have made it meanwhile.
            ready = [each for each in wave if each.work.key not in failed and not works.is_done(each.work)]
            jobs = [(each.work, composed[min(each.runs)].overrides) for each in ready]
            for each, reason in zip(ready, self._launch(jobs, number), strict=True):
                if not works.is_done(each.work):
                    failed.add(each.work.key)
                    for run in each.runs:
                        composed[run].fail(f"{each.work.phase.value}: {reason or _NOTHING_LEFT}")
            number += len(ready)

    def _launch(self, jobs: Sequence[tuple[Work, list[str]]], first: int) -> Iterator[str]:
        """Run these jobs, where and how the launcher does so, numbered from `first`; say of each why it failed."""
        if not jobs:
            return
        task = SweepTask({first + place: work for place, (work, _) in enumerate(jobs)})
        try:
            launcher = Plugins.instance().instantiate_launcher(self.hydra_context, task, self.config)
        except Exception as error:
            if not first:  # a mistake in its settings, before anything was launched
                raise
            yield from [self._reason(error)] * len(jobs)
            return
        size = self.max_batch_size or len(jobs)
        for start in range(0, len(jobs), size):
            batch = [overrides for _, overrides in jobs[start : start + size]]
            try:
                results = launcher.launch(batch, initial_job_idx=first + start)
            except Exception as error:  # such as a queue that refused
                yield from [self._reason(error)] * len(batch)
            else:
                yield from map(_failure, results)

    def _finish(self, rows: Sequence[_Row]) -> None:
        from occpred.stages.sweep import SweepJob, finish

        finish(
            [SweepJob(row.axes, row.run.experiment if row.run else None, row.failure) for row in rows],
            name=self.config.sweep.name,
            question=self.config.sweep.question,
            command=self._command,
            config=as_yaml(in_common([row.overview for row in rows if row.run])),
        )

    def _reason(self, error: Exception) -> str:
        if not self.config.plan:
            self._folder.mkdir(parents=True, exist_ok=True)
            keep_traceback(error, self._folder)
        return in_one_line(error)


@dataclass
class _Row:
    """One combination of values, and what is known of it so far."""

    overrides: list[str]
    axes: tuple[str, ...]
    """The overrides in which this sweep's runs differ."""
    run: SweepRun | None = None
    overview: Overview = field(default_factory=dict)
    """Of the config of `run`."""
    failure: str = ""

    def fail(self, reason: str) -> None:
        """Keep the first reason."""
        self.failure = self.failure or reason


def _runs(rows: Sequence[_Row]) -> list[SweepRun]:
    """What could be composed, with the check of its judge."""
    from occpred.stages.sweep import with_judge_check

    return with_judge_check([row.run for row in rows if row.run])


def _store_of(runs: Sequence[SweepRun]) -> ArtifactStore:
    folders = {run.experiment.store for run in runs}
    if len(folders) > 1:
        raise UserError(f"store: the runs of a sweep share one store, not {len(folders)}; give one folder")
    return ArtifactStore(Path(folders.pop()))


def _failure(result: JobReturn) -> str:
    if result.status is not JobStatus.FAILED:
        return ""
    reason = result._return_value  # the property `return_value` would print lines of Hydra's own
    return in_one_line(reason) if isinstance(reason, Exception) else str(reason)


def _complain_of_failures(rows: Sequence[_Row], *, is_plan: bool) -> None:
    reasons = [row.failure for row in rows if row.failure]
    if reasons:
        others = len(set(reasons)) - 1
        more = f" (and {others} other reason{'s' if others > 1 else ''})" if others else ""
        failed, again = ("would fail", "") if is_plan else ("failed", "; the same command runs only what is missing")
        raise UserError(f"{len(reasons)} of {len(rows)} runs {failed}: {reasons[0]}{more}{again}")
