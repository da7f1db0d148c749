from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from occpred.backbones import TINY
from occpred.backbones.tokenizer import END, PAD, VOCABULARY, train_tokenizer
from occpred.taxonomy.sample import SampleTaxonomy

EMBEDDED = AutoTokenizer.from_pretrained(TINY, local_files_only=True)
SMALL = train_tokenizer(["Registered Nurses, since 2015", "Software Developers, since 2015"])


@pytest.mark.parametrize("tokenizer", [EMBEDDED, SMALL], ids=["embedded", "small"])
@given(text=st.text())
def test_any_text_comes_back_unchanged(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_it_has_the_stated_vocabulary_and_two_specials() -> None:
    assert len(EMBEDDED) == VOCABULARY
    assert (EMBEDDED.eos_token, EMBEDDED.pad_token) == (END, PAD)
    assert EMBEDDED.eos_token_id != EMBEDDED.pad_token_id
    assert EMBEDDED.bos_token is None


def test_numbers_are_cut_into_at_most_four_digits_and_punctuation_into_single_marks() -> None:
    assert SMALL.tokenize("s, 2015") == ["s", ",", "Ġ2015"]
    assert all(len(token.lstrip("Ġ")) <= 4 for token in EMBEDDED.tokenize(" 123456789 12345"))
    assert EMBEDDED.tokenize("((,,") == ["(", "(", ",", ","]


def test_texts_that_meet_at_a_bracket_or_line_break_are_tokenized_alike_together_and_apart() -> None:
    for occupation in SampleTaxonomy().load().occupations:
        for start, end in ((f"a\n{occupation.title}", "</answer>"), ("<answer>", f"{occupation.title}{END}")):
            assert EMBEDDED.encode(start + end) == EMBEDDED.encode(start) + EMBEDDED.encode(end)


def test_titles_are_short() -> None:
    lengths = [len(EMBEDDED.encode(occupation.title)) for occupation in SampleTaxonomy().load().occupations]
    assert sum(lengths) / len(lengths) < 6


def test_the_chat_template_joins_contents_by_line_breaks() -> None:
    chat = [{"role": "user", "content": "a <b>"}, {"role": "assistant", "content": "c"}]
    assert EMBEDDED.apply_chat_template(chat, tokenize=False) == "a <b>\nc"
    assert EMBEDDED.apply_chat_template(chat[:1], tokenize=False, add_generation_prompt=True) == "a <b>\n"
