"""Figures that hold several systems or criteria: what they draw and say, and that equal data give equal bytes."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from occpred.records import CalibrationBin
from occpred.report.drawing import Drawing
from occpred.report.sweep_data import SweepData
from occpred.report.sweep_figures import calibrations, dose_response
from tests.report.sweep_example import REFERENCE


def draw_all(data: SweepData) -> dict[str, Drawing]:
    return {
        "calibrations": calibrations(data.calibrations),
        "dose": dose_response(REFERENCE, data.doses[REFERENCE], data.results.columns[0], 0),
    }


@pytest.fixture(scope="module")
def drawings(sweep: SweepData) -> dict[str, Drawing]:
    return draw_all(sweep)


def texts(drawing: Drawing) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing.svg).iter("text")]


def test_equal_data_give_equal_bytes(sweep: SweepData, drawings: dict[str, Drawing]) -> None:
    assert draw_all(sweep) == drawings


def test_colours_are_the_page_s_and_words_stand_for_the_picture(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        root = ElementTree.fromstring(drawing.svg)
        assert "#" not in drawing.svg.replace("url(#", "").replace('href="#', "")
        assert len(root.attrib["aria-labelledby"].split()) == 2
        assert "nan" not in drawing.svg


def test_each_system_has_its_calibration_plot(drawings: dict[str, Drawing], sweep: SweepData) -> None:
    assert set(sweep.calibrations) <= set(texts(drawings["calibrations"]))
    assert f"{REFERENCE}: 0.10, 0.10, 50; 0.30, 0.30, 40;" in drawings["calibrations"].svg


def test_bins_without_answers_are_left_out() -> None:
    bins = (CalibrationBin(0.1, 0.2, 4), CalibrationBin(float("nan"), float("nan"), 0))
    assert "one: 0.10, 0.20, 4. two: ." in calibrations({"one": bins, "two": bins[1:]}).svg


def test_each_criterion_has_its_plot_with_its_slope(drawings: dict[str, Drawing]) -> None:
    assert {"Factuality", "Coherence", "Utility", "Mean", "+4.2 [3.0, 5.4] a mark"} <= set(texts(drawings["dose"]))
    assert (
        "Utility, at a mark of 1.5: 26.3 [21.3, 31.3]; 3: 32.6 [27.6, 37.6]; 4: 36.8 [31.8, 41.8]; "
        "5: 41.0 [36.0, 46.0]; slope +4.2 [3.0, 5.4] a mark." in drawings["dose"].svg
    )


def test_one_criterion_alone(sweep: SweepData) -> None:
    (first, *_) = sweep.doses[REFERENCE]
    drawing = dose_response("joint", [replace(first, points=())], sweep.results.columns[0], 3)
    assert "Factuality, at a mark of ; slope" in drawing.svg
    assert 'id="dose-3-title"' in drawing.svg
