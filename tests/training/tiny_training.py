"""A training of a few numbers, as a module of tests and as a process that can be killed."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from neuropil.training.fit import Trained, fit
from neuropil.training.parameters import TrainingParameters
from neuropil.training.schedules import configured
from neuropil.training.seeding import seeded

SEED = 5


class Points(Dataset[Any]):
    """Points of a line; the noise on them depends on the epoch."""

    def __init__(self, n: int = 24) -> None:
        self.epoch = 0
        self.n = n

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(1000 * self.epoch + index)
        x = torch.randn(4, generator=generator)
        return x, x.sum(0, keepdim=True)


class Line(pl.LightningModule):
    """A linear layer with dropout; writes each epoch that it begins into a file, where it is given one."""

    def __init__(self, rate: float = 0.05, pause: float = 0.0, begun: str = "") -> None:
        super().__init__()
        self.save_hyperparameters({"rate": rate})
        self.rate, self.pause, self.begun = rate, pause, begun
        with seeded(SEED, "weights"):
            self.network = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))

    def on_train_epoch_start(self) -> None:
        if self.begun:
            with open(self.begun, "a") as file:
                file.write(f"{self.current_epoch}\n")

    def _loss(self, batch: Any) -> torch.Tensor:
        time.sleep(self.pause)
        return nn.functional.mse_loss(self.network(batch[0]), batch[1])

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        loss = self._loss(batch)
        self.log("train/loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val/loss", self._loss(batch) + 0.1 * torch.rand(()), on_epoch=True, on_step=False)

    def configure_optimizers(self) -> Any:
        return configured(self, torch.optim.AdamW(self.parameters(), lr=self.rate), kind="cosine", warmup_steps=3)


def train(
    folder: Path,
    *,
    key: str = "a",
    validation: bool = True,
    workers: int = 0,
    pause: float = 0.0,
    begun: str = "",
    rate: float = 0.05,
    **training: Any,
) -> Trained:
    return fit(
        Line(rate, pause, begun),
        DataLoader(Points(), batch_size=4, shuffle=True, num_workers=workers),
        DataLoader(Points(8), batch_size=4) if validation else None,
        folder=folder,
        key=key,
        seed=SEED,
        training=TrainingParameters(**({"max_epochs": 6, "accelerator": "cpu"} | training)),
        label="line",
    )


if __name__ == "__main__":
    train(Path(sys.argv[1]), pause=0.05, begun=sys.argv[2])
