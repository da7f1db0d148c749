"""What would be asked of chat models, counted and shown before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from occpred.artifacts.signature import reference
from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.report.planned_calls import print_planned_calls
from occpred.stages.prepare import Prepare
from occpred.stages.reason import AsksChatModels


def dry_run(store: ArtifactStore, stages: Sequence[Stage]) -> None:
    """Print all calls that making `stages`, and what they need and is missing, would take; each stage counts once.

    Careers are prepared for it, which asks nobody. Reasons that are not written yet count as many as there can be.
    """
    missing = store.missing(stages)
    asking = [stage for stage in missing if isinstance(stage, AsksChatModels)]
    if asking:
        store.make_all([stage for stage in missing if isinstance(stage, Prepare)])
    print_planned_calls({reference(stage): stage.plan(store) for stage in asking})
