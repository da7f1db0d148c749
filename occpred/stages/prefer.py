"""sample, prefer: the model writes several replies to each person, and the better is paired with the worse."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.distributed.ranks import is_first
from occpred.encoding import Encoder, NamesOccupation, WritesReasons
from occpred.reasons.preference import PairMaterial, PairRule
from occpred.reasons.sampling import Sampling
from occpred.reasons.writing import write_completions
from occpred.records import (
    Completion,
    JudgedReason,
    NextOccupationExample,
    PreferencePair,
    Reason,
    ReferencedPair,
    read_jsonl,
    write_jsonl,
)
from occpred.stages.language_model import LanguageModelStage
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import JUDGED, REASONS, JudgeReasons, ReasonStage, SelectReasons, read_selected
from occpred.trees.token_tree import TokenTree

_COMPLETIONS, _PAIRS, _COUNTS = "completions.jsonl", "pairs.jsonl", "counts.json"


@dataclass(frozen=True)
class SampleCompletions(ReasonStage):
    """Lets a model write several replies to each example, reasons and what follows them."""

    name: ClassVar[str] = "sample"
    parallel = True

    prepared: Prepare
    part: Part
    writer: LanguageModelStage
    sampling: Sampling

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `completions.jsonl`, and `reasons.jsonl` for a judge."""
        encoder = self.writer.encoder(store)
        assert isinstance(encoder, WritesReasons)
        examples = self.examples(store)
        writer, times = self.writer.load_to_write(store), self.sampling.num_samples
        completions = list(write_completions(writer, encoder, examples, self.sampling, times))
        if not is_first():
            return
        write_jsonl(folder / _COMPLETIONS, completions)
        reasons = (
            Reason(completion.example_id, completion.candidate, completion.reason, source=self.writer.name)
            for completion in completions
        )
        write_jsonl(folder / REASONS, reasons)

    def examples(self, store: ArtifactStore) -> list[NextOccupationExample]:
        """The examples that are replied to, in the order of the part."""
        return self.sampling.choose(PreparedData(store.folder(self.prepared)).examples(self.part))

    def places(self, store: ArtifactStore) -> list[tuple[str, int]]:
        samples = range(self.sampling.num_samples)
        return [(example.example_id, number) for example in self.examples(store) for number in samples]


@dataclass(frozen=True)
class MakePairs(Stage):
    """Pairs each example's better reply with its worse one, and notes how probable the model finds both.

    These log-probabilities are what the model is held to when it learns from the pairs; stored, they need no second
    model in memory then.
    """

    name: ClassVar[str] = "prefer"
    parallel = True

    sampled: SampleCompletions
    rule: PairRule
    judged: JudgeReasons | None
    oracle: SelectReasons | None
    predictor: LanguageModelStage | None

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `pairs.jsonl`, and in `counts.json` what became of each example."""
        examples = self.sampled.examples(store)
        found = self.rule.pairs(self._material(store, examples))
        referenced = self._referenced(store, examples, found.pairs)
        if is_first():
            write_jsonl(folder / _PAIRS, referenced)
            (folder / _COUNTS).write_text(json.dumps(asdict(found.counts)), encoding="utf-8")

    def _material(self, store: ArtifactStore, examples: Sequence[NextOccupationExample]) -> PairMaterial:
        taxonomy = PreparedData(store.folder(self.sampled.prepared)).taxonomy
        completions: dict[str, list[Completion]] = defaultdict(list)
        for completion in read_jsonl(store.folder(self.sampled) / _COMPLETIONS, Completion):
            completions[completion.example_id].append(completion)
        judged = read_jsonl(store.folder(self.judged) / JUDGED, JudgedReason) if self.judged else []
        oracle: dict[str, list[JudgedReason]] = defaultdict(list)
        for entry in read_selected(store.folder(self.oracle)) if self.oracle else []:
            oracle[entry.reason.example_id].append(entry)
        log_probs, without = self._log_probs(store, examples, completions)
        return PairMaterial(
            examples=examples,
            titles={occupation.code: occupation.title for occupation in taxonomy.occupations},
            completions=completions,
            judged={(entry.reason.example_id, entry.reason.candidate): entry.scores for entry in judged},
            oracle=oracle,
            log_probs=log_probs,
            log_probs_without_reason=without,
            names_occupation=isinstance(self.sampled.writer.encoder(store), NamesOccupation),
        )

    def _log_probs(
        self,
        store: ArtifactStore,
        examples: Sequence[NextOccupationExample],
        completions: Mapping[str, Sequence[Completion]],
    ) -> tuple[dict[tuple[str, int], float], dict[str, float]]:
        """How probable the predictor finds the true occupation: given each written reason, and given none."""
        from occpred.models.reference import reference_log_probs

        if self.predictor is None:
            return {}, {}
        encoder = self.predictor.encoder(store)
        assert isinstance(encoder, NamesOccupation)
        asked = [
            (example, candidate, reason)
            for example in examples
            for candidate, reason in [
                (None, ""),
                *((written.candidate, written.reason) for written in completions[example.example_id]),
            ]
        ]
        trees = [
            TokenTree.grow(
                encoder.answer_prompt(example.history, reason),
                [encoder.title(encoder.taxonomy[example.target_code].title)],
            )
            for example, _, reason in asked
        ]
        given: dict[tuple[str, int], float] = {}
        without: dict[str, float] = {}
        log_probs = reference_log_probs(self.predictor.load(store), trees, self.predictor.trainer.row_length, "predict")
        for (example, candidate, _), (log_prob,) in zip(asked, log_probs, strict=True):
            if candidate is None:
                without[example.example_id] = log_prob
            else:
                given[example.example_id, candidate] = log_prob
        return given, without

    def _referenced(
        self, store: ArtifactStore, examples: Sequence[NextOccupationExample], pairs: Sequence[PreferencePair]
    ) -> list[ReferencedPair]:
        from occpred.models.reference import reference_log_probs

        policy = self.sampled.writer
        by_id = {example.example_id: example for example in examples}
        encoder = policy.encoder(store)
        trees = [pair_tree(encoder, by_id[pair.example_id], pair) for pair in pairs]
        # In the number format and rows in which the policy will be trained, so that it starts where its reference is.
        with policy.trainer.autocast():
            log_probs = reference_log_probs(policy.load(store), trees, policy.trainer.row_length, self.name)
        return [
            ReferencedPair(pair, chosen, rejected) for pair, (chosen, rejected) in zip(pairs, log_probs, strict=True)
        ]


def pair_tree(encoder: Encoder, example: NextOccupationExample, pair: PreferencePair) -> TokenTree:
    """The prompt with two branches: the chosen reply, then the rejected one."""
    replies = [encoder.completion(reply.reason, reply.answer) for reply in (pair.chosen, pair.rejected)]
    return TokenTree.grow(encoder.prompt(example.history), replies)


@dataclass(frozen=True)
class Pairs:
    """What `MakePairs` wrote."""

    folder: Path

    def read(self) -> list[ReferencedPair]:
        """The pairs, in the order of the examples."""
        return read_jsonl(self.folder / _PAIRS, ReferencedPair)

    def counts(self) -> dict[str, int]:
        """What became of each example that was replied to."""
        counts: dict[str, int] = json.loads((self.folder / _COUNTS).read_text(encoding="utf-8"))
        return counts
