"""Which system is trained: one language model for both steps, two of them, one without reasons, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from occpred.encoding import Role
from occpred.settings import Settings, setting


@dataclass
class Model(Settings):
    """A division of the work among language models. Roles that are the same are played by one and the same model."""

    label: ClassVar[str]
    """What tables call it."""
    writer: ClassVar[Role | None]
    """Who writes the model's own reasons; `None` where nobody does."""
    predictor: ClassVar[Role]
    """Who names the occupation."""


@dataclass
class Joint(Model):
    """One language model for both tasks: it writes the reason, then the occupation."""

    label: ClassVar[str] = "joint"
    writer: ClassVar[Role | None] = Role.JOINT
    predictor: ClassVar[Role] = Role.JOINT


@dataclass
class TwoModels(Model):
    """A reason generator and an occupation predictor, trained apart and put together when they answer."""

    label: ClassVar[str] = "two models"
    writer: ClassVar[Role | None] = Role.REASON_GENERATOR
    predictor: ClassVar[Role] = Role.PREDICTOR


@dataclass
class Direct(Model):
    """The decisive control: trained on the same examples to name the occupation at once, with no reason anywhere."""

    label: ClassVar[str] = "direct"
    writer: ClassVar[Role | None] = None
    predictor: ClassVar[Role] = Role.DIRECT

    equal_target_tokens: bool = False
    """Train until it has learned from as many target tokens as a joint model would in the same number of epochs, which
    takes more passes over the same examples, since titles are shorter than reasons."""


@dataclass
class Untuned(Model):
    """The backbone as it is, asked like the joint model; with shots, it is shown training examples first."""

    label: ClassVar[str] = "untuned"
    writer: ClassVar[Role | None] = Role.JOINT
    predictor: ClassVar[Role] = Role.JOINT

    shots: int = setting(0, minimum=0)
    """Training examples, with their right replies, that stand before each question."""
    shots_seed: int = setting(0, minimum=0)
    """Decides which examples are shown."""
