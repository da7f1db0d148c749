"""A trained model on disk: what was trained, and which backbone it belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from occpred.errors import UserError
from occpred.language_model.adaptation import Adaptation, check_whole
from occpred.language_model.backbone import Backbone

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

_IDENTITY = "backbone.json"


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    backbone: Backbone,
    adaptation: Adaptation,
    trained: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the trained parameters, and the name and revision of the backbone they belong to, into `folder`.

    Args:
        folder: it is made where it is missing.
        model: what was trained.
        backbone: what it was before.
        adaptation: how it was trained.
        trained: its trained parameters, where `model` itself holds only a part of each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    adaptation.save(model, folder, trained)
    (folder / _IDENTITY).write_text(json.dumps(_identity(backbone), indent=2), encoding="utf-8")


def load_checkpoint(folder: Path, backbone: Backbone, adaptation: Adaptation, *, trainable: bool = False) -> nn.Module:
    """Load `backbone` with the trained parameters in `folder`, in evaluation mode.

    Args:
        folder: where `save_checkpoint` wrote.
        backbone: what the parameters were trained on.
        adaptation: how they were trained.
        trainable: whether they require gradients, as the start of further training.

    Raises:
        UserError: the parameters were trained on another backbone or revision, or a file is missing.
    """
    _check_backbone(folder, backbone)
    return adaptation.load(backbone.load_model(), folder, trainable=trainable)


def load_merged(folder: Path, backbone: Backbone, adaptation: Adaptation) -> PreTrainedModel:
    """Load `backbone` with the trained parameters in `folder` as part of its own weights: a plain model.

    Raises:
        UserError: the parameters were trained on another backbone or revision, or a file is missing.
    """
    _check_backbone(folder, backbone)
    return adaptation.merge(backbone.load_model(), folder)


def _check_backbone(folder: Path, backbone: Backbone) -> None:
    check_whole(folder, _IDENTITY)
    trained_on = json.loads((folder / _IDENTITY).read_text(encoding="utf-8"))
    if trained_on != _identity(backbone):
        raise UserError(
            f"{folder}: trained on backbone {_spelled(trained_on)}, cannot be used with {_spelled(_identity(backbone))}"
        )


def _identity(backbone: Backbone) -> dict[str, Any]:
    fields = asdict(backbone)
    counting = (
        ("name", "revision", "random_init", "architecture", "seed") if backbone.random_init else ("name", "revision")
    )
    return {name: fields[name] for name in counting}


def _spelled(identity: dict[str, Any]) -> str:
    return f"{identity['name']} (revision {identity['revision']})"
