"""The page of a sweep: complete, self-contained, deterministic, and deaf to what data tell it."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

from occpred.report.files import write_sweep_report
from occpred.report.sweep_data import SweepData
from occpred.report.sweep_page import render_sweep_page
from tests.report.page_reader import Page, check_references, check_self_contained
from tests.report.sweep_example import LOST, REFERENCE, swept

TITLE = "Movers: the next occupation differs from the last"
MOVERS = f"{TITLE} (n = 131–393)"


@pytest.fixture(scope="module")
def page(sweep_source: str) -> Page:
    return Page(sweep_source)


@pytest.fixture(scope="module")
def bare(sweep: SweepData) -> SweepData:
    """Only tables."""
    return replace(sweep, tests=(), costs={}, failures=(), verdicts=(), facts=(), doses={}, calibrations={}, axes=())


def row(page: Page, caption: str, label: str) -> list[str]:
    (found,) = (cells for cells in page.tables[caption] if cells[0].startswith(label))
    return found


def test_page_is_self_contained_and_every_reference_holds(page: Page) -> None:
    check_self_contained(page)
    check_references(page)


def test_the_verdicts_stand_on_top(page: Page) -> None:
    assert page.within("h2")[:4] == [
        "Claim a: Fine-tuned with oracle reasons, small models are comparable with supervised methods.",
        "Claim b: One model for both tasks beats two models trained apart.",
        "Claim c: Accuracy depends on the quality of the reasons.",
        "Results",
    ]
    words = page.within("p")
    assert [words.index(outcome) for outcome in ("Supported", "Undecided at this n", "Not supported")] == sorted(
        words.index(outcome) for outcome in ("Supported", "Undecided at this n", "Not supported")
    )
    assert any(text.startswith("Rests on 131 persons. About 2,310 would decide it") for text in words)
    assert "AccEM on movers, joint minus two models: +3.0 points [−1.0, 7.0]." in page.within("li")


def test_measures_are_explained_once(page: Page) -> None:
    explained = [text for text in page.within("dd") if text == "Share of first-ranked titles that are the true one."]
    assert len(explained) == 1


def test_sections_come_in_order(page: Page) -> None:
    assert page.within("h1") == ["paper_main"]
    assert page.within("title")[0] == "paper_main – occpred report"
    assert page.within("h2")[3:] == [
        "Results",
        "Differences",
        "Cost",
        "Failed jobs",
        "Figures",
        "Quality of reasons",
        "Facts",
        "Provenance",
    ]
    # The forest, an ablation for each of two tested metrics, calibration, and dose and response.
    assert [tag for tag, _ in page.elements].count("svg") == 5


def test_one_row_a_system_with_intervals_and_remarks(page: Page) -> None:
    assert page.tables[MOVERS][0] == ["System", "AccEM (%) ↑", "AccRM (%) ↑", "MRR ↑", "Perplexity ↓"]
    assert row(page, MOVERS, REFERENCE) == [
        "joint, own reason reference",
        "30.0 [26.0, 34.0]",
        "36.0 [32.5, 39.5]",
        "0.400 [0.370, 0.430]",
        "29.5 [27.5, 31.5]",
    ]
    assert row(page, MOVERS, "joint, oracle")[:2] == [
        "joint, oracle reason 1 failed job",
        "52.0 (best) [48.0, 56.0]",
    ]
    assert row(page, MOVERS, "markov_1")[0] == "markov_1 n = 131"
    assert row(page, MOVERS, LOST) == [f"{LOST} 2 failed jobs", "–", "–", "–", "–"]


def test_differences_with_their_tests(page: Page) -> None:
    caption = f"Difference to {REFERENCE}. {TITLE} (n = 393)"
    assert row(page, caption, "markov_1") == [
        "markov_1",
        "−9.0 (worse) [−13.0, −5.0] p 0.002, Holm 0.010",
        "−0.090 (worse) [−0.130, −0.050] p 0.002, Holm 0.010",
    ]
    assert row(page, caption, "joint, shuffled")[1] == "−6.0 [−10.0, −2.0] p 0.016, Holm 0.081"
    assert any("AccEM by exact McNemar; MRR by paired permutation (10,000)." in text for text in page.within("p"))


def test_costs_failures_slopes_and_facts(page: Page) -> None:
    costs, failures, slopes, facts = (
        next(rows for caption, rows in page.tables.items() if caption.startswith(start))
        for start in ("What each system took", "Failed jobs", "Slopes", "Numbers beside")
    )
    assert costs[1:] == [
        [REFERENCE, "0, 1, 2", "1,234,567", "1 h 6 min", "2.50 GB"],
        ["markov_1", "0", "0", "0.4 s", "–"],
    ]
    assert failures[1] == [LOST, "CUDA out of memory: tried to allocate 2 GiB reason=masked seed=0"]
    assert slopes[1] == [REFERENCE, "factuality", "AccEM", "320", "+0.4 [−0.8, 1.6]", "–"]
    assert slopes[3][-1] == "+2.5 (better) [1.4, 3.6]"
    assert facts[1] == [
        "AUC of the judge's utility",
        "0.830 [0.790, 0.870]",
        "900",
        "How often a true reason gets a higher mark than a false one. True reasons: 450; Ties: 12.5%",
    ]


def test_two_reports_are_equal_to_the_byte(sweep: SweepData, sweep_source: str, tmp_path: Path) -> None:
    assert write_sweep_report(sweep, tmp_path) == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_bytes() == sweep_source.encode("utf-8")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["costs.csv", "failures.csv", "metrics.csv", "metrics.tex", "report.html", "tests.csv"]
    with (tmp_path / "failures.csv").open(encoding="utf-8", newline="") as file:
        assert [line["system"] for line in csv.DictReader(file)] == [LOST, LOST, "joint, oracle reason"]


def test_failures_that_were_made_good_are_forgotten(bare: SweepData, tmp_path: Path) -> None:
    (tmp_path / "failures.csv").write_text("system\n")
    write_sweep_report(bare, tmp_path)
    assert not (tmp_path / "failures.csv").exists()


def test_hostile_text_is_only_text(hostile_sweep_source: str) -> None:
    page = Page(hostile_sweep_source)
    check_self_contained(page)
    assert page.within("h1")[0].startswith("<script>alert(1)</script>")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", hostile_sweep_source)
    failures = next(rows for caption, rows in page.tables.items() if caption.startswith("Failed jobs"))
    assert failures[1][1].startswith("<script>alert(1)</script>")
    assert failures[1][1].count("{{7*7}}{% raw %}") == 3


def test_what_is_not_compared_is_said(bare: SweepData) -> None:
    page = Page(render_sweep_page(replace(bare, not_compared=("split.seed=1", "markov_1, split.seed=1"))))
    assert "Differences" in page.within("h2")
    sentence = f"Not compared with {REFERENCE}, for other people were asked: split.seed=1; markov_1, split.seed=1."
    assert sentence in page.within("p")


def test_a_bare_sweep_has_a_page(bare: SweepData) -> None:
    page = Page(render_sweep_page(bare))
    assert page.within("h2") == ["Results", "Figures", "Provenance"]
    assert [tag for tag, _ in page.elements].count("svg") == 1


def test_a_sweep_of_which_all_failed_has_a_page(sweep: SweepData, bare: SweepData) -> None:
    failed = replace(bare, failures=sweep.failures, results=replace(bare.results, rows=()), axes=sweep.axes)
    page = Page(render_sweep_page(failed))
    assert {"No system has a result.", "There is nothing to draw."} <= set(page.within("p"))
    assert page.within("h2") == ["Results", "Failed jobs", "Figures", "Provenance"]


def test_two_settings_have_a_map(bare: SweepData) -> None:
    both = swept({"factuality": ("1", "3"), "utility": ("1", "5")}, lambda a, b: 20 + float(a) * float(b))
    page = Page(render_sweep_page(replace(bare, results=both.results, axes=both.axes)))
    caption = next(caption for caption in page.tables if "(down)" in caption)
    assert caption.startswith("AccEM (%) ↑ on movers by factuality (down) and utility (across)")
    assert page.tables[caption] == [
        ["factuality \\ utility", "1", "5"],
        ["1", "21.0 [17.0, 25.0]", "25.0 [21.0, 29.0]"],
        ["3", "23.0 [19.0, 27.0]", "35.0 (best) [31.0, 39.0]"],
    ]
    shades = [style for style in page.values("style") if "--shade" in style]
    assert shades == ["--shade: 6%", "--shade: 17%", "--shade: 12%", "--shade: 45%"]


def test_a_long_table_keeps_its_headings_in_sight(bare: SweepData) -> None:
    results = swept({"reason": tuple(map(str, range(40)))}, float).results
    page = Page(render_sweep_page(replace(bare, results=results)))
    kinds = [attributes.get("class") for tag, attributes in page.elements if tag == "table"]
    assert kinds == ["numbers long"] * 3
