"""What a report says of components."""

from __future__ import annotations

from occpred.language_model.adaptation import BaseDtype, FullFineTuning, LoRA
from occpred.language_model.backbone import Backbone
from occpred.stages.report import backbone_in_words, in_words


def test_a_component_in_words() -> None:
    adaptation = LoRA(rank=8, alpha=16.0, dropout=0.05, targets=["q_proj", "v_proj"], base_dtype=BaseDtype.nf4)
    assert in_words(adaptation) == "LoRA: rank 8, alpha 16, dropout 0.05, targets q_proj v_proj, base dtype nf4"
    assert in_words(FullFineTuning()) == "FullFineTuning"


def test_random_weights_are_told_from_trained_ones() -> None:
    assert backbone_in_words(Backbone("tiny", "d1015")) == "tiny (d1015)"
    assert backbone_in_words(Backbone("tiny", "d1015", random_init=True)) == "tiny (d1015), random weights"
