"""A model that is sure of what follows: what the ranking benchmark ranks with.

How much a certified ranking saves depends on how sure the model is, so the backbone, which may have random weights (see
`let_tokens_through`), is fine-tuned first, with our own trainer. Prompts are random tokens of which the last says what
the person's situation is, and each situation has twelve titles that may follow, some more probable than others: so a
model that has learned it is sure of a dozen titles, with an order among them, and of none by itself.

Shapes: S situations, P people asked, R prompts each, C titles.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.workload import ALPHA, RANK, TARGETS, Workload
from occpred.encoding import DirectEncoder
from occpred.language_model.adaptation import BaseDtype, LoRA
from occpred.language_model.backbone import EmbeddedBackbone
from occpred.language_model.device import Accelerator
from occpred.models.objective import SupervisedLoss
from occpred.models.supervised_module import SupervisedModule
from occpred.prompts import Prompts
from occpred.ranking.exact import ExactRanking
from occpred.ranking.ranking import Question
from occpred.ranking.title_trie import Ints
from occpred.rankings import Floats
from occpred.taxonomy.sample import SampleTaxonomy
from occpred.training.data import TreeDataModule
from occpred.training.optimizer import Optimizer
from occpred.training.trainer import Trainer
from occpred.trees.token_tree import TokenTree

FIRST_TOKEN = 10
"""Smaller ids mean something to the embedded backbone."""
SITUATIONS = 4
PLAUSIBLE = 12
"""Titles that may follow in one situation."""
DECAY = 0.7
"""Each of them is so many times as probable as the one before: the first has 0.3, the tenth 0.012."""


class Person(NamedTuple):
    """One to rank titles for.

    Attributes:
        prompt: token ids, the situation last.
        situation: from 0 on.
        follows: column of the title that follows.
    """

    prompt: tuple[int, ...]
    situation: int
    follows: int

    @property
    def question(self) -> Question:
        """Which titles follow, and the one that does."""
        return Question((self.prompt,), asked=self.follows)


@dataclass(frozen=True)
class People:
    """Draws prompts with what follows them.

    Attributes:
        titles: token ids of each; 48 at least.
        vocabulary: ids are below this one.
    """

    titles: list[list[int]]
    vocabulary: int

    def __post_init__(self) -> None:
        if len(self.titles) < SITUATIONS * PLAUSIBLE:
            raise SystemExit(f"{len(self.titles)} titles; needs {SITUATIONS * PLAUSIBLE} at least")

    @cached_property
    def plausible_SP(self) -> Ints:
        """The columns of the titles that may follow in each situation, the most probable one first."""
        shuffled = np.random.default_rng(0).permutation(len(self.titles))
        return shuffled[: SITUATIONS * PLAUSIBLE].reshape(SITUATIONS, PLAUSIBLE)

    def of_plausible(self, log_probs_PC: Floats, drawn: Sequence[Person]) -> Floats:
        """The probabilities of the titles that may follow for each of them, the most probable first."""
        plausible_PC = self.plausible_SP[[person.situation for person in drawn]]
        return np.exp(np.take_along_axis(log_probs_PC, plausible_PC, axis=1))

    def draw(self, count: int, seed: int, shortest: int, longest: int) -> list[Person]:
        """So many people, with prompts of so many tokens; there are as many prompts of 100 to 200 as of 200 to 400."""
        generator = np.random.default_rng(seed)
        weights = DECAY ** np.arange(PLAUSIBLE)
        situations = generator.integers(SITUATIONS, size=count)
        follows = generator.choice(PLAUSIBLE, size=count, p=weights / weights.sum())
        lengths = np.exp(generator.uniform(np.log(shortest), np.log(longest + 1), count)).astype(int)
        tokens = [generator.integers(FIRST_TOKEN, self.vocabulary, length - 1).tolist() for length in lengths]
        return [
            Person((*body, FIRST_TOKEN + int(situation)), int(situation), int(self.plausible_SP[situation, place]))
            for body, situation, place in zip(tokens, situations, follows, strict=True)
        ]


def read_titles(path: Path | None, vocabulary: int) -> list[list[int]]:
    """The titles as ids below `vocabulary`."""
    if path is None:
        encoder = DirectEncoder(Prompts(), EmbeddedBackbone(name="tiny").load_tokenizer(), SampleTaxonomy().load())
        return encoder.titles()
    titles: list[list[int]] = json.loads(path.read_text(encoding="utf-8"))
    known = sorted({token for title in titles for token in title})
    if known[-1] < vocabulary:
        return titles
    places = {token: FIRST_TOKEN + place for place, token in enumerate(known)}
    if FIRST_TOKEN + len(known) > vocabulary:
        raise SystemExit(f"{path}: {len(known)} different tokens are too many for a vocabulary of {vocabulary}")
    return [[places[token] for token in title] for title in titles]


def let_tokens_through(model: Any) -> None:
    """Scale random weights, in place, as a pretrained model has them: what a token is reaches the last layer.

    As they are drawn, each layer adds a hundred times what an embedding holds. Embeddings get unit size, and what the
    layers add is divided by the root of how many parts there are (Radford et al. 2019, section 2.3).
    """
    with torch.no_grad():
        model.get_input_embeddings().weight.div_(model.config.initializer_range)
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.div_((2 * model.config.num_hidden_layers) ** 0.5)


def sureness(model: nn.Module, people: People, length: int) -> float:
    """The probability that the model gives to all titles that are plausible behind prompts of such a length."""
    drawn = people.draw(16, seed=0, shortest=length, longest=length)
    questions = [person.question for person in drawn]
    answers = ExactRanking(tokens_per_forward=8192)(model, questions, people.titles, stage="rank")
    return float(people.of_plausible(answers.log_probs_PRC[:, 0], drawn).sum(axis=1).mean())


@dataclass(frozen=True)
class FineTuning:
    """How the model learns which titles follow a prompt: in rounds, each of other people, until it is sure of them.

    Attributes:
        steps: optimizer steps of a round, each of 32 people.
        rounds: so many at most.
        longest_prompt: in tokens; shorter ones, down to 16, are more frequent.
        row_length: tokens of a packed row.
        learning_rate: at its peak, in each round.
        base: format of the frozen weights.
        sure: the model is, when it gives so much probability to plausible titles, on average.
    """

    steps: int
    rounds: int
    longest_prompt: int
    row_length: int
    learning_rate: float
    base: BaseDtype
    sure: float

    def __call__(self, workload: Workload, people: People, device: torch.device, length: int) -> tuple[nn.Module, int]:
        """The backbone with adapters that have learned it, and how many rounds that took.

        Args:
            workload: has the backbone.
            people: to learn from, and to be sure of.
            device: trains.
            length: tokens of the prompts of those to be sure of.
        """
        lora = LoRA(rank=RANK, alpha=ALPHA, targets=TARGETS, base_dtype=self.base)
        backbone = workload.model(device, "sdpa")
        if workload.architecture:
            let_tokens_through(backbone)
        adapted = lora(backbone, seed=0)
        learned = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
        number, reached = 0, 0.0
        while number < self.rounds and reached < self.sure:
            number += 1
            for parameter in learned:
                parameter.requires_grad_(True)
            self._train(adapted, people, device, number)
            adapted.to(device).requires_grad_(False).eval()
            reached = sureness(adapted, people, length)
            print(f"round {number}: {reached:.4f} on plausible titles", flush=True)
        return adapted, number

    def _train(self, adapted: nn.Module, people: People, device: torch.device, number: int) -> None:
        """One round."""
        batch_size = 32
        drawn = people.draw(batch_size * self.steps, seed=number, shortest=16, longest=self.longest_prompt)
        trees = [TokenTree.grow(person.prompt, [people.titles[person.follows]]) for person in drawn]
        row_length = max(self.row_length, *map(len, trees))
        data = TreeDataModule[Any](
            trees,
            [],
            batch_size=batch_size,
            epochs=1,
            seed=0,
            row_length=row_length,
            rows_per_forward=1,
            num_workers=0,
        )
        optimizer = Optimizer(learning_rate=self.learning_rate, batch_size=batch_size, epochs=1)
        module = SupervisedModule(adapted, SupervisedLoss(), optimizer, num_steps=data.num_steps, seed=0)
        trainer = Trainer(
            accelerator=Accelerator.gpu if device.type == "cuda" else Accelerator.cpu,
            row_length=row_length,
            validation_examples=0,
            checkpoint_every_steps=1_000_000,
        )
        with tempfile.TemporaryDirectory() as folder:
            trainer.fit(module, data, Path(folder), logger=None)
