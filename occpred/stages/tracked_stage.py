"""A stage whose run is tracked: what tracking calls it, and what it is told of its settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from occpred.artifacts.signature import by_reference, configuration, reference, signature
from occpred.artifacts.stage import Stage
from occpred.distributed.ranks import is_first
from occpred.settings import MISSING, setting
from occpred.tracking.tracking import NullTracker, RunIdentity, Tracker, Tracking


@dataclass(frozen=True, kw_only=True)
class TrackedStage(Stage):
    """Its numbers go to tracking while it runs."""

    is_outcome: ClassVar[bool] = False
    """Whether the experiment's headline numbers are among them."""

    experiment: str = setting("", incidental=True)
    tracking: Tracking = setting(MISSING, incidental=True)

    def run_identity(self) -> RunIdentity:
        """What the run is called; the same stage always has the same id, whichever experiment or sweep makes it."""
        *inputs, output = by_reference([self])
        return RunIdentity(
            name=f"{self.experiment} {self.name}",
            group=self.tracking.group or self.experiment,
            job_type=self.name,
            id=signature(self),
            tags=tuple(self.tracking.tags),
            inputs=tuple(inputs),
            output=output,
            is_outcome=self.is_outcome,
        )

    def run_config(self) -> dict[str, Any]:
        """All settings that the result rests on, stage by stage, as plain values.

        Keys are the stages' names: where two have the same one, that nearer to this stage has it, and the other is
        `gather_2`. `inputs` has the references by the same keys, and `axes` the values in which a sweep's runs differ.
        """
        stages: dict[str, Stage] = {}
        for stage in reversed(by_reference([self]).values()):
            numbered = (f"{stage.name}_{number}" for number in range(2, len(stages) + 3))
            stages[next(key for key in (stage.name, *numbered) if key not in stages)] = stage
        settings = {key: _unwrapped(_read(stage)) for key, stage in stages.items()}
        inputs = {key: reference(stage) for key, stage in stages.items() if stage is not self}
        return {**settings, "inputs": inputs, "axes": axes(self.tracking.tags)}

    def open_tracker(self, folder: Path) -> Tracker:
        """Open the run, with its files in `folder/tracking`; on the first process only, which tracks for all."""
        if not is_first():
            return NullTracker()
        return self.tracking.open(self.run_identity(), self.run_config(), folder / "tracking")


def axes(tags: Iterable[str]) -> dict[str, Any]:
    """Read `lora.rank=8` as `{"lora_rank": 8}`: W&B takes dots in keys for levels; plots need numbers to be numbers."""
    given = (tag.partition("=") for tag in tags if "=" in tag)
    return {re.sub(r"[^\w-]+", "_", key).strip("_"): _value(text) for key, _, text in given}


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _read(stage: Stage) -> dict[str, Any]:
    return {name: value for name, value in configuration(stage).items() if name not in ("experiment", "tracking")}


def _unwrapped(value: Any) -> Any:
    """Put a component's settings beside its name, `{"settings": "LoRA", "rank": 8}`, for columns are made of keys."""
    match value:
        case {"settings": name, "fields": fields}:
            return {"settings": name, **_unwrapped(fields)}
        case dict():
            return {key: _unwrapped(entry) for key, entry in value.items()}
        case list():
            return [_unwrapped(entry) for entry in value]
        case _:
            return value
