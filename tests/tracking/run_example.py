"""The run that the tests track."""

from __future__ import annotations

from occpred.tracking.tracking import RunIdentity

RUN = RunIdentity(
    name="joint seed 1",
    group="demo",
    job_type="train",
    id="0123456789abcdef",
    tags=("lora.rank=8", "seed=1"),
    inputs=("prepare/00000000000000aa", "gather/00000000000000bb"),
    output="train/0123456789abcdef",
)
