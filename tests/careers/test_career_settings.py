"""Sources and splits as Hydra fills them: from a typed schema and values of YAML."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, ValidationError

from occpred.careers.jobhop import JobHopCareers
from occpred.careers.jsonl import JsonlCareers
from occpred.careers.split import CanonicalSplit, SplitByPerson, SplitByTime, VisibleUntil
from occpred.settings import SettingError


def filled(component, **values):
    return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(component), values))


@pytest.mark.parametrize(
    ("component", "values"),
    [
        (JsonlCareers, {"path": "careers.jsonl", "max_positions": 20}),
        (JobHopCareers, {"path": "jobhop_ict", "crosswalk_path": "ESCO_to_ONET-SOC.csv"}),
        (JobHopCareers, {"path": "jobhop_ict", "crosswalk_path": None}),
        (SplitByPerson, {"test_share": 0.3, "max_test_people": 5}),
        (SplitByTime, {"validation_from": "2010", "test_from": "2012-07"}),
    ],
)
def test_values_arrive_as_they_are(component, values):
    assert filled(component, **values) == component(**values)


def test_where_the_visible_history_ends_is_given_by_name():
    assert filled(CanonicalSplit, visible_until="VALIDATION") == CanonicalSplit(visible_until=VisibleUntil.VALIDATION)


@pytest.mark.parametrize(
    ("component", "values", "error"),
    [
        (JsonlCareers, {}, MissingMandatoryValue),
        (SplitByTime, {"validation_from": "2010"}, MissingMandatoryValue),
        (JsonlCareers, {"path": "x", "max_position": 3}, ConfigKeyError),
        (JobHopCareers, {"path": "x", "max_positions": "many"}, ValidationError),
        (CanonicalSplit, {"visible_until": "NEVER"}, ValidationError),
        (SplitByTime, {"validation_from": "2010", "test_from": "2009"}, SettingError),
    ],
)
def test_what_does_not_fit_is_refused(component, values, error):
    with pytest.raises(error):
        filled(component, **values)
