"""The road from careers to a report: which stages an experiment consists of, and running what is missing."""

from __future__ import annotations

import logging
import shlex
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from occpred.artifacts.signature import by_reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore, MadeOrFound
from occpred.distributed.launch import together
from occpred.distributed.place import Place
from occpred.distributed.ranks import is_first
from occpred.encoding import NamesOccupation, Role
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.vllm_engine import VllmEngine
from occpred.models.model import Direct, Untuned
from occpred.reasons.preference import PairRule
from occpred.reasons.source import NoReason, OracleReason, ReasonSource
from occpred.stages.answer import Answer, AnswerByBaselines
from occpred.stages.check_judge import CheckJudge
from occpred.stages.dry_run import dry_run
from occpred.stages.evaluate import Evaluate
from occpred.stages.gather import GatherReasons
from occpred.stages.judge_labels import CheckJudgeAgainstLabels
from occpred.stages.language_model import LanguageModelStage, TrainingStage
from occpred.stages.merge import MERGED, Merge
from occpred.stages.prefer import MakePairs, SampleCompletions
from occpred.stages.prepare import Part, Prepare
from occpred.stages.reason import JudgeReasons, SelectReasons, rounds_of_reasons
from occpred.stages.report import HEADLINE, Report
from occpred.stages.serve import ServedModel
from occpred.stages.sweep_plan import show_plan
from occpred.stages.sweep_works import SweepRun
from occpred.stages.train import Train
from occpred.stages.train_preference import TrainOnPreferences
from occpred.stages.untuned import UntunedModel
from occpred.stages.work import Work
from occpred.training.trainer import Trainer

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Road:
    """The stages of one experiment. Asked twice for a stage it gives equal ones, which are one artifact."""

    experiment: Experiment

    @property
    def prepared(self) -> Prepare:
        """People as examples."""
        return Prepare(self.experiment.taxonomy, self.experiment.careers, self.experiment.split)

    @property
    def judge_check(self) -> CheckJudge:
        """The judge held against true reasons, which only a sweep's report shows."""
        return CheckJudge(self.prepared, self.experiment.judge)

    def selected(self, part: Part) -> SelectReasons:
        """The oracle reasons of a part."""
        settings = self.experiment
        return rounds_of_reasons(self.prepared, settings.teacher, settings.judge, settings.selection, part)

    def to_learn_from(self, source: ReasonSource, part: Part, writer: LanguageModelStage | None) -> GatherReasons:
        """Reasons of people who kept an oracle reason, whatever their source."""
        return GatherReasons(
            self.prepared,
            source,
            part,
            num_reasons=self.experiment.selection.best_of,
            selected=self.selected(part),
            writer=self._at_writing(writer) if writer and source.needs_writer else None,
        )

    def to_answer_with(self) -> GatherReasons:
        """The reasons of the test people."""
        source, writer = self.experiment.reason, self.writer()
        return GatherReasons(
            self.prepared,
            source,
            Part.TEST,
            num_reasons=self.experiment.ranking.num_reasons,
            selected=self.selected(Part.TEST) if source.needs_oracle else None,
            writer=self._at_writing(writer) if writer and source.needs_writer else None,
        )

    def writer(self) -> LanguageModelStage | None:
        """The model that writes reasons: untuned, fine-tuned, or sharpened by preferences as well."""
        role = self.experiment.model.writer
        return None if role is None else self._sharpened(self._language_model(role))

    def predictor(self) -> LanguageModelStage:
        """The model that names the occupation."""
        role = self.experiment.model.predictor
        return self._sharpened(self._language_model(role)) if self._writes(role) else self._language_model(role)

    def answer(self) -> Answer:
        """The answers to the test people."""
        return Answer(self.prepared, self.to_answer_with(), self.predictor(), self.experiment.ranking)

    def _writes(self, role: Role) -> bool:
        return role is self.experiment.model.writer

    def _at_writing(self, model: LanguageModelStage) -> LanguageModelStage:
        engine = self.experiment.engine
        if not isinstance(engine, VllmEngine):
            return model
        return ServedModel(**self._shared(model.role), model=model, engine=engine)

    def _language_model(self, role: Role) -> LanguageModelStage:
        model = self.experiment.model
        return self._untuned(role, model) if isinstance(model, Untuned) else self._train(role)

    def _untuned(self, role: Role, model: Untuned) -> UntunedModel:
        reasons = self.to_learn_from(self.experiment.training_reason, Part.TRAIN, None) if model.shots else None
        return UntunedModel(**self._shared(role), reasons=reasons, shots=model.shots, seed=model.shots_seed)

    def _train(self, role: Role) -> Train:
        settings = self.experiment
        source = NoReason() if role is Role.DIRECT else settings.training_reason
        writer: LanguageModelStage | None = None
        if source.needs_writer:
            # The writer itself learns from the oracle; only who is given reasons can learn from those of a model.
            writer = None if self._writes(role) else self._language_model(settings.model.writer or role)
            source = source if writer else OracleReason()
        model = settings.model
        equal_tokens = isinstance(model, Direct) and model.equal_target_tokens
        needs_held_out = role in (Role.REASON_GENERATOR, Role.PREDICTOR) and settings.trainer.validation_examples > 0
        return Train(
            **self._shared(role),
            **self._training(),
            optimizer=settings.optimizer,
            adaptation=settings.lora,
            reasons=self.to_learn_from(source, Part.TRAIN, writer),
            held_out=self.to_learn_from(source, Part.VALIDATION, writer) if needs_held_out else None,
            matched=self.to_learn_from(OracleReason(), Part.TRAIN, None) if equal_tokens else None,
            objective=settings.objective,
        )

    def _sharpened(self, start: LanguageModelStage) -> LanguageModelStage:
        """Iterated: in each round the model writes anew, and the next one learns from what was better and worse."""
        for rule in self.experiment.preference.each_round():
            assert isinstance(start, TrainingStage)
            start = TrainOnPreferences(
                **self._shared(start.role),
                **self._training(),
                optimizer=self.experiment.preference_optimizer,
                adaptation=self.experiment.lora,
                start=start,
                pairs=self._pairs(start, rule, Part.TRAIN),
                held_out=self._held_out_pairs(start, rule),
                loss=self.experiment.preference_loss,
            )
        return start

    def _pairs(self, writer: TrainingStage, rule: PairRule, part: Part) -> MakePairs:
        settings = self.experiment
        sampled = SampleCompletions(self.prepared, part, self._at_writing(writer), rule.sampling)
        reads_reasons = not issubclass(writer.role.value, NamesOccupation) and rule.needs_predictor
        return MakePairs(
            sampled,
            rule,
            judged=JudgeReasons(self.prepared, sampled, settings.judge, part) if rule.needs_judge else None,
            oracle=self.selected(part) if rule.needs_oracle else None,
            predictor=self._train(settings.model.predictor) if reads_reasons else None,
        )

    def _held_out_pairs(self, writer: TrainingStage, rule: PairRule) -> MakePairs | None:
        most = self.experiment.trainer.validation_examples
        held_out = replace(rule, sampling=replace(rule.sampling, max_examples=most))
        return self._pairs(writer, held_out, Part.VALIDATION) if most else None

    def _shared(self, role: Role) -> dict[str, Any]:
        settings = self.experiment
        return {
            "prepared": self.prepared,
            "role": role,
            "prompts": settings.prompts,
            "backbone": settings.backbone,
            "trainer": settings.trainer,
        }

    def _training(self) -> dict[str, Any]:
        settings = self.experiment
        return {"seed": settings.seed, "experiment": settings.name, "tracking": settings.tracking}


def plan(experiment: Experiment, *, command: str = "", config: str = "") -> Report:
    """Connect the stages of `experiment`; the report's inputs are the whole graph.

    Args:
        experiment: what is asked.
        command: how it was asked, for the report.
        config: its settings as YAML, for the report.
    """
    road = Road(experiment)
    answer = road.answer()
    own_reasons = JudgeReasons(road.prepared, answer.reasons, experiment.judge, Part.TEST)
    evaluated = Evaluate(
        road.prepared,
        answer,
        AnswerByBaselines(road.prepared, experiment.baselines),
        experiment.evaluation,
        system=experiment.system(),
        own_reasons=own_reasons,
        experiment=experiment.name,
        tracking=experiment.tracking,
    )
    return Report(
        evaluated,
        own_reasons,
        experiment.name,
        experiment.question,
        labels=(
            CheckJudgeAgainstLabels(road.prepared, experiment.judge, experiment.judge_labels)
            if experiment.judge_labels.path
            else None
        ),
        command=command,
        config=config,
    )


def goals(experiment: Experiment, *, command: str = "", config: str = "") -> list[Stage]:
    """What the experiment is made for: its report, and merged models where they are asked for.

    Args:
        experiment: what is asked.
        command: how it was asked, for the report.
        config: its settings as YAML, for the report.
    """
    return [plan(experiment, command=command, config=config), *_merges(experiment)]


def make(experiment: Experiment, config: str) -> tuple[MadeOrFound, ...]:
    """Make what is missing of the experiment, in all processes that `trainer` asks for."""
    command = shlex.join(["occpred", *sys.argv[1:]])
    return _make(experiment, tuple(goals(experiment, command=command, config=config)), experiment.trainer)


def make_work(work: Work) -> tuple[MadeOrFound, ...]:
    """Make what is missing of the stages that a job of a sweep is to make.

    Raises:
        UserError: a file that counts by content has changed since the sweep began.
    """
    run = goals(work.experiment, command=work.command, config=work.config)
    known = by_reference([*run, Road(work.experiment).judge_check])
    if not known.keys() >= {*work.stages}:
        raise UserError(f"{work}: a file that it reads has changed since the sweep began; run the sweep again")
    return _make(work.experiment, tuple(known[name] for name in work.stages), work.trainer)


def _make(experiment: Experiment, stages: tuple[Stage, ...], trainer: Trainer) -> tuple[MadeOrFound, ...]:
    store = ArtifactStore(Path(experiment.store))
    if Place.given() is None and all(store.is_done(stage) for stage in stages):
        return store.make_all(stages)  # no other process needs to be started for that
    experiment.engine.check()
    return together(trainer.num_processes, partial(store.make_all, stages), num_nodes=trainer.num_nodes)


def _merges(experiment: Experiment) -> list[Merge]:
    """The models that answer or write as plain ones, where that is asked for."""
    if not experiment.merge:
        return []
    road = Road(experiment)
    return [Merge(model) for model in (road.predictor(), road.writer()) if isinstance(model, TrainingStage)]


def run(experiment: Experiment, config: str) -> None:
    """Make what is missing of the experiment, print its table, and tell where the report is; or only plan its calls."""
    from occpred.report.terminal import print_results

    store = ArtifactStore(Path(experiment.store))
    if experiment.dry_run:
        dry_run(store, [plan(experiment)])
        return
    if experiment.plan:
        show_plan(store, [SweepRun(experiment, tuple(goals(experiment)))])
        return
    report = plan(experiment)
    with report.evaluated.awaited(store):
        results = make(experiment, config)
    if not is_first():
        return
    if not any(result.made for result in results):
        logger.info("nothing to do: all %d stages were there already", len(results))
    print_results(replace(report.results(store), columns=HEADLINE))
    print(f"report: {store.folder(report) / 'report.html'}")
    for merged in dict.fromkeys(store.folder(stage) / MERGED for stage in _merges(experiment)):
        print(f"model: {merged}")
