from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest
from omegaconf import OmegaConf

from occpred.settings import is_incidental
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.tracking import Tracking
from occpred.tracking.wandb_tracking import WandbMode, WandbTracking

CHOICES = [CsvTracking, WandbTracking]


@pytest.mark.parametrize("choice", CHOICES)
def test_no_setting_counts_in_a_signature(choice: type[Tracking]) -> None:
    assert all(is_incidental(field) for field in fields(choice))


@pytest.mark.parametrize("choice", CHOICES)
def test_choices_are_structured_configs(choice: type[Tracking]) -> None:
    assert OmegaConf.to_object(OmegaConf.structured(choice)) == choice()


def test_settings_come_from_text() -> None:
    config = OmegaConf.merge(OmegaConf.structured(WandbTracking), {"mode": "ONLINE", "entity": "team"})
    assert OmegaConf.to_object(config) == WandbTracking(mode=WandbMode.ONLINE, entity="team")


def test_nothing_heavy_is_loaded_for_settings() -> None:
    program = (
        "import sys, occpred.tracking.csv_tracking, occpred.tracking.wandb_tracking;"
        "print({'torch', 'lightning', 'wandb', 'pandas'} & sys.modules.keys())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"
