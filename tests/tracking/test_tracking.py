from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import fields
from typing import ClassVar

import pytest
from omegaconf import OmegaConf

from occpred.interruption import Interrupted, heeded, postponed
from occpred.settings import is_incidental
from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.tracking import Ending, NullTracker, Tracking
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


class Closed(NullTracker):
    """Notes how it was closed."""

    endings: ClassVar[list[Ending]] = []

    def close(self, ending: Ending = Ending.FINISHED) -> None:
        self.endings.append(ending)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (ZeroDivisionError(), Ending.FAILED),
        (KeyboardInterrupt(), Ending.INTERRUPTED),
        (Interrupted(signal.SIGTERM), Ending.INTERRUPTED),
    ],
)
def test_who_is_going_to_be_resumed_has_not_failed(error: BaseException, ending: Ending) -> None:
    with pytest.raises(type(error)), Closed():
        raise error
    assert Closed.endings.pop() is ending


def test_an_error_after_a_signal_is_taken_for_its_consequence() -> None:
    with pytest.raises(Interrupted), heeded(signal.SIGUSR2), postponed(), Closed():  # noqa: PT012
        signal.raise_signal(signal.SIGUSR2)
        raise ConnectionError
    assert Closed.endings.pop() is Ending.INTERRUPTED


def test_a_run_that_ends_well_is_finished_and_other_processes_track_nothing() -> None:
    with Closed() as tracker:
        tracker.log_metrics({"loss": 1.0}, 1)
        tracker.log_summary({"loss": 1.0})
        tracker.log_table("examples", ["a"], [["b"]])
    assert Closed.endings.pop() is Ending.FINISHED
