"""The real `transformers serve`, with the embedded backbone on the CPU.

Run as a program, this starts it, says where it listens once its model answers, and ends it when standard input closes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from contextlib import AbstractContextManager
from pathlib import Path

from tests.servers.server_process import DIRECTLY, ROOT, RunningServer, running

BACKBONE = ROOT / "occpred" / "backbones" / "tiny"
MODEL = "tiny"
"""What clients must call the model."""
RESPONSE_TEMPLATE = {
    "start_anchor_pattern": r"\Z",
    "fields": {"content": {"content": "text", "close": "<|endoftext|>"}},
}
"""The reply is what was generated, up to its end. For Qwen3's own chat format, which the embedded backbone does not
follow, the server would look for marks of the assistant's turn, find none, and repeat the prompt before the reply."""


def model_server() -> AbstractContextManager[RunningServer]:
    """Run it; its weights are in float32, as in `tiny_backbone`."""
    return running("model_server")


def serve() -> None:
    """Run the server until standard input closes."""
    with tempfile.TemporaryDirectory() as folder:
        copy_backbone(Path(folder, MODEL))
        command = [str(Path(sys.executable).with_name("transformers")), "serve", MODEL]
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", "--port=0", "--device=cpu", "--dtype=float32"],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=watch, args=(process,), daemon=True).start()
        sys.stdin.read()
        process.terminate()
        process.wait()


def copy_backbone(folder: Path) -> None:
    """The embedded backbone, with `RESPONSE_TEMPLATE`."""
    folder.mkdir()
    for file in BACKBONE.iterdir():
        (folder / file.name).symlink_to(file)
    tokenizer = folder / "tokenizer_config.json"
    settings = json.loads(tokenizer.read_text(encoding="utf-8"))
    tokenizer.unlink()
    tokenizer.write_text(json.dumps({**settings, "response_template": RESPONSE_TEMPLATE}), encoding="utf-8")


def watch(process: subprocess.Popen[str]) -> None:
    """Say where the server listens as soon as it does; keep on reading, or it would come to a halt.

    Where it ends by itself, standard output is closed, so that one who waits for the address learns of it.
    """
    assert process.stderr
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"running on (http://[\d.:]+)", line):
            DIRECTLY.open(f"{found[1]}/health", timeout=60).close()
            print(found[1], flush=True)
            break
    else:
        print(said, file=sys.stderr)
        os.close(sys.stdout.fileno())
    for _ in process.stderr:
        pass


if __name__ == "__main__":
    serve()
