"""The page: well formed, self-contained, complete, deterministic, and deaf to what data tell it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.findings import Certainty, LargestError
from occpred.report.data import ReportData
from occpred.report.environment import duration, environment, fact_label, fact_value, memory, percent_of
from occpred.report.files import write_report
from occpred.report.page import render_page
from occpred.report.reason_data import Spending
from occpred.report.text import printable
from tests.report.page_reader import Page, check_references, check_self_contained


@pytest.fixture(scope="module")
def page(page_source: str) -> Page:
    return Page(page_source)


def test_page_is_self_contained_and_every_reference_holds(page: Page) -> None:
    check_self_contained(page)
    check_references(page)


def test_page_forbids_scripts_and_loading(page: Page) -> None:
    policy = next(attributes for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


def test_measures_are_explained_once(page: Page) -> None:
    explained = [text for text in page.within("dd") if text == "Share of first-ranked titles that are the true one."]
    assert len(explained) == 1


def test_sections_and_tables(page: Page) -> None:
    assert page.within("h2") == [
        "Results",
        "Training and calibration",
        "Data",
        "Reasons",
        "Judge",
        "Examples",
        "Provenance",
    ]
    assert page.within("h1") == ["demo"]
    assert page.within("title")[0] == "demo – occpred report"
    captions = page.within("figcaption")
    assert captions[:3] == [
        "All test examples (n = 200)",
        "Movers: the next occupation differs from the last (n = 131)",
        "Stayers: the next occupation repeats the last (n = 69)",
    ]
    assert [tag for tag, _ in page.elements].count("svg") == 6
    assert [tag for tag, _ in page.elements].count("article") == 10


def test_numbers_are_on_the_page(page: Page) -> None:
    spans, cells, words = page.within("span"), page.within("td"), page.within("dd")
    assert {"44.0", "(best)", "[38.7, 49.5]", "+10.0", "(better)"} <= set(spans)
    assert {"1,764", "617", "35.0%", "2 min 11 s", "1.42 GB", "1 h 5 min"} <= set(cells)
    assert {"34.9%", "4.217", "22", "built in", "2.13.0"} <= set(words)
    assert any("reaches AccEM 34.0%" in text for text in page.within("p"))
    assert "occpred experiments=demo" in page.within("code")
    assert any("10 of 910 rows" in text for text in page.within("p"))
    assert "unknown code" in page.within("th")


def test_right_and_wrong_are_said_in_words(page: Page, data: ReportData) -> None:
    outcomes = [text for text in page.within("p") if text.startswith(("Right", "Wrong"))]
    assert outcomes == [
        "Right" if worked.target_rank == 1 else f"Wrong: the true occupation is ranked {worked.target_rank} of 132"
        for worked in data.examples
    ]


SURVIVAL = "Examples left with a reason after selection, by the target’s occupation group"


def test_reasons_and_their_cost_stand_by_group_with_a_total(page: Page, data: ReportData) -> None:
    assert data.reasons is not None
    header, *rows = page.tables[SURVIVAL]
    assert header[-5:] == ["Calls", "Calls per kept reason", "Tokens", "Cost", "Cost per kept reason"]
    assert len(rows) == len(data.reasons.groups) + 1
    kept = data.reasons.total.kept
    assert rows[-1] == [
        "All groups",
        "600",
        *(f"{data.reasons.total.survivors}", f"{data.reasons.total.survivors / 6:.1f}%"),
        *("2,400", f"{kept:,}"),
        *("16,800", f"{16_800 / kept:.1f}", "18,600,000"),
        *("25.26 USD", f"{25.26 / kept:.3f} USD"),
    ]
    aside = page.tables["Questions set aside, with the most frequent causes"]
    assert [row[:3] for row in aside[1:]] == [["utility", "small-7b", "5"], ["reason", "gpt-large", "1"]]
    assert "and 2 more causes" in aside[1][3]


def test_the_judge_is_held_against_itself_others_and_people(page: Page) -> None:
    agreement = page.tables["Agreement of the raters, by criterion"]
    assert agreement[1:4] == [
        ["Factuality", "2 judges", "2,380", "0.61", "0.42", "66.0%"],
        ["Factuality", "3 samples of gpt-large", "2,400", "0.83", "0.20", "81.0%"],
        ["Factuality", "1 sample of small-7b", "0", "– one rater alone", "–", "–"],
    ]
    biases = page.tables["Rank correlation of the marks with length and with candidate number"]
    assert biases[1] == ["Factuality", "2,400", "+0.31 [0.27, 0.35]", "−0.01 [−0.05, 0.03]"]
    assert biases[2] == ["Coherence", "2,400", "–", "–"]
    assert len(page.tables["Mean marks by candidate number, from 0"]) == 1 + 4
    labels = page.tables["The judge’s marks against people’s"]
    assert labels[3] == ["Utility", "0", "–", "–", "–"]
    (confusion,) = (rows for caption, rows in page.tables.items() if caption.startswith("Factuality: reasons by"))
    assert confusion[1] == ["1", "9", "4", "1", "0", "0"]
    assert any("differ by chance alone" in text for text in page.within("p"))


def test_two_reports_are_equal_to_the_byte(data: ReportData, page_source: str, tmp_path: Path) -> None:
    assert write_report(data, tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_bytes() == page_source.encode("utf-8")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["differences.csv", "metrics.csv", "metrics.tex", "report.html"]


def test_hostile_text_is_only_text(hostile_source: str) -> None:
    page = Page(hostile_source)
    check_self_contained(page)
    assert "{{7*7}}{% raw %}" in page.within("h1")[0]
    assert page.within("h1")[0].startswith("<script>alert(1)</script>")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", hostile_source)
    assert page.within("pre") == []
    assert [text for text in page.within("blockquote") if "\\input{/etc/passwd}" in text]


@given(st.text())
def test_any_text_reads_back_from_element_and_attribute(text: str) -> None:
    rendered = environment().from_string('<p title="{{ text }}">{{ text }}</p>').render(text=text)
    parts = re.fullmatch(r'<p title="([^"<>]*)">([^<>]*)</p>', rendered)
    assert parts
    assert html.unescape(parts[1]) == html.unescape(parts[2]) == printable(text)


@pytest.fixture(scope="module")
def bare(data: ReportData) -> ReportData:
    return replace(
        data,
        results=replace(data.results, rows=data.results.rows[:1], differences=()),
        reasons=None,
        judging=None,
        training=(),
        calibration=(),
        examples=(),
        data=replace(data.data, rejected=(), facts={}, splits=()),
        run=replace(data.run, stages=(), seeds={}, versions={}),
    )


def test_a_bare_report_has_a_page(bare: ReportData) -> None:
    page = Page(render_page(bare))
    assert not {"Reasons", "Judge"} & set(page.within("h2"))
    assert "No training was logged." in page.within("p")


def test_what_nobody_was_asked_is_not_shown(data: ReportData, bare: ReportData) -> None:
    assert data.reasons is not None
    assert data.judging is not None
    free = tuple(replace(group, spent=Spending()) for group in data.reasons.groups)
    unasked = replace(data.reasons, groups=free, set_aside=())
    judging = replace(data.judging, agreements=(), labels=None, one_by_one=True)
    page = Page(render_page(replace(bare, reasons=unasked, judging=judging)))
    assert page.tables[SURVIVAL][0][-1] == "Reasons kept"
    assert "Questions set aside, with the most frequent causes" not in page.tables
    assert page.within("h3")[-1] == "Bias checks"
    assert not {"Agreement", "Against people’s marks"} & set(page.within("h3"))
    # Later candidates are about people with whom earlier ones failed.
    assert any("need not be a bias" in text for text in page.within("p"))


def test_what_a_certified_ranking_leaves_open_is_stated(data: ReportData, bare: ReportData) -> None:
    errors = (
        LargestError("all", data.results.columns[0].name, 0.0),
        LargestError("all", data.results.columns[-1].name, 0.000123),
        LargestError("movers", data.results.columns[-1].name, 0.0),
    )
    page = Page(render_page(replace(data, certainty=Certainty(0.001, 10, 0.00042, 3, 1200, errors))))
    assert "Certified ranking" in page.within("h3")
    [said] = [text for text in page.within("p") if text.startswith("Titles that cannot matter")]
    assert "At most 0.001" in said
    assert "4.2e-04" in said
    assert "For 3 of 1,200 answers" in said
    assert said.endswith(", ".join(column.label for column in data.results.columns[:-1]) + ".")
    [rows] = [rows for caption, rows in page.tables.items() if caption.startswith("By how much")]
    assert rows[1] == [data.results.columns[-1].label, "1.3e-04", "exact", "exact"]
    assert "Certified ranking" not in Page(render_page(bare)).within("h3")


def test_a_long_history_is_cut(data: ReportData, bare: ReportData) -> None:
    worked = data.examples[0]
    position = worked.example.history.positions[0]
    history = replace(worked.example.history, positions=(position,) * 10_000)
    long = replace(bare, examples=(replace(worked, example=replace(worked.example, history=history)),))
    page = Page(render_page(long))
    assert "9,988 earlier positions are left out" in page.within("li")


def test_small_formats() -> None:
    assert (duration(4.26), duration(59.7), duration(131), duration(7260)) == (
        "4.3 s",
        "1 min 0 s",
        "2 min 11 s",
        "2 h 1 min",
    )
    assert (memory(None), memory(1_420_000_000)) == ("–", "1.42 GB")
    assert (percent_of(1, 8), percent_of(1, 0)) == ("12.5%", "–")
    assert (fact_label("esco_codes_mapped_share"), fact_value(0.98, "esco_codes_mapped_share")) == (
        "Esco codes mapped",
        "98.0%",
    )
    assert (fact_value(12345, "rows"), fact_value(0.12345, "mean"), fact_value("x", "y")) == ("12,345", "0.1235", "x")
