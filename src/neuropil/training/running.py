"""What happens around each step: seeds, the limit of steps, a finite loss, the bar."""

from __future__ import annotations

import math
import time
from typing import Any

import lightning.pytorch as pl
import torch

from neuropil.training.keeping import not_finite
from neuropil.training.seeding import derived_seed
from neuropil.work.progress import Progress

_GLANCE = 0.5  # seconds between looks at the loss: each look waits for a GPU to catch up


class Reseed(pl.Callback):
    """Start each epoch, and each validation, from random numbers that depend on (seed, epoch) alone.

    Every validation draws the same numbers, so that its losses differ by the network only.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed torch for the epoch."""
        torch.manual_seed(derived_seed(self._seed, "epoch", trainer.current_epoch))

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seed torch for the validation."""
        torch.manual_seed(derived_seed(self._seed, "validation"))


class StopAtStep(pl.Callback):
    """End the training at an optimizer step, even in mid-epoch, and validate there.

    Lightning's own `max_steps` leaves the last epoch without validation and restarts epochs when it resumes.
    """

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Ask for the end where the step is reached."""
        if trainer.global_step >= self.max_steps:
            trainer.should_stop = True


class Bar(pl.Callback):
    """One calm bar for the whole training, with the loss as its note; an infinite loss ends the training."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Progress | None = None
        self._seen = 0
        self._looked = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Open the bar at the step that the training is at."""
        self._bar = Progress(self._label, planned_steps(trainer))
        self._bar.__enter__()
        self._seen = 0
        self._advance(trainer, None)

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, *args: Any) -> None:
        """Go on by what was stepped; look at the loss twice a second."""
        note = None
        if time.monotonic() - self._looked > _GLANCE:
            self._looked = time.monotonic()
            loss = float(outputs["loss"].detach())
            if not math.isfinite(loss):
                raise not_finite(self._label, "train/loss", trainer.current_epoch)
            note = f"loss {loss:.4g}"
        self._advance(trainer, note)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the losses of the whole epoch."""
        losses = {part: trainer.callback_metrics.get(f"{part}/loss") for part in ("train", "val")}
        note = ", ".join(f"{part} {float(loss):.4g}" for part, loss in losses.items() if loss is not None)
        if self._bar is not None and note:
            self._bar.advance(0, f"loss: {note}")

    def close(self) -> None:
        """End the bar, however the training ended."""
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None

    def _advance(self, trainer: pl.Trainer, note: str | None) -> None:
        steps, self._seen = trainer.global_step - self._seen, trainer.global_step
        if self._bar is not None:
            self._bar.advance(steps, note)


def planned_steps(trainer: pl.Trainer) -> int:
    """How many optimizer steps the training makes at most, gradient accumulation and `max_steps` counted.

    For `configure_optimizers`: the length of a learning-rate schedule.
    """
    steps = int(trainer.estimated_stepping_batches)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, StopAtStep):
            steps = min(steps, callback.max_steps)
    return max(steps, 1)
