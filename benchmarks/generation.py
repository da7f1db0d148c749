"""Writing texts: occpred's loop beside `generate` of Hugging Face, on the same prompts and the same adapted model.

    python -m benchmarks.generation --size tiny
    python -m benchmarks.generation --size 8b --texts 64 --new-tokens 128

Every text gets all its tokens: nothing ends before. Prints tokens a second, the median of some repeats after one that
warms up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.workload import ALPHA, RANK, TARGETS, WORKLOADS
from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.language_model.backbone import EmbeddedBackbone
from occpred.language_model.generation import Generation

NEVER = "</think>\n</think>"
"""A text to look for that does not come, so that looking is paid for."""


def ours(model: Any, tokenizer: Any, prompts: list[list[int]], new_tokens: int) -> list[str]:
    """With occpred."""
    generation = Generation(max_new_tokens=new_tokens)
    written = generation.continue_batch(model, tokenizer, prompts, draws=range(len(prompts)), stop=NEVER)
    return [each.text for each in written]


def hugging_face(model: Any, tokenizer: Any, prompts: list[list[int]], new_tokens: int) -> list[str]:
    """With `generate`, padded on the left, and its growing cache."""
    inputs = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt").to(model.device)
    with torch.inference_mode():
        tokens = model.generate(**inputs, max_new_tokens=new_tokens, do_sample=False, pad_token_id=0)
    texts: list[str] = tokenizer.batch_decode(tokens[:, max(map(len, prompts)) :], skip_special_tokens=True)
    return texts


def timed(write: Callable[[], list[str]], num_tokens: int, repeats: int) -> tuple[list[str], dict[str, Any]]:
    """What was written, and the rate."""
    seconds = []
    on_gpu = torch.cuda.is_available()
    texts: list[str] = []
    for _ in range(repeats + 1):
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        begun = time.perf_counter()
        texts = write()
        seconds.append(time.perf_counter() - begun)
    return texts, {
        "tokens_per_second": round(num_tokens / statistics.median(seconds[1:]), 1),
        "seconds": [round(each, 3) for each in seconds],
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 1) if on_gpu else None,
    }


def main() -> None:
    """Measure both, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=WORKLOADS, default="tiny")
    parser.add_argument("--base", choices=[base.name for base in BaseDtype], default="backbone", help="frozen weights")
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, help="JSON file")
    arguments = parser.parse_args()
    workload = WORKLOADS[arguments.size]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    lora = LoRA(rank=RANK, alpha=ALPHA, targets=TARGETS, base_dtype=BaseDtype[arguments.base])
    model = lora(workload.model(device, "sdpa"), seed=0).eval()
    model.generation_config.eos_token_id = None
    tokenizer = EmbeddedBackbone(name="tiny").load_tokenizer()
    prompts = [example.prompt for example in workload.examples(arguments.texts, completions=1)]
    found, figures = {}, {}
    for name, write in (("occpred", ours), ("hugging_face", hugging_face)):
        call = partial(write, model, tokenizer, prompts, arguments.new_tokens)
        found[name], figures[name] = timed(call, arguments.texts * arguments.new_tokens, arguments.repeats)
        print(f"{name:<14}{figures[name]['tokens_per_second']:>10,.0f} tokens/s  {figures[name]}")
    same = sum(left == right for left, right in zip(found["occpred"], found["hugging_face"], strict=True))
    print(f"{same} of {arguments.texts} texts are the same")
    about = {"same_texts": same, "versions": {name: version(name) for name in ("torch", "transformers", "peft")}}
    if arguments.out:
        arguments.out.write_text(json.dumps(vars(arguments) | figures | about, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
