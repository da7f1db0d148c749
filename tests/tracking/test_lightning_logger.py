from __future__ import annotations

import csv
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

from occpred.tracking.csv_tracking import CsvTracking
from occpred.tracking.lightning_logger import TrackerLogger
from occpred.tracking.tracking import RunIdentity

RUN = RunIdentity(name="line", group="tests", job_type="train", id="abc")


class Line(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.slope = torch.nn.Parameter(torch.tensor(1.0))
        self.save_hyperparameters({"ignored": True})

    def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
        loss = (self.slope * batch[0] - 1.0).square().mean()
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.25)


def test_what_lightning_logs_reaches_the_tracker_under_its_step(tmp_path: Path) -> None:
    with CsvTracking().open(RUN, {}, tmp_path / "tracking") as tracker:
        logger = TrackerLogger(tracker, RUN)
        trainer = Trainer(
            default_root_dir=tmp_path,
            logger=logger,
            max_steps=3,
            log_every_n_steps=1,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        trainer.fit(Line(), DataLoader(TensorDataset(torch.full((3,), 2.0)), batch_size=1))
        logger.log_metrics({"final": 5.0})
    # slope 1 -> loss (2-1)^2 = 1, gradient 2*2*1 = 4 -> slope 0 -> loss 1, gradient -4 -> slope 1 -> loss 1
    with (tmp_path / "tracking" / "metrics.csv").open(newline="") as file:
        rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    assert rows == [(0, 1.0), (1, 1.0), (2, 1.0)]
    assert '"final": 5.0' in (tmp_path / "tracking" / "summary.json").read_text()
    assert (logger.name, logger.version) == ("line", "abc")
