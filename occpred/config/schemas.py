"""What Hydra has to know of the components: which of them a file in `conf/` may name as its schema."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from occpred.careers.jobhop import JobHopCareers
from occpred.careers.jsonl import JsonlCareers
from occpred.careers.simulated import SimulatedCareers
from occpred.careers.split import CanonicalSplit, SplitByPerson, SplitByTime
from occpred.chat.batch import BatchChat
from occpred.chat.endpoint import EndpointChat
from occpred.chat.local import LocalChat
from occpred.cluster.local_processes import LocalProcesses
from occpred.cluster.slurm_jobs import SlurmJobs
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.adaptation import FullFineTuning, LoRA
from occpred.language_model.backbone import EmbeddedBackbone
from occpred.language_model.engine import LocalEngine
from occpred.language_model.vllm_engine import VllmEngine
from occpred.models.model import Direct, Joint, TwoModels, Untuned
from occpred.models.preference_loss import DPOLoss, IPOLoss
from occpred.ranking.certified import CertifiedRanking
from occpred.ranking.exact import ExactRanking
from occpred.reasons.judge_preference import JudgePreference
from occpred.reasons.language_model_judge import LanguageModelJudge
from occpred.reasons.language_model_teacher import LanguageModelTeacher
from occpred.reasons.masked_reason import MaskedReason
from occpred.reasons.oracle_preference import OraclePreference
from occpred.reasons.outcome_preference import OutcomePreference
from occpred.reasons.preference import NoPreference
from occpred.reasons.rubric import RubricJudge
from occpred.reasons.shuffled_reason import ShuffledReason
from occpred.reasons.source import GeneratedReason, NoReason, OracleReason
from occpred.reasons.template import TemplateTeacher
from occpred.reasons.template_reason import TemplateReason
from occpred.settings import Settings
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.wandb_tracking import WandbTracking
from occpred.training.deepspeed_zero3 import DeepSpeedZero3
from occpred.training.fully_sharded import FullySharded
from occpred.training.strategy import DataParallel

CONF = Path(__file__).resolve().parents[2] / "conf"
"""The folder of named choices."""

_COMPONENTS: tuple[type[Settings], ...] = (
    SampleTaxonomy,
    OnetTaxonomy,
    JobHopItemsTaxonomy,
    SimulatedCareers,
    JsonlCareers,
    JobHopCareers,
    SplitByPerson,
    SplitByTime,
    CanonicalSplit,
    TemplateTeacher,
    LanguageModelTeacher,
    RubricJudge,
    LanguageModelJudge,
    EndpointChat,
    BatchChat,
    LocalChat,
    EmbeddedBackbone,
    LoRA,
    FullFineTuning,
    Joint,
    TwoModels,
    Direct,
    Untuned,
    NoReason,
    GeneratedReason,
    OracleReason,
    ShuffledReason,
    MaskedReason,
    TemplateReason,
    LocalEngine,
    VllmEngine,
    ExactRanking,
    CertifiedRanking,
    NoPreference,
    JudgePreference,
    OutcomePreference,
    OraclePreference,
    DPOLoss,
    IPOLoss,
    DataParallel,
    FullySharded,
    DeepSpeedZero3,
    SlurmJobs,
    LocalProcesses,
    CsvTracking,
    WandbTracking,
)
"""Components that share a group with others. A file in `conf/` says which by `defaults: [/schema/LoRA@_here_]`."""

_SCHEMAS: dict[str, type[Settings]] = {
    "experiment_schema": Experiment,
    **{f"schema/{component.__name__}": component for component in _COMPONENTS},
}


class SchemaSource(ConfigSource):
    """Where Hydra finds the components' dataclasses.

    Hydra's own store of structured configs would list them in `--help` as if they were choices, and copy all of them
    for each group it lists there, which takes seconds.
    """

    @staticmethod
    def scheme() -> str:
        """The scheme of this source in a search path."""
        return "occpred"

    def available(self) -> bool:
        """Always: it is no place on disk."""
        return True

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the schema of a component, with its defaults."""
        schema = OmegaConf.structured(_SCHEMAS[config_path])
        return ConfigResult(self.provider, self.full_path(), schema, header={"package": None})

    def is_group(self, config_path: str) -> bool:
        """Never: a schema is named in files of `conf/`, it is not for the user to choose."""
        return False

    def is_config(self, config_path: str) -> bool:
        """Whether there is a component of this name."""
        return config_path in _SCHEMAS

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Nothing that is a user's choice."""
        return []


class SchemaSearchPath(SearchPathPlugin):
    """Lets Hydra look into `SchemaSource`."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the source."""
        search_path.append(provider="occpred", path=f"{SchemaSource.scheme()}://")


def register_schemas() -> None:
    """Make the schemas known to Hydra, and close the environment to configs."""
    Plugins.instance().register(SchemaSource)
    Plugins.instance().register(SchemaSearchPath)
    OmegaConf.register_new_resolver("oc.env", _refuse_environment, replace=True)


def _refuse_environment(name: str, *default: object) -> NoReturn:
    # Configs are kept beside results and sent to tracking, where a secret out of the environment must not go.
    raise UserError(f"${{oc.env:{name}}} reads the environment, which a config must not: give the value itself")
