"""hydra/sweeper=table: run what is missing of a sweep, whatever becomes of single jobs, and end with one table."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from occpred.config.conversion import to_experiment
from occpred.config.job_composer import JobComposer
from occpred.config.sweep_task import SweepTask, in_one_line, keep_traceback
from occpred.errors import UserError
from occpred.experiment import Experiment

if TYPE_CHECKING:
    from occpred.stages.sweep import SweepJob

logger = logging.getLogger(__name__)


def register_sweeper() -> None:
    """Make `TableSweeper` known to Hydra, which accepts plugins only under names of this package."""
    Plugins.instance().class_name_to_class["hydra_plugins.occpred.TableSweeper"] = TableSweeper


class TableSweeper(Sweeper):
    """Runs all combinations of values, the same as Hydra's own sweeper and through the same launchers.

    Jobs whose results are there are not launched. A job that fails becomes a row that says why, and the others go on.
    """

    config: DictConfig
    hydra_context: HydraContext

    def __init__(self, max_batch_size: int | None, params: dict[str, str] | None) -> None:
        self.max_batch_size, self.params = max_batch_size, params or {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Take what a sweep needs. Its jobs run a task of its own: that of a single run prints tables and exits."""
        self.hydra_context, self.config = hydra_context, config

    def sweep(self, arguments: list[str]) -> None:
        """Run what is missing of the sweep that `hydra.sweeper.params` and the command line's `arguments` span.

        Raises:
            UserError: some jobs failed; all others are done, and the table is made.
        """
        from occpred.stages.sweep import finish

        self._folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, self._folder / "multirun.yaml")
        jobs = self._jobs(arguments)
        self._look_up(jobs)
        if not self.config.dry_run:
            self._launch([job for job in jobs if job.is_missing])
        common = OmegaConf.masked_copy(self.config, [str(key) for key in self.config if key != "hydra"])
        finish(
            [job.row() for job in jobs],
            name=common.sweep.name,
            question=common.sweep.question,
            command=shlex.join(["occpred", *sys.argv[1:]]),
            config=OmegaConf.to_yaml(common),
        )
        _complain_of_failures(jobs)

    @property
    def _folder(self) -> Path:
        return Path(self.config.hydra.sweep.dir)

    def _jobs(self, arguments: list[str]) -> list[_Job]:
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        given = parser.parse_overrides([*(f"{key}={values}" for key, values in self.params.items()), *arguments])
        axes = {*self.params, *(override.get_key_element() for override in given if override.is_sweep_override())}
        (combinations,) = BasicSweeper.split_arguments(given, max_batch_size=None)
        return [
            _Job(overrides, tuple(each for each in overrides if each.partition("=")[0] in axes))
            for overrides in combinations
        ]

    def _look_up(self, jobs: Sequence[_Job]) -> None:
        """Compose each job and see whether its result is there."""
        compose = JobComposer(self.hydra_context.config_loader, self.config)
        for job in jobs:
            try:
                job.experiment = to_experiment(compose(job.overrides))
                job.is_missing = not job.is_done()
            except Exception as error:
                self._keep_failure(job, error)
        logger.info("%d jobs, %d to run", len(jobs), sum(job.is_missing for job in jobs))

    def _launch(self, jobs: Sequence[_Job]) -> None:
        """Run these jobs, where and how the launcher does so."""
        if not jobs:
            return
        task = SweepTask(tuple(map(str, jobs)))
        launcher = Plugins.instance().instantiate_launcher(self.hydra_context, task, self.config)
        size = self.max_batch_size or len(jobs)
        for start in range(0, len(jobs), size):
            batch = jobs[start : start + size]
            try:
                results = launcher.launch([job.overrides for job in batch], initial_job_idx=start)
            except Exception as error:  # such as a worker that was killed, or a queue that refused
                for job in (job for job in batch if not job.is_done()):
                    self._keep_failure(job, error)
            else:
                for job, result in zip(batch, results, strict=True):
                    if result.status is JobStatus.FAILED:
                        # Its property `return_value` would print lines of Hydra's own.
                        job.failure = in_one_line(result._return_value)

    def _keep_failure(self, job: _Job, error: Exception) -> None:
        job.failure = in_one_line(error)
        keep_traceback(error, self._folder)


@dataclass
class _Job:
    """One combination of values, and what is known of it so far."""

    overrides: list[str]
    axes: tuple[str, ...]
    """The overrides in which this sweep's jobs differ."""
    experiment: Experiment | None = None
    is_missing: bool = False
    failure: str = ""

    def __str__(self) -> str:
        return " ".join(self.axes)

    def is_done(self) -> bool:
        """Whether the result is there."""
        from occpred.stages.road import is_made

        assert self.experiment is not None
        return is_made(self.experiment)

    def row(self) -> SweepJob:
        """What the report is told."""
        from occpred.stages.sweep import SweepJob

        return SweepJob(self.axes, self.experiment, self.failure)


def _complain_of_failures(jobs: Sequence[_Job]) -> None:
    reasons = [job.failure for job in jobs if job.failure]
    if reasons:
        others = len(set(reasons)) - 1
        more = f" (and {others} other reason{'s' if others > 1 else ''})" if others else ""
        raise UserError(
            f"{len(reasons)} of {len(jobs)} jobs failed: {reasons[0]}{more}; the same command runs only what is missing"
        )
