"""The whole schema of an experiment on one page."""

from __future__ import annotations

from dataclasses import dataclass, field

from occpred.baselines.suite import Baselines
from occpred.careers.judge_labels import JudgeLabels
from occpred.careers.source import Careers
from occpred.careers.split import Split
from occpred.evaluation.comparison import Comparison
from occpred.evaluation.intervals import Evaluation
from occpred.language_model.adaptation import Adaptation
from occpred.language_model.backbone import Backbone
from occpred.language_model.engine import Engine
from occpred.language_model.vllm_engine import VllmEngine
from occpred.models.model import Model, Untuned
from occpred.models.objective import SupervisedLoss
from occpred.models.preference_loss import PreferenceLoss
from occpred.prompts import Prompts
from occpred.ranking.ranking import Ranking
from occpred.reasons.judge import Judge
from occpred.reasons.preference import Preference
from occpred.reasons.selection import Selection
from occpred.reasons.source import NoReason, ReasonSource
from occpred.reasons.teacher import Teacher
from occpred.settings import MISSING, SettingError, Settings, setting
from occpred.taxonomy.taxonomy import TaxonomySource
from occpred.tracking.tracking import Tracking
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer


@dataclass
class Sweep(Settings):
    """What is said of a sweep as a whole, beside what its jobs say of themselves."""

    name: str = setting("sweep", incidental=True)
    """What its report is called."""
    question: str = setting("", incidental=True)
    """The question it is to answer, in a sentence."""


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
    judge_labels: JudgeLabels = field(default_factory=JudgeLabels)
    selection: Selection = field(default_factory=Selection)
    prompts: Prompts = field(default_factory=Prompts)
    backbone: Backbone = field(default_factory=Backbone)
    lora: Adaptation = MISSING
    model: Model = MISSING
    training_reason: ReasonSource = MISSING
    objective: SupervisedLoss = field(default_factory=SupervisedLoss)
    optimizer: Optimizer = field(default_factory=Optimizer)
    preference: Preference = MISSING
    preference_loss: PreferenceLoss = MISSING
    preference_optimizer: Optimizer = field(default_factory=Optimizer)
    trainer: Trainer = field(default_factory=Trainer)
    reason: ReasonSource = MISSING
    engine: Engine = MISSING
    ranking: Ranking = MISSING
    baselines: Baselines = field(default_factory=Baselines)
    evaluation: Evaluation = field(default_factory=Evaluation)
    comparison: Comparison = field(default_factory=Comparison)
    tracking: Tracking = MISSING
    sweep: Sweep = field(default_factory=Sweep)
    merge: bool = setting(False, incidental=True)
    """Whether the trained models are written as plain Hugging Face folders as well."""
    dry_run: bool = setting(False, incidental=True)
    """Only show what would be asked of chat models: calls, tokens, cost, what leaves the machine, and the prompts."""
    plan: bool = setting(False, incidental=True)
    """Only show what would be made: which stages, what is there already, and how many GPU hours it may take."""

    def __post_init__(self) -> None:
        """Refuse what cannot be put together."""
        super().__post_init__()
        self.reason.check(self.ranking.num_reasons)
        self.training_reason.check(self.selection.best_of)
        if self.model.writer is None and not isinstance(self.reason, NoReason):
            raise SettingError(f"reason: model={self.model.label} reads no reason; give reason=none")
        if self.model.writer is None and self.preference.each_round():
            raise SettingError(f"preference: model={self.model.label} writes no reason to prefer; give preference=none")
        if isinstance(self.model, Untuned) and self.preference.each_round():
            raise SettingError("preference: model=untuned is not trained; give preference=none or another model")
        if self.training_reason.needs_writer and self.model.writer is self.model.predictor:
            raise SettingError(
                f"training_reason: model={self.model.label} cannot learn from reasons that it is to write itself; "
                "give another source, or model=two_models, whose predictor can learn from the generator's"
            )
        is_rounded = not isinstance(self.model, Untuned) and self.lora.without_rounding() != self.lora
        if isinstance(self.engine, VllmEngine) and self.model.writer and is_rounded:
            raise SettingError(
                "engine: vllm would write by weights that are not rounded as those of the trained model are; "
                "give engine=local, or lora.base_dtype=backbone"
            )

    def system(self) -> str:
        """What tables call the model that answers, and its reasons."""
        sharpened = f" + DPO ({self.preference.label})" if self.preference.each_round() else ""
        reason = f", {self.reason.label}" if self.model.writer else ""
        return f"{self.model.label}{sharpened}{reason}"
