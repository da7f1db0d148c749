"""The page in a real browser, offline: it shows, nothing in it runs, and it fits a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from occpred.report.data import ReportData
from occpred.report.text import one_line

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
PHONE, DESK = 390, 1200
MEASURE = """
const page = frame => {
  const inner = frame.contentDocument, root = inner.documentElement;
  const read = query => [...inner.querySelectorAll(query)].map(element => element.textContent.trim());
  return {
    title: inner.title, headings: read("h2"), cells: read("td .value").length, scripts: read("script").length,
    width: root.scrollWidth, room: root.clientWidth, serif: getComputedStyle(inner.body).fontFamily,
    drawn: [...inner.querySelectorAll("svg")].every(drawing => drawing.getBoundingClientRect().height > 60),
  };
};
addEventListener("load", () => {
  const measured = Object.fromEntries([...document.querySelectorAll("iframe")].map(frame => [frame.id, page(frame)]));
  document.getElementById("measured").textContent = JSON.stringify(measured);
});
"""


def without_policy(page: str) -> str:
    unprotected, removed = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert removed == 1
    return unprotected


@pytest.fixture(scope="module")
def measured(
    page_source: str,
    hostile_source: str,
    sweep_source: str,
    hostile_sweep_source: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """What the browser found in each page; one start of the browser serves all tests."""
    if CHROMIUM is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")
    pages = {
        "phone": (page_source, PHONE),
        "desk": (page_source, DESK),
        "hostile": (hostile_source, PHONE),
        "unprotected": (without_policy(hostile_source), PHONE),
        "sweep-phone": (sweep_source, PHONE),
        "sweep-desk": (sweep_source, DESK),
        "sweep-hostile": (without_policy(hostile_sweep_source), PHONE),
        "control": ("<title>control</title><script>document.title='attacked'</script>", PHONE),
    }
    frames = "".join(
        f'<iframe id="{name}" style="width:{width}px;height:800px" srcdoc="{html.escape(source)}"></iframe>'
        for name, (source, width) in pages.items()
    )
    harness = folder / "harness.html"
    harness.write_text(f'<meta charset="utf-8"><pre id="measured"></pre><script>{MEASURE}</script>{frames}', "utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", harness.as_uri()]
    dom = subprocess.run(command, capture_output=True, timeout=120, check=True).stdout.decode("utf-8")
    found = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)
    assert found
    result: dict[str, Any] = json.loads(html.unescape(found[1]))
    return result


def test_sections_tables_and_figures_show(measured: dict[str, Any]) -> None:
    page = measured["desk"]
    assert page["title"] == "demo – occpred report"
    assert page["headings"][:5] == ["Results", "Training and calibration", "Data", "Reasons", "Judge"]
    # Five systems by ten metrics thrice, four differences by three, two biases and four candidates by three criteria,
    # and three criteria by three measures of agreement with labels.
    assert page["cells"] == 3 * 5 * 10 + 4 * 3 + 3 * 2 + 4 * 3 + 3 * 3
    assert page["drawn"]
    assert page["serif"].startswith("Charter")


def test_a_sweep_shows(measured: dict[str, Any]) -> None:
    page = measured["sweep-desk"]
    assert page["headings"][3:5] == ["Results", "Differences"]
    # Three tables of 7 systems by 4 metrics, two of 5 by 2, 4 slopes twice, 2 facts.
    assert page["cells"] == 3 * 7 * 4 + 2 * 5 * 2 + 4 * 2 + 2
    assert page["drawn"]


def test_nothing_from_the_data_runs(measured: dict[str, Any], hostile: ReportData) -> None:
    assert measured["control"]["title"] == "attacked"
    for name in ("hostile", "unprotected", "sweep-hostile"):
        assert measured[name]["title"] == f"{one_line(hostile.run.experiment)} – occpred report"
        assert measured[name]["scripts"] == 0


@pytest.mark.parametrize("name", ["phone", "desk", "hostile", "sweep-phone", "sweep-desk", "sweep-hostile"])
def test_the_page_itself_never_scrolls_sideways(measured: dict[str, Any], name: str) -> None:
    assert measured[name]["width"] <= measured[name]["room"]
