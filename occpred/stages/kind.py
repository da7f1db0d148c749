"""What kind of work a stage is: stages of one kind are made by one job, where the same runs of a sweep need them."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.artifacts.stage import Stage
from occpred.encoding import Role
from occpred.stages.answer import Answer, AnswerByBaselines
from occpred.stages.check_judge import CheckJudge
from occpred.stages.evaluate import Evaluate
from occpred.stages.gather import GatherReasons
from occpred.stages.judge_labels import CheckJudgeAgainstLabels
from occpred.stages.merge import Merge
from occpred.stages.phase import Phase
from occpred.stages.prefer import MakePairs, SampleCompletions
from occpred.stages.prepare import Part, Prepare
from occpred.stages.reason import JudgeReasons, ProposeReasons, SelectReasons
from occpred.stages.report import Report
from occpred.stages.serve import ServedModel
from occpred.stages.train import Train
from occpred.stages.train_preference import TrainOnPreferences
from occpred.stages.untuned import UntunedModel


@dataclass(frozen=True)
class Kind:
    """The phase, and the role of the model that is fine-tuned, since models of two roles can be so side by side."""

    phase: Phase
    role: Role | None = None

    @property
    def role_name(self) -> str:
        """The role in words; empty where it does not matter."""
        return self.role.name.lower().replace("_", " ") if self.role else ""


def kind_of(stage: Stage) -> Kind:
    """The kind of work that `stage` is. Raises `TypeError` for a stage that is no part of a run."""
    match stage:
        case Prepare() | AnswerByBaselines():
            return Kind(Phase.PREPARE)
        case ProposeReasons() | SelectReasons() | CheckJudge() | CheckJudgeAgainstLabels():
            return Kind(Phase.REASON)
        case GatherReasons():
            return _kind_of_gathering(stage)
        case JudgeReasons():
            return kind_of(stage.reasons)
        case Train():
            return Kind(Phase.SFT, stage.role)
        case ServedModel():
            return kind_of(stage.model)
        case SampleCompletions() | MakePairs():
            return Kind(Phase.PAIRS)
        case TrainOnPreferences():
            return Kind(Phase.DPO)
        case UntunedModel() | Answer() | Evaluate() | Report() | Merge():
            return Kind(Phase.EVALUATE)
        case _:
            raise TypeError(f"{type(stage).__name__}: no phase of a run")


def _kind_of_gathering(stage: GatherReasons) -> Kind:
    """Without a model that writes, it only takes oracle reasons over; to learn from, the writer has just been tuned."""
    if stage.writer is None:
        return Kind(Phase.REASON)
    return Kind(Phase.EVALUATE) if stage.part is Part.TEST else Kind(Phase.SFT, stage.writer.role)
