"""The road from careers to a report: which stages an experiment consists of, and running what is missing."""

from __future__ import annotations

import logging
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from occpred.artifacts.store import ArtifactStore
from occpred.experiment import Experiment
from occpred.stages.answer import Answer, AnswerByBaselines
from occpred.stages.evaluate import Evaluate
from occpred.stages.prepare import Part, Prepare
from occpred.stages.reason import JudgeReasons, ProposeReasons, SelectReasons
from occpred.stages.report import HEADLINE, Report
from occpred.stages.train import Train

logger = logging.getLogger(__name__)


def plan(experiment: Experiment, *, command: str = "", config: str = "") -> Report:
    """Connect the stages of `experiment`; the report's inputs are the whole graph."""
    prepared = Prepare(experiment.taxonomy, experiment.careers, experiment.split)

    def select(part: Part) -> SelectReasons:
        proposed = ProposeReasons(prepared, experiment.teacher, part)
        return SelectReasons(JudgeReasons(prepared, proposed, experiment.judge, part), experiment.selection)

    selected = select(Part.TRAIN)
    trained = Train(
        prepared,
        selected,
        experiment.prompts,
        experiment.backbone,
        experiment.lora,
        experiment.model,
        experiment.objective,
        experiment.optimizer,
        experiment.trainer,
        experiment.seed,
        experiment=experiment.name,
        tracking=experiment.tracking,
    )
    oracle = select(Part.TEST) if experiment.reason.needs_oracle else None
    answer = Answer(prepared, trained, experiment.reason, experiment.ranking, oracle)
    evaluated = Evaluate(
        prepared,
        answer,
        AnswerByBaselines(prepared, experiment.baselines),
        experiment.evaluation,
        system=f"{experiment.model.label}, {experiment.reason.label}",
        experiment=experiment.name,
        tracking=experiment.tracking,
    )
    own_reasons = JudgeReasons(prepared, answer, experiment.judge, Part.TEST)
    return Report(
        evaluated, selected, own_reasons, experiment.name, experiment.question, command=command, config=config
    )


def run(experiment: Experiment, config: str) -> None:
    """Run what is missing of the experiment, print its table, and tell where the report is.

    Args:
        experiment: what to run.
        config: its settings as YAML, for the report.
    """
    from occpred.report.terminal import print_results

    store = ArtifactStore(Path(experiment.store))
    report = plan(experiment, command=shlex.join(["occpred", *sys.argv[1:]]), config=config)
    results = store.make_all([report])
    if not any(result.made for result in results):
        logger.info("nothing to do: all %d stages were there already", len(results))
    print_results(replace(report.results(store), columns=HEADLINE))
    print(f"report: {store.folder(report) / 'report.html'}")
