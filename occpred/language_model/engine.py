"""By what a trained model writes its reasons, and its replies for preference pairs."""

from __future__ import annotations

from dataclasses import dataclass

from occpred.settings import Settings


@dataclass
class Engine(Settings):
    """The base of the choices of the `engine` group."""

    def check(self) -> None:
        """Raise `UserError` where this machine cannot write so; call it before anything is made that is to write."""


@dataclass
class LocalEngine(Engine):
    """This package, by the model as it was trained."""
