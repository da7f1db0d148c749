"""How tracking calls the run of a stage."""

from __future__ import annotations

from occpred.artifacts.signature import signature
from occpred.artifacts.stage import Stage
from occpred.tracking.tracking import RunIdentity


def run_identity(stage: Stage, experiment: str) -> RunIdentity:
    """Return the identity of the run of `stage` within `experiment`; the same stage always has the same id."""
    return RunIdentity(name=f"{experiment} {stage.name}", group=experiment, job_type=stage.name, id=signature(stage))
