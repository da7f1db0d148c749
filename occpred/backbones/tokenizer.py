"""The tiny backbone's tokenizer: byte-level BPE that knows the words of careers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 4096
"""Small, so that embeddings stay a quarter of the weights and a softmax over the vocabulary is cheap on a CPU."""
END = "<|endoftext|>"
PAD = "<|pad|>"
LONGEST_INPUT = 4096

_PIECES = Regex(r"</| ?\p{L}+| ?\p{N}{1,4}|[\r\n]| ?[^\s\p{L}\p{N}]|[^\S\r\n]+(?!\S)|[^\S\r\n]+")
"""Where a token may never reach across: a word, a number of up to four digits (a year), one mark of punctuation, one
line break. Texts that meet at a punctuation mark or line break are therefore tokenized alike together and apart."""

_CHAT_TEMPLATE = (
    "{{ messages | map(attribute='content') | join('\\n') }}{% if add_generation_prompt %}{{ '\\n' }}{% endif %}"
)


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Learn `VOCABULARY` tokens from `texts` (fewer where the texts are too few).

    Every Unicode text can be encoded and comes back unchanged. `END` is the end of a text, `PAD` fills a batch; the
    chat template joins the contents of the messages by line breaks and knows no roles.
    """
    from transformers import PreTrainedTokenizerFast  # slow to import, and text makers need only the names above

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_PIECES, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=_CHAT_TEMPLATE,
        model_max_length=LONGEST_INPUT,
        clean_up_tokenization_spaces=False,
    )
