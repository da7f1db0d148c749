"""gather: the reasons that a model learns from, or that its answers rest on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.store import ArtifactStore
from occpred.distributed.ranks import is_first
from occpred.encoding import WritesReasons
from occpred.language_model.generation import Generation
from occpred.reasons.source import Material, ReasonSource
from occpred.reasons.writing import write_reasons
from occpred.records import JudgedReason, NextOccupationExample, Reason, read_jsonl, write_jsonl
from occpred.stages.language_model import LanguageModelStage
from occpred.stages.prepare import Part, Prepare, PreparedData
from occpred.stages.reason import REASONS, ReasonStage, SelectReasons, read_selected


@dataclass(frozen=True)
class GatherReasons(ReasonStage):
    """Lets a source provide the reasons of one part's examples, at least one each; the empty text is no reason.

    To learn from, whatever the source, it provides them for the same examples: those that kept an oracle reason. So
    models trained with other reasons, or with none, are trained on equal data.
    """

    name: ClassVar[str] = "gather"
    parallel = True

    prepared: Prepare
    source: ReasonSource
    part: Part
    num_reasons: int
    """At most so many an example."""
    selected: SelectReasons | None
    """The oracle reasons of the part, where they are needed."""
    writer: LanguageModelStage | None
    """The model that writes its own reasons, where the source needs it."""

    def run(self, folder: Path, store: ArtifactStore) -> None:
        """Write `reasons.jsonl`."""
        data = PreparedData(store.folder(self.prepared))
        examples = data.examples(self.part)
        oracle: dict[str, list[JudgedReason]] = defaultdict(list)
        for judged in read_selected(store.folder(self.selected)) if self.selected else []:
            oracle[judged.reason.example_id].append(judged)
        if self.part is not Part.TEST:
            examples = [example for example in examples if example.example_id in oracle]
        write = _writer(self.writer, store, examples) if self.writer else None
        reasons = list(self.source(Material(examples, data.taxonomy, oracle, write), self.num_reasons))
        if is_first():
            write_jsonl(folder / REASONS, reasons)

    def places(self, store: ArtifactStore) -> list[tuple[str, int]]:
        examples = PreparedData(store.folder(self.prepared)).examples(self.part)
        return [(example.example_id, number) for example in examples for number in range(self.num_reasons)]


def _writer(
    stage: LanguageModelStage, store: ArtifactStore, examples: Sequence[NextOccupationExample]
) -> Callable[[Generation, int], Iterator[Reason]]:
    encoder = stage.encoder(store)
    assert isinstance(encoder, WritesReasons)

    def write(generation: Generation, num_reasons: int) -> Iterator[Reason]:
        texts = write_reasons(stage.load_to_write(store), encoder, examples, generation, num_reasons)
        for example, own in zip(examples, texts, strict=True):
            for candidate, text in enumerate(own):
                yield Reason(example.example_id, candidate, text, source=stage.name)

    return write


def read_gathered(folder: Path) -> dict[str, list[str]]:
    """The texts by example id, in the order of the examples."""
    texts: dict[str, list[str]] = {}
    for reason in read_jsonl(folder / REASONS, Reason):
        texts.setdefault(reason.example_id, []).append(reason.text)
    return texts
