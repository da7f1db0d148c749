"""The whole schema of an experiment on one page."""

from __future__ import annotations

from dataclasses import dataclass, field

from occpred.baselines.suite import Baselines
from occpred.careers.source import Careers
from occpred.careers.split import Split
from occpred.evaluation.intervals import Evaluation
from occpred.language_model.adaptation import Adaptation
from occpred.language_model.backbone import Backbone
from occpred.models.model import Joint
from occpred.models.objective import SupervisedLoss
from occpred.prompts import Prompts
from occpred.ranking.exact import ExactRanking
from occpred.ranking.reason_source import ReasonSource
from occpred.reasons.judge import Judge
from occpred.reasons.selection import Selection
from occpred.reasons.teacher import Teacher
from occpred.settings import MISSING, Settings, setting
from occpred.taxonomy.taxonomy import TaxonomySource
from occpred.tracking.tracking import Tracking
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer


@dataclass
class Experiment(Settings):
    """Everything a run reads. Each field is a Hydra group of the same name; its choices are files in `conf/<name>/`."""

    name: str = setting("experiment", incidental=True)
    """What tables, the report and tracking call this experiment."""
    question: str = setting("", incidental=True)
    """The question it is to answer, in a sentence; the report begins with it."""
    store: str = setting("artifacts", incidental=True)
    """Folder that keeps the results of all stages, for this run and for later ones."""
    seed: int = setting(0, minimum=0)
    """Seed of training: initial adapters, order of examples, dropout. Data and teacher have seeds of their own."""

    taxonomy: TaxonomySource = MISSING
    careers: Careers = MISSING
    split: Split = MISSING
    teacher: Teacher = MISSING
    judge: Judge = MISSING
    selection: Selection = field(default_factory=Selection)
    prompts: Prompts = field(default_factory=Prompts)
    backbone: Backbone = field(default_factory=Backbone)
    lora: Adaptation = MISSING
    model: Joint = field(default_factory=Joint)
    objective: SupervisedLoss = field(default_factory=SupervisedLoss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    trainer: Trainer = field(default_factory=Trainer)
    reason: ReasonSource = MISSING
    ranking: ExactRanking = field(default_factory=ExactRanking)
    baselines: Baselines = field(default_factory=Baselines)
    evaluation: Evaluation = field(default_factory=Evaluation)
    tracking: Tracking = MISSING
