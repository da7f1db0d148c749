"""Makes PyTorch's own FlashAttention-2 kernels known to transformers as the package `flash_attn`.

That package has no wheel for every version of PyTorch and builds for an hour; the kernels are the same. Without them
TRL cannot pack, and packing is what makes it fast.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

_VERSION = "2.8.3"
_PACKAGE = """
from benchmarks.flash_kernels import flash_attn_func, flash_attn_varlen_func, flash_attn_with_kvcache
__version__ = "{version}"
"""
_PADDING = """
from transformers.modeling_flash_attention_utils import (
    _index_first_axis as index_first_axis, _pad_input as pad_input, _unpad_input as unpad_input,
)
"""


def install() -> None:
    """Put a stand-in on the path, unless the package is there. Call it before transformers is imported."""
    if importlib.util.find_spec("flash_attn"):
        return
    site = Path(tempfile.mkdtemp())
    files = {
        "flash_attn/__init__.py": _PACKAGE.format(version=_VERSION),
        "flash_attn/bert_padding.py": _PADDING,
        f"flash_attn-{_VERSION}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: flash-attn\nVersion: {_VERSION}\n"
        ),
        f"flash_attn-{_VERSION}.dist-info/top_level.txt": "flash_attn\n",
    }
    files[f"flash_attn-{_VERSION}.dist-info/RECORD"] = "".join(f"{name},,\n" for name in files)
    for name, text in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(site))
