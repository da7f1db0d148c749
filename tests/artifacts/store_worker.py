"""Makes stages in a process of its own, for the tests.

`store_worker.py KIND ROOT LOG [hang]` makes one stage of that kind; with `hang` it says so half way and stops there.
`store_worker.py many ROOT` makes many stages, one after the other.
"""

from __future__ import annotations

import hashlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from occpred.artifacts.stage import Stage
from occpred.artifacts.store import ArtifactStore
from occpred.settings import setting


@dataclass(frozen=True)
class Fresh(Stage):
    name: ClassVar[str] = "fresh"
    log: str = setting("", incidental=True)
    hang: bool = setting(False, incidental=True)

    def run(self, folder: Path, store: ArtifactStore) -> None:
        left = sorted(path.name for path in folder.iterdir())
        (folder / "half.txt").write_text("half")
        with Path(self.log).open("a") as log:
            log.write("run\n")
        if self.hang:
            print("hanging", flush=True)
            time.sleep(1000)
        time.sleep(0.2)
        (folder / "result.txt").write_text(f"began with {left}")


@dataclass(frozen=True)
class Resumable(Fresh):
    name: ClassVar[str] = "resumable"
    resumable: ClassVar[bool] = True


@dataclass(frozen=True)
class Numbered(Stage):
    """Its files' digests are in its last file, so that an incomplete artifact gives itself away."""

    name: ClassVar[str] = "numbered"
    number: int

    def run(self, folder: Path, store: ArtifactStore) -> None:
        digests = []
        for part in range(3):
            content = bytes([self.number, part]) * 50_000
            (folder / f"{part}.bin").write_bytes(content)
            digests.append(hashlib.sha256(content).hexdigest())
        (folder / "digests.txt").write_text("\n".join(digests))


if __name__ == "__main__":
    kind, root, *rest = sys.argv[1:]
    store = ArtifactStore(Path(root))
    if kind == "many":
        for number in range(100):
            store.make(Numbered(number))
    else:
        stage = {"fresh": Fresh, "resumable": Resumable}[kind](log=rest[0], hang=rest[1:] == ["hang"])
        print(store.make(stage).made)
