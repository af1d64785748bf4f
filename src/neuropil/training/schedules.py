"""Learning-rate schedules over the true number of optimizer steps."""

from __future__ import annotations

import math
from typing import Any, Literal

import lightning.pytorch as pl
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from neuropil.training.running import planned_steps

Schedule = Literal["cosine", "step", "constant"]
_DROPS = 3  # the step schedule divides the rate by ten at each third of what follows the warm-up


def factor(step: int, *, kind: Schedule, warmup_steps: int, total_steps: int) -> float:
    """The learning rate at a step, as a factor of its highest value.

    A linear warm-up from 1/warmup_steps to 1, then `cosine`: half a cosine down to 0 at `total_steps`
    (Loshchilov & Hutter 2017, without restarts); `step`: 1, 0.1, 0.01 over thirds; `constant`: 1.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if kind == "constant":
        return 1.0
    done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    return float(0.1 ** min(_DROPS - 1, int(_DROPS * done)))


def configured(module: pl.LightningModule, optimizer: Optimizer, *, kind: Schedule, warmup_steps: int) -> Any:
    """What `configure_optimizers` returns: the optimizer with its schedule, stepped at each optimizer step."""
    total = planned_steps(module.trainer)
    scheduler = LambdaLR(optimizer, lambda step: factor(step, kind=kind, warmup_steps=warmup_steps, total_steps=total))
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
