"""What a training leaves behind at each epoch, and what it can be taken up from."""

from __future__ import annotations

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Checkpoint

from neuropil.errors import InputError
from neuropil.training.averaging import Averaging
from neuropil.work.index import write_lines

LAST, BEST, HISTORY = "last.ckpt", "best.ckpt", "history.jsonl"
STATE_KEY = "neuropil.training.Keeper"


class Keeper(Checkpoint):
    """Write `best.ckpt`, `last.ckpt` and `history.jsonl` at the end of each epoch.

    `last.ckpt` is written last and holds the history, so whatever is killed between two writes is made anew,
    with the same result, by the epoch that follows `last.ckpt`.

    Args:
        folder: where to.
        key: content key of the training, kept in `last.ckpt`.
        monitor: the metric that chooses the best epoch; None keeps the last one as the best.
        mode: "min" or "max".
        label: names the training in errors.
        averaging: the callback that averages the weights, if they are averaged; the best ones are then the average.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str,
        monitor: str | None,
        mode: str,
        label: str,
        averaging: Averaging | None = None,
    ) -> None:
        self.folder = folder
        self.key = key
        self.monitor = monitor
        self.label = label
        self.mode = mode
        self.averaging = averaging
        self._sign = 1.0 if mode == "min" else -1.0
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self._best = math.inf
        self._stopped = False

    @property
    def state_key(self) -> str:
        """The name of this callback's state in a checkpoint."""
        return STATE_KEY

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs: plain values only."""
        return {
            "key": self.key,
            "history": self.history,
            "best": self._best,
            "best_epoch": self.best_epoch,
            "stopped": self._stopped,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the state of `last.ckpt`."""
        self.history = list(state_dict["history"])
        self._best = state_dict["best"]
        self.best_epoch = state_dict["best_epoch"]

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Record the epoch and write what is to be kept of it."""
        record = self._record(trainer)
        self.history.append(record)
        self._stopped = trainer.should_stop or trainer.current_epoch + 1 >= (trainer.max_epochs or 0)
        if self._is_best(record):
            with nullcontext() if self.averaging is None else self.averaging.applied(pl_module):
                trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        write_lines(self.folder / HISTORY, self.history)
        trainer.save_checkpoint(self.folder / LAST)

    def _record(self, trainer: pl.Trainer) -> dict[str, float]:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        lost = [name for name in metrics if name.endswith("/loss") and not math.isfinite(metrics[name])]
        if lost:
            raise not_finite(self.label, lost[0], trainer.current_epoch)
        finite = {name: value for name, value in sorted(metrics.items()) if math.isfinite(value)}
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        return {"epoch": trainer.current_epoch, "step": trainer.global_step, "lr": float(rate), **finite}

    def _is_best(self, record: dict[str, float]) -> bool:
        if self.monitor is None:
            self.best_epoch = int(record["epoch"])
            return True
        if self.monitor not in record:
            raise KeyError(f"{self.monitor} is monitored but not logged; logged: {', '.join(record)}")
        value = self._sign * record[self.monitor]
        if value < self._best:
            self._best, self.best_epoch = value, int(record["epoch"])
            return True
        return False


def not_finite(label: str, metric: str, epoch: int) -> InputError:
    """The one line for a training that ran away."""
    return InputError(
        f"{label}: {metric} is no longer a finite number in epoch {epoch}; lower `lr` or set `gradient_clip_val` to 1"
    )
