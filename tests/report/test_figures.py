"""The figures: what they draw, that they follow the page's theme, and that equal data give equal bytes."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.report import figures
from occpred.report.data import CurvePoint, ReportData, TrainingCurves
from occpred.report.drawing import Drawing
from occpred.report.judging_figures import marks_by_length


@pytest.fixture(scope="module")
def drawings(data: ReportData) -> dict[str, Drawing]:
    return draw_all(data)


def draw_all(data: ReportData) -> dict[str, Drawing]:
    assert data.reasons is not None
    assert data.judging is not None
    movers = data.results.of_group("movers")
    return {
        "forest": figures.forest(movers, data.results.columns[0], "movers", apart="joint"),
        "loss": figures.training_loss(data.training[0], 0),
        "validation": figures.training_metric(data.training[0], data.results.columns[0], 0),
        "calibration": figures.calibration(data.calibration),
        "marks": figures.marks(data.reasons),
        "marks-by-length": marks_by_length(data.judging.by_length),
    }


def texts(drawing: Drawing) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing.svg).iter("text")]


def test_colours_and_typeface_are_the_page_s(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        assert "#" not in drawing.svg.replace("url(#", "").replace('href="#', "")
        assert "font-family" not in drawing.svg
        assert "var(--accent)" in drawing.svg
        assert "http" not in drawing.svg


def test_every_figure_is_described_in_words(drawings: dict[str, Drawing]) -> None:
    for drawing in drawings.values():
        root = ElementTree.fromstring(drawing.svg)
        assert root.attrib["role"] == "img"
        by_id = {element.attrib["id"]: element for element in root.iter() if "id" in element.attrib}
        title, description = (by_id[name] for name in root.attrib["aria-labelledby"].split())
        assert title.text
        assert description.text


def test_ids_are_unique_across_figures_and_references_hold(drawings: dict[str, Drawing]) -> None:
    ids = [
        element.attrib["id"]
        for drawing in drawings.values()
        for element in ElementTree.fromstring(drawing.svg).iter()
        if "id" in element.attrib
    ]
    assert len(ids) == len(set(ids))
    references = [
        element.attrib["href"].removeprefix("#")
        for drawing in drawings.values()
        for element in ElementTree.fromstring(drawing.svg).iter("use")
    ]
    assert references
    assert set(references) <= set(ids)


def test_equal_data_give_equal_bytes_whatever_matplotlib_is_told(
    data: ReportData, drawings: dict[str, Drawing]
) -> None:
    with mpl.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.edgecolor": "red"}):
        assert draw_all(data) == drawings


def test_forest_names_systems_and_values(drawings: dict[str, Drawing]) -> None:
    shown = texts(drawings["forest"])
    assert {"joint", "popularity", "repeat_last", "markov_1", "markov_2", "34.0", "0.0", "AccEM (%)"} <= set(shown)
    assert "joint 34.0 [29.9, 38.3]" in drawings["forest"].svg


def test_labels_are_text_and_neither_mathematics_nor_markup(hostile: ReportData) -> None:
    rows = hostile.results.of_group("movers")
    drawing = figures.forest(rows, hostile.results.columns[0], "movers", apart=rows[0].system)
    assert "joint &lt;script&gt;" in drawing.svg
    assert "<script" not in drawing.svg
    assert any(text.startswith("joint <script>") for text in texts(drawing))


def test_calibration_leaves_out_empty_bins(drawings: dict[str, Drawing]) -> None:
    assert "9 answers; probability 0.85" in drawings["calibration"].svg
    assert "nan" not in drawings["calibration"].svg


def test_loss_curve_without_validation_or_finite_values() -> None:
    curves = TrainingCurves("the predictor", (CurvePoint(1, math.nan),))
    drawing = figures.training_loss(curves, 1)
    assert "Training loss was not logged." in drawing.svg
    assert "nan" not in drawing.svg


def test_averaging_by_hand() -> None:
    points = [CurvePoint(step, value) for step, value in enumerate([1.0, 3.0, 5.0, 7.0, 10.0])]
    assert figures.averaged(points, most=3) == [CurvePoint(1, 2.0), CurvePoint(3, 6.0), CurvePoint(4, 10.0)]
    assert figures.averaged(points, most=5) == points


@given(st.integers(0, 400), st.integers(1, 50))
def test_averaging_keeps_to_the_limit(count: int, most: int) -> None:
    points = [CurvePoint(step, 1.0) for step in range(count)]
    assert len(figures.averaged(points, most)) <= most
