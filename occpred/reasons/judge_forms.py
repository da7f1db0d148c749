"""What a language model fills in when it judges a reason: one form for each question, with what PAPER.md asks for.

What docstrings and descriptions say of a form is told to the model, as part of its JSON schema. Findings come before
the mark, so that a model which writes from left to right has them before it when it decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from occpred.prompts import plain
from occpred.reasons.judge import BEST, WORST, Mark

_MARKS = list(range(WORST, BEST + 1))
Score = Annotated[
    int,
    # Strict, because `true` is no mark. Servers know lists of values better than ranges.
    Field(strict=True, ge=WORST, le=BEST, json_schema_extra={"enum": _MARKS}, description="the mark, by the scale"),
]
Justification = Annotated[str, Field(description="one or two sentences: why this mark and not another")]


class JudgeForm(BaseModel, ABC):
    """A filled-in form. What more a reply holds than the form's fields is left out."""

    model_config = ConfigDict(frozen=True)

    @abstractmethod
    def mark(self) -> Mark:
        """What the form says, as every judge says it."""


class FactualityForm(JudgeForm):
    """Are the reason's claims supported by the history?"""

    errors: list[str] = Field(description="the claims that the history does not support, each in a few words")
    error_count: int = Field(description="how many errors there are")
    justification: Justification
    score: Score

    @model_validator(mode="after")
    def _count_fits(self) -> FactualityForm:
        if self.error_count != len(self.errors):
            raise ValueError(f"error_count is {self.error_count}, but errors lists {len(self.errors)}")
        return self

    def mark(self) -> Mark:
        """The errors are the unsupported claims."""
        return Mark(self.score, plain(self.justification), tuple(map(plain, self.errors)))


class CoherenceForm(JudgeForm):
    """Does the reason, by itself, hold together?"""

    temporal_order: Literal["good", "problematic", "broken"] = Field(
        description="can the order of time in what is told be followed?"
    )
    logical_issues: list[str] = Field(
        description="contradictions, leaps and unfounded conclusions, each in a few words"
    )
    justification: Justification
    score: Score

    def mark(self) -> Mark:
        """The errors are the logical issues."""
        count = f"{len(self.logical_issues)} logical issue{'' if len(self.logical_issues) == 1 else 's'}"
        found = f"The order of time is {self.temporal_order}; {count}."
        return Mark(self.score, f"{found} {plain(self.justification)}", tuple(map(plain, self.logical_issues)))


class UtilityForm(JudgeForm):
    """Does the reason, without the history, bear on the true next occupation?"""

    relevance: Literal["strong", "moderate", "weak", "none"] = Field(
        description="how much has the reason to do with the occupation?"
    )
    supports: bool = Field(description="does the reason speak for this occupation?")
    justification: Justification
    score: Score

    def mark(self) -> Mark:
        """There are no errors to list."""
        supports = "it supports the occupation" if self.supports else "it does not support the occupation"
        return Mark(self.score, f"The relevance is {self.relevance}; {supports}. {plain(self.justification)}")
