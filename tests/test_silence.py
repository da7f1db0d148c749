"""What libraries would say about other people's programs."""

from __future__ import annotations

import subprocess
import sys
import warnings

from transformers import PreTrainedModel

from occpred.silence import silence_peft


def test_bitsandbytes_asks_for_nothing() -> None:
    program = "import occpred.language_model, bitsandbytes, logging; logging.getLogger('bitsandbytes').warning('heard')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == "heard\n"


def test_an_old_name_is_no_news_and_all_else_is_heard(micro_qwen3: PreTrainedModel) -> None:
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        silence_peft()
        assert not micro_qwen3.is_gradient_checkpointing
        warnings.warn("another name is deprecated", FutureWarning, stacklevel=1)
    assert [str(each.message) for each in heard] == ["another name is deprecated"]
