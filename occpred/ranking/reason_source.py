"""Where the reason comes from that an answer rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from occpred.language_model.generation import Generation
from occpred.prompts import THINK_CLOSE
from occpred.records import NextOccupationExample
from occpred.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from occpred.encoding import JointEncoder


@dataclass
class ReasonSource(Settings):
    """Provides the reason for each example at evaluation. `label` is what tables call it."""

    label: ClassVar[str]

    @property
    def needs_oracle(self) -> bool:
        """Whether oracle reasons for the evaluated examples have to be made."""
        return False

    def __call__(
        self,
        model: nn.Module,
        encoder: JointEncoder,
        examples: Sequence[NextOccupationExample],
        oracle: Mapping[str, str],
    ) -> list[str]:
        """Return one reason an example, in their order; the empty text where there is none.

        Args:
            model: the model under test.
            encoder: the model's prompts and tokens.
            examples: what is to be answered.
            oracle: the selected oracle reason by example id; empty unless `needs_oracle`.
        """
        raise NotImplementedError


@dataclass
class NoReason(ReasonSource):
    """The answer follows the history at once: empty thoughts."""

    label: ClassVar[str] = "no reason"

    def __call__(
        self,
        model: nn.Module,
        encoder: JointEncoder,
        examples: Sequence[NextOccupationExample],
        oracle: Mapping[str, str],
    ) -> list[str]:
        """Return empty texts."""
        return [""] * len(examples)


@dataclass
class GeneratedReason(ReasonSource):
    """The model under test writes its own reason from the history."""

    label: ClassVar[str] = "own reason"

    generation: Generation = field(default_factory=Generation)
    """How the reason is drawn."""

    def __call__(
        self,
        model: nn.Module,
        encoder: JointEncoder,
        examples: Sequence[NextOccupationExample],
        oracle: Mapping[str, str],
    ) -> list[str]:
        """Let the model continue `<think>` up to `</think>`."""
        prompts = [[*encoder.prompt(example.history), *encoder.reason_opening()] for example in examples]
        texts = self.generation(model, encoder.tokenizer, prompts, stop=THINK_CLOSE, stage="generate")
        return [text.partition(THINK_CLOSE)[0].strip() for text in texts]


@dataclass
class OracleReason(ReasonSource):
    """The judged and selected reason of the teacher: an upper bound where the teacher has seen the target."""

    label: ClassVar[str] = "oracle reason"

    @property
    def needs_oracle(self) -> bool:
        """Always."""
        return True

    def __call__(
        self,
        model: nn.Module,
        encoder: JointEncoder,
        examples: Sequence[NextOccupationExample],
        oracle: Mapping[str, str],
    ) -> list[str]:
        """Look up each example's reason; an example whose candidates were all refused is answered without one."""
        return [oracle.get(example.example_id, "") for example in examples]
