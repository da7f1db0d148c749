"""Ranking all titles: exactly, certified, with Hugging Face's cache, and, as the floor, the prompts alone.

    python -m benchmarks.ranking --size tiny
    python -m benchmarks.ranking --size 8b --titles benchmarks/onet_titles.json --tokens-per-forward 60000
    python -m benchmarks.ranking --size 8b --titles benchmarks/onet_titles.json --tokens-per-forward 60000 --base fp8

The file holds a list of titles, each a list of token ids, the token that ends it last; this one the 1,016 occupations
of O*NET 29.1 (CC BY 4.0) in tokens of Qwen3. Without one, the titles of the embedded sample take part, in tokens of the
embedded backbone. Where ids exceed the vocabulary, other ids stand for them, so that the trie keeps its shape. The
model is fine-tuned first (see `benchmarks.ranking_people`).

Shapes: P people asked, R prompts each, C titles.

It prints a table of users a second, how sure the model is of the titles meant, and how many titles were opened.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from benchmarks import ranking_peer
from benchmarks.ranking_people import FineTuning, People, Person, read_titles
from benchmarks.workload import WORKLOADS
from occpred.language_model.adaptation import BaseDtype
from occpred.ranking.certified import CertifiedRanking
from occpred.ranking.exact import ExactRanking
from occpred.ranking.ranking import Answers, Question
from occpred.ranking.title_trie import TitleTrie
from occpred.ranking.trie_reader import TrieReader

if TYPE_CHECKING:
    from collections.abc import Iterator


def read_prompts(model: nn.Module, questions: Sequence[Question], titles: list[list[int]], tokens: int) -> None:
    """What no ranking can do without: the prompts, in the same groups, and the probabilities of first tokens."""
    trie = TitleTrie(titles)
    lengths = [len(question.prompts[0]) for question in questions]
    for group in ExactRanking(tokens_per_forward=tokens).groups(lengths):
        with torch.inference_mode():
            TrieReader(model, trie, [questions[index].prompts[0] for index in group]).read_prompts()


@contextmanager
def tokens_counted(model: Any) -> Iterator[list[int]]:
    """Count the tokens that go through the layers, padding included."""
    counts: list[int] = []
    # Not at a layer: what is compiled for layers would be compiled anew for a hook.
    embeddings = model.get_input_embeddings()
    hook = embeddings.register_forward_pre_hook(lambda _, inputs: counts.append(inputs[0].numel()))
    try:
        yield counts
    finally:
        hook.remove()


def timed(work: Callable[[], Any], model: nn.Module, users: int, repeats: int) -> tuple[Any, dict[str, Any]]:
    """What came of it, with users a second, the median of some repeats after one that warms up, and tokens a user."""
    on_gpu = next(model.parameters()).is_cuda
    rates = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        with tokens_counted(model) as counts:
            found = work()
        if on_gpu:
            torch.cuda.synchronize()
        rates.append(users / (time.perf_counter() - begun))
    return found, {
        "users_per_second": round(statistics.median(rates[1:]), 3),
        "repeats": [round(rate, 3) for rate in rates],
        "tokens_per_user": round(sum(counts) / users, 1),
        "forward_passes": len(counts),
    }


def compared(exact: Answers, certified: Answers, people: People, drawn: Sequence[Person]) -> dict[str, Any]:
    """How sure the model is, and whether the certificate holds; in bfloat16, up to rounding."""
    whole_PC, part_PC = exact.log_probs_PRC[:, 0], certified.log_probs_PRC[: len(exact.log_probs_PRC), 0]
    assert certified.certificate
    known_PC = (certified.certificate.upper <= certified.log_probs_PRC)[: len(whole_PC), 0]
    of_plausible_PC = people.of_plausible(whole_PC, drawn[: len(whole_PC)])
    return {
        "mean_probability_of_all_titles": round(float(np.exp(whole_PC).sum(axis=1).mean()), 5),
        "mean_probability_of_plausible_titles": round(float(of_plausible_PC.sum(axis=1).mean()), 5),
        "mean_probability_of_the_first_of_them": round(float(of_plausible_PC[:, 0].mean()), 3),
        "titles_opened": round(float(known_PC.sum(axis=1).mean()), 1),
        "same_first": float((whole_PC.argmax(axis=1) == part_PC.argmax(axis=1)).mean()),
        "largest_difference_of_opened_probabilities": float(np.abs(np.exp(whole_PC) - np.exp(part_PC))[known_PC].max()),
    }


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=WORKLOADS, default="tiny")
    parser.add_argument("--titles", type=Path, help="JSON file")
    parser.add_argument("--base", choices=[base.name for base in BaseDtype], default="backbone", help="frozen weights")
    parser.add_argument("--prompt", type=int, default=900, help="tokens of a prompt")
    parser.add_argument("--sft-prompt", type=int, default=900, help="tokens of the longest prompt of fine-tuning")
    parser.add_argument("--users", type=int, default=128)
    parser.add_argument("--exact-users", type=int, default=16, help="of them, those who are ranked exactly as well")
    parser.add_argument("--peer-users", type=int, default=2, help="of those, the ones for Hugging Face")
    parser.add_argument("--tokens-per-forward", type=int, default=8192)
    parser.add_argument("--tokens-per-wave", type=int, default=CertifiedRanking.tokens_per_wave)
    parser.add_argument("--epsilon", type=float, default=1e-3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sft-steps", type=int, default=200, help="optimizer steps of a round of fine-tuning")
    parser.add_argument("--sft-rounds", type=int, default=6, help="so many rounds at most")
    parser.add_argument("--sure", type=float, default=0.99, help="probability of plausible titles, then it is enough")
    parser.add_argument("--row-length", type=int, default=8192, help="tokens of a packed row of fine-tuning")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args()


def in_all_ways(
    model: nn.Module, questions: Sequence[Question], titles: list[list[int]], arguments: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What each way of ranking found, and how fast: the slower the way, the fewer the people."""
    few, fewer = questions[: arguments.exact_users], questions[: arguments.peer_users]
    exact = ExactRanking(tokens_per_forward=arguments.tokens_per_forward)
    certified = CertifiedRanking(
        tokens_per_forward=arguments.tokens_per_forward,
        tokens_per_wave=arguments.tokens_per_wave,
        epsilon=arguments.epsilon,
    )
    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "prompts_alone": (
            len(questions),
            lambda: read_prompts(model, questions, titles, arguments.tokens_per_forward),
        ),
        "certified": (len(questions), lambda: certified(model, questions, titles, stage="rank")),
        "exact": (len(few), lambda: exact(model, few, titles, stage="rank")),
        "hugging_face": (
            len(fewer),
            lambda: ranking_peer.log_probs(model, [each.prompts[0] for each in fewer], titles),
        ),
    }
    found, figures = {}, {}
    for name, (users, work) in ways.items():
        found[name], figures[name] = timed(work, model, users, arguments.repeats)
    return found, figures


def ranked(arguments: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Fine-tune, rank in all ways, and compare what they found."""
    workload = WORKLOADS[arguments.size]
    titles = read_titles(arguments.titles, workload.vocabulary)
    people = People(titles, workload.vocabulary)
    fine_tuning = FineTuning(
        arguments.sft_steps,
        arguments.sft_rounds,
        arguments.sft_prompt,
        arguments.row_length,
        arguments.learning_rate,
        BaseDtype[arguments.base],
        arguments.sure,
    )
    model, rounds = fine_tuning(workload, people, device, arguments.prompt)
    drawn = people.draw(arguments.users, seed=2, shortest=arguments.prompt, longest=arguments.prompt)
    found, figures = in_all_ways(model, [person.question for person in drawn], titles, arguments)
    of_peer_PC = found["hugging_face"].double().cpu().numpy()
    of_same_PC = found["exact"].log_probs_PRC[: len(of_peer_PC), 0]
    return {
        "rounds_of_fine_tuning": rounds,
        "titles": len(titles),
        "trie_nodes": len(TitleTrie(titles)),
        **compared(found["exact"], found["certified"], people, drawn),
        "largest_difference_from_hugging_face": float(np.abs(of_same_PC - of_peer_PC).max()),
        **figures,
    }


def table(figures: dict[str, Any]) -> str:
    """One line a way of ranking, with its rate in units of Hugging Face's and of the floor's."""
    rates = {name: each["users_per_second"] for name, each in figures.items() if isinstance(each, dict)}
    lines = [f"{'ranking':<16}{'users/s':>10}{'tokens a user':>16}{'x Hugging Face':>16}{'of the floor':>14}"]
    for name, rate in rates.items():
        against, of_floor = rate / rates["hugging_face"], rate / rates["prompts_alone"]
        lines.append(
            f"{name:<16}{rate:>10.2f}{figures[name]['tokens_per_user']:>16,.0f}{against:>16.2f}{of_floor:>14.1%}"
        )
    said = {name: value for name, value in figures.items() if name not in rates}
    return "\n".join([*lines, *(f"{name.replace('_', ' ')}: {value}" for name, value in said.items())])


def main() -> None:
    """Measure, print a table, and write all figures where asked."""
    arguments = parse()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    figures = ranked(arguments, device)
    about = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 1) if device.type == "cuda" else None,
        "versions": {name: version(name) for name in ("torch", "transformers", "peft")},
    }
    found = json.dumps(vars(arguments) | figures | about, default=str)
    if arguments.out:
        arguments.out.write_text(found + "\n", encoding="utf-8")
    print(table(figures))


if __name__ == "__main__":
    main()
