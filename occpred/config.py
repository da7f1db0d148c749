"""The door: what Hydra composed becomes one typed `Experiment`, or one readable line of complaint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import ConfigCompositionException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    MissingMandatoryValue,
    OmegaConfBaseException,
    ValidationError,
)

from occpred.careers.jobhop import JobHopCareers
from occpred.careers.jsonl import JsonlCareers
from occpred.careers.simulated import SimulatedCareers
from occpred.careers.split import CanonicalSplit, SplitByPerson, SplitByTime
from occpred.errors import UserError
from occpred.experiment import Experiment
from occpred.language_model.adaptation import FullFineTuning, LoRA
from occpred.ranking.reason_source import GeneratedReason, NoReason, OracleReason
from occpred.reasons.rubric import RubricJudge
from occpred.reasons.template import TemplateTeacher
from occpred.settings import SettingError, Settings, range_errors
from occpred.taxonomy.jobhop_items import JobHopItemsTaxonomy
from occpred.taxonomy.onet import OnetTaxonomy
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.wandb_tracking import WandbTracking

CONF = Path(__file__).resolve().parents[1] / "conf"
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
    RubricJudge,
    LoRA,
    FullFineTuning,
    NoReason,
    GeneratedReason,
    OracleReason,
    CsvTracking,
    WandbTracking,
)
"""Components that share a group with others. A file in `conf/` says which by `defaults: [/schema/LoRA@_here_]`."""


def register_schemas() -> None:
    """Make the schema known to Hydra."""
    store = ConfigStore.instance()
    store.store(name="experiment_schema", node=Experiment)
    for component in _COMPONENTS:
        store.store(group="schema", name=component.__name__, node=component)


def to_experiment(config: DictConfig) -> Experiment:
    """Turn a composed config into components. Nothing below this line knows of Hydra or OmegaConf.

    Raises:
        SettingError: a mandatory value is missing or a value is out of range; the message names the key.
    """
    for message in _range_errors_within(config, prefix=""):
        raise SettingError(message)
    experiment = OmegaConf.to_object(config)
    assert isinstance(experiment, Experiment)
    return experiment


def _range_errors_within(config: DictConfig, prefix: str) -> Iterator[str]:
    kind = OmegaConf.get_type(config)
    values = {name: value for name, value in config.items_ex(resolve=True) if not OmegaConf.is_missing(config, name)}
    if isinstance(kind, type) and issubclass(kind, Settings):
        yield from range_errors(kind, {str(name): value for name, value in values.items()}, prefix)
    for name, value in values.items():
        if isinstance(value, DictConfig):
            yield from _range_errors_within(value, f"{prefix}{name}.")


def readable(error: Exception) -> str | None:
    """Say in one line what is wrong and what would be right; `None` where `error` is no mistake of the user."""
    match error:
        case UserError():
            return str(error)
        case MissingConfigException(missing_cfg_file=str() as given, options=list() as options):
            group, _, choice = given.rpartition("/")
            return f"{group}={choice}: no such choice{_did_you_mean(choice, options)}; allowed: {', '.join(options)}"
        case OverrideParseException(override=str() as given):
            return f"{given}: cannot be read, {_first_line(error)}; an override looks like lora.rank=8"
        case MissingMandatoryValue():
            return f"{error.full_key}: must be given, as in {error.full_key}=VALUE"
        case ConfigCompositionException():
            cause = error.__cause__
            explained = readable(cause) if isinstance(cause, OmegaConfBaseException) else None
            return explained or _override_complaint(error)
        case ConfigAttributeError() | ConfigKeyError():
            return _unknown_key(error)
        case ValidationError():
            return f"{error.full_key}={error.value!s}: {_first_line(error)}"
        case OmegaConfBaseException():
            return f"{error.full_key}: {_first_line(error)}" if error.full_key else _first_line(error)
    return None


def _unknown_key(error: OmegaConfBaseException) -> str:
    key = error.full_key or str(error.key)
    kind = error.object_type
    if not (isinstance(kind, type) and issubclass(kind, Settings)):
        return f"{key}: {_first_line(error)}"
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    where = key.rpartition(".")[0] or "an experiment"
    return f"{key}: no such key{_did_you_mean(str(error.key), names)}; {where} has {', '.join(names)}"


def _override_complaint(error: Exception) -> str:
    first = _first_line(error)
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    quoted = first.split("'")
    return first + _did_you_mean(quoted[1], groups) if len(quoted) > 2 else first


def _did_you_mean(given: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(given, list(allowed), n=1)
    return f", did you mean {close[0]}?" if close else ""


def _first_line(error: Any) -> str:
    return str(error).strip().splitlines()[0]
