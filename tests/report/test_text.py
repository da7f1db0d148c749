"""No text rules its reader."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from occpred.report.text import one_line, printable

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_printable_text_has_no_control_characters(text: str) -> None:
    shown = printable(text)
    assert all(unicodedata.category(character) != "Cc" or character in "\t\n" for character in shown)
    assert len(shown.encode("utf-8").decode("utf-8")) == len(text.replace("\r\n", "\n"))


@given(ANYTHING)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


def test_letters_of_all_scripts_stay() -> None:
    text = "Näherin, 看護師, ممرضة, 👩🏽‍💻"
    assert printable(text) == text


def test_terminal_and_bidirectional_controls_go() -> None:
    assert printable("\x1b[31mred\u202egnp.exe\r\nnext") == "�[31mred�gnp.exe\nnext"
