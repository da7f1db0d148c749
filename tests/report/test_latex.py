"""LaTeX that is well formed whatever the names of the systems are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.report.data import ReportData
from occpred.report.latex import escape, metrics_latex


def unescaped(character: str, text: str) -> int:
    return len(re.findall(rf"(?<!\\)(?:\\\\)*{re.escape(character)}", text))


def check(document: str, columns: int) -> None:
    opened = re.findall(r"\\begin\{(\w+)\}", document)
    assert opened == ["table", "tabular"] * 3
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+)\}", document))
    assert unescaped("{", document) == unescaped("}", document)
    assert unescaped("$", document) % 2 == 0
    rows = [line for line in document.splitlines() if re.search(r"\\\\(\[2pt\])?$", line)]
    assert len(rows) == 3 * (1 + 2 * 5)
    for row in rows:
        assert unescaped("&", row) == columns


def test_tables_are_well_formed(data: ReportData) -> None:
    document = metrics_latex(data.results)
    check(document, columns=10)
    assert r"System & AccEM (\%) $\uparrow$" in document
    assert r"joint & \textbf{44.0} & \textbf{51.0}" in document
    assert r" & {\scriptsize [38.7, 49.5]} &" in document
    assert r"repeat\_last & 10.0" in document


def test_hostile_names_change_nothing(hostile: ReportData) -> None:
    document = metrics_latex(hostile.results)
    check(document, columns=10)
    assert r"\input" not in document
    assert r"\textbackslash{}input\{/etc/passwd\}\$x\_1\$ 50\% \#" in document
    assert "\x1b" not in document


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b & c", r"a\_b \& c"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("[2pt] 100%", r"{[}2pt{]} 100\%"),
        ("line\nbreak", "line break"),
        ("−1 ↑", r"$-$1 $\uparrow$"),
    ],
)
def test_escapes(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_escaped_text_has_only_our_own_commands(text: str) -> None:
    escaped = escape(text)
    commands = set(re.findall(r"\\([a-z]+|.)", escaped))
    ours = {"textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textquotedbl"}
    assert commands <= ours | {"infty", "pm", "uparrow", "downarrow", "{", "}", "$", "&", "#", "_", "%"}
    assert unescaped("{", escaped) == unescaped("}", escaped)
    assert unescaped("&", escaped) == unescaped("%", escaped) == unescaped("#", escaped) == 0
