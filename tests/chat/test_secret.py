"""A key is read, sent, and shown nowhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occpred.chat.secret import Secret, is_variable
from occpred.errors import UserError

KEY = "sk-proj-Ab3dE5fG7hJ9kL2mN4pQ6"


def test_a_variable_is_told_from_a_key() -> None:
    assert all(map(is_variable, ["OPENAI_API_KEY", "_KEY", "KEY2"]))
    assert not any(map(is_variable, [KEY, "", "2KEY", "openai_key", "MY KEY", "A" * 65, "0123456789abcdef", "K\n"]))


def test_the_key_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", f"{KEY}\n")
    assert Secret.from_environment("SOME_KEY").value == KEY
    assert Secret.from_environment("").value == ""
    assert KEY not in repr(Secret(KEY))


@pytest.mark.parametrize("value", [None, "", "  ", "two words", "“quoted”", "a\nb"])
def test_what_is_no_key_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("SOME_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("SOME_KEY", value)
    with pytest.raises(UserError, match="key_variable=SOME_KEY: this environment variable") as caught:
        Secret.from_environment("SOME_KEY")
    assert not value or not value.strip() or value not in str(caught.value)


def test_whole_keys_and_pieces_are_taken_out() -> None:
    secret = Secret(KEY)
    assert secret.redacted(f"Incorrect key {KEY}!") == "Incorrect key [key]!"
    assert secret.redacted(f"{KEY}{KEY}") == "[key][key]"
    assert secret.redacted(f"it begins with {KEY[:12]}...") == "it begins with [key]..."
    assert secret.redacted(f"it ends with {KEY[-9:]}") == "it ends with [key]"
    assert secret.redacted("a word") == "a word"
    assert Secret().redacted("a word") == "a word"
    assert Secret("EMPTY").redacted("is EMPTY") == "is [key]"


@given(st.lists(st.sampled_from([KEY, KEY[3:14], "sk-", " ", "word", KEY[:7]])))
def test_no_piece_of_a_key_is_left(parts: list[str]) -> None:
    redacted = Secret(KEY).redacted("".join(parts))
    assert not any(KEY[start : start + 8] in redacted for start in range(len(KEY) - 7))


def test_answers_lose_real_keys_only() -> None:
    assert Secret(KEY).removed(f"the key is {KEY}.") == "the key is [key]."
    assert Secret("EMPTY").removed("an EMPTY life") == "an EMPTY life"
    assert Secret().removed("text") == "text"
