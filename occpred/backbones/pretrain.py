"""Pretrain the tiny backbone from scratch: `python -m occpred.backbones.pretrain --output DIR`.

Shapes: B rows of a batch, T tokens of a row, N tokens of the stream, V tokens of the vocabulary.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import string
import sys
import time
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from occpred.backbones.corpus import FIRST_SEED, VALIDATION_SEED
from occpred.backbones.statements import REMARKS
from occpred.backbones.token_stream import chunks, make_documents, make_tokens, taxonomy
from occpred.errors import UserError
from occpred.settings import MISSING, Settings, setting

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

_TOKENIZER_PEOPLE = 4_000
_TITLE_REPEATS, _REMARK_REPEATS = 50, 200
"""The tokenizer reads titles and general remarks so often, lest simulated names crowd out their words."""
_NO_MARKS = str.maketrans("", "", string.punctuation)
_VALIDATION_ROWS = 128
_REPORT_EVERY = 250


@dataclasses.dataclass
class Recipe(Settings):
    """What is trained, on how much, how.

    output: folder for weights, tokenizer and model card.
    onet: folder of O*NET's text files; a quarter of the people then live among all of its occupations.
    people, validation_people: how many simulated people the training text tells of, and how many are held out.
    steps: optimizer steps. rows, row_length: tokens of a step.
    learning_rate: its peak, after `warmup` steps; it ends at zero along a cosine. weight_decay: of matrices.
    seed: of weights and of the order of rows. device: cpu or cuda. compile: use torch.compile.
    processes: how many make text. date: the day to write in the model card.
    """

    output: str = setting(MISSING, incidental=True)
    onet: str | None = setting(None, content=True)
    people: int = setting(300_000, minimum=1)
    validation_people: int = setting(1_000, minimum=1)
    steps: int = setting(6_000, minimum=1)
    rows: int = setting(64, minimum=1)
    row_length: int = setting(1_024, minimum=2)
    learning_rate: float = setting(2e-3, above=0.0)
    warmup: int = setting(200, minimum=1)
    weight_decay: float = setting(0.1, minimum=0.0)
    seed: int = setting(0, minimum=0)
    device: str = setting("cuda", incidental=True)
    compile: bool = setting(False, incidental=True)
    processes: int = setting(16, minimum=1, incidental=True)
    date: str = setting("not given", incidental=True)


def pretrain(recipe: Recipe) -> None:
    """Make the text, train tokenizer and model on it, and write both with a model card into `recipe.output`."""
    import torch
    from transformers import Qwen3ForCausalLM

    from occpred.backbones.architecture import tiny_config
    from occpred.backbones.card import model_card

    output = Path(recipe.output)
    tokenizer = _make_tokenizer(recipe)
    tokenizer.save_pretrained(output)
    train_N = _stream(recipe, output, recipe.people, FIRST_SEED)
    validation_N = _stream(recipe, output, recipe.validation_people, VALIDATION_SEED)

    torch.manual_seed(recipe.seed)
    model = Qwen3ForCausalLM(tiny_config(tokenizer)).to(recipe.device)
    seconds = _train(model, train_N, validation_N, recipe)
    loss = validation_loss(model, validation_N, recipe)
    print(f"validation loss {loss:.4f} nats a token (perplexity {math.exp(loss):.3f}) after {seconds:.0f} s")

    model.to(torch.bfloat16).save_pretrained(output)
    (output / "README.md").write_text(model_card(recipe, model, len(train_N), loss, seconds), encoding="utf-8")
    for file in output.iterdir():
        file.chmod(0o644)


def _make_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    from occpred.backbones.tokenizer import train_tokenizer

    plan = chunks(min(recipe.people, _TOKENIZER_PEOPLE), FIRST_SEED, recipe.onet)
    titles = [occupation.title for occupation in taxonomy(recipe.onet).occupations]
    words = " ".join(REMARKS).translate(_NO_MARKS).split()  # without a space before them, as after a bracket
    texts = make_documents(plan, recipe.processes)
    return train_tokenizer(texts + _TITLE_REPEATS * titles + _REMARK_REPEATS * [*REMARKS, *words])


def _stream(recipe: Recipe, output: Path, people: int, first_seed: int) -> torch.Tensor:
    """Tokens of the documents about `people` on the training device, (N,). Raises `UserError` if they fill no row."""
    import torch

    tokens_N = make_tokens(chunks(people, first_seed, recipe.onet), output / "tokenizer.json", recipe.processes)
    if len(tokens_N) < recipe.row_length:
        raise UserError(f"{people} people give {len(tokens_N)} tokens: too few for a row of {recipe.row_length}")
    return torch.from_numpy(tokens_N.astype("int32")).to(recipe.device)


def _train(model: Qwen3ForCausalLM, train_N: torch.Tensor, validation_N: torch.Tensor, recipe: Recipe) -> float:
    """Train in place; returns the seconds it took."""
    import torch

    optimizer = torch.optim.AdamW(_decay_groups(model, recipe), lr=recipe.learning_rate, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _learning_rate_factor(step, recipe))
    forward: torch.nn.Module = torch.compile(model) if recipe.compile else model  # type: ignore[assignment]
    start = time.perf_counter()
    for step, rows_BT in enumerate(_batches(train_N, recipe), start=1):
        loss = _loss(forward, rows_BT)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        if step % _REPORT_EVERY == 0 or step == recipe.steps:
            held_out = validation_loss(model, validation_N, recipe)
            speed = step * rows_BT.numel() / (time.perf_counter() - start)
            print(
                f"step {step}/{recipe.steps}: loss {loss.item():.4f}, validation {held_out:.4f}, {speed:,.0f} tokens/s",
                flush=True,
            )
    return time.perf_counter() - start


def _batches(stream_N: torch.Tensor, recipe: Recipe) -> Iterator[torch.Tensor]:
    """Cut rows out of the stream at random places: `recipe.steps` times (B, T)."""
    import torch

    generator = torch.Generator(stream_N.device).manual_seed(recipe.seed)
    offsets_T = torch.arange(recipe.row_length, device=stream_N.device)
    for _ in range(recipe.steps):
        starts_B1 = torch.randint(
            len(stream_N) - recipe.row_length + 1, (recipe.rows, 1), generator=generator, device=stream_N.device
        )
        yield stream_N[starts_B1 + offsets_T].long()


def _loss(model: torch.nn.Module, rows_BT: torch.Tensor) -> torch.Tensor:
    """Mean negative log-likelihood of each token given those before it in its row, in nats."""
    import torch

    with torch.autocast(rows_BT.device.type, torch.bfloat16, enabled=rows_BT.is_cuda):
        logits_BTV = model(input_ids=rows_BT[:, :-1], use_cache=False).logits
    return torch.nn.functional.cross_entropy(logits_BTV.flatten(0, 1).float(), rows_BT[:, 1:].flatten())


def validation_loss(model: Qwen3ForCausalLM, stream_N: torch.Tensor, recipe: Recipe) -> float:
    """Mean loss over the first rows of the held-out stream, in nats a token."""
    import torch

    rows_count = min(_VALIDATION_ROWS, len(stream_N) // recipe.row_length)
    rows_RT = stream_N[: rows_count * recipe.row_length].view(rows_count, recipe.row_length).long()
    with torch.no_grad():
        losses = [_loss(model, rows_BT) * len(rows_BT) for rows_BT in torch.split(rows_RT, recipe.rows)]
    return float(sum(losses)) / rows_count


def _decay_groups(model: Qwen3ForCausalLM, recipe: Recipe) -> list[dict[str, typing.Any]]:
    """Matrices decay; the scales of the norms, which are vectors, do not."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]


def _learning_rate_factor(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
    return 0.5 * (1.0 + math.cos(math.pi * done))


def parse(arguments: Sequence[str]) -> Recipe:
    """Read the command line: each field of `Recipe` is an option."""
    parser = argparse.ArgumentParser(
        prog="python -m occpred.backbones.pretrain",
        description=Recipe.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = typing.get_type_hints(Recipe)
    for field in dataclasses.fields(Recipe):
        option = f"--{field.name.replace('_', '-')}"
        if kinds[field.name] is bool:
            parser.add_argument(option, action="store_true")
        else:
            number = kinds[field.name] if kinds[field.name] in (int, float) else str
            parser.add_argument(option, type=number, default=field.default, required=field.default == MISSING)
    return Recipe(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    pretrain(parse(sys.argv[1:]))
