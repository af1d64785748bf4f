"""A training as a piece of work: finished ones are returned, killed ones go on at their epoch."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping
from torch.utils.data import DataLoader

from neuropil.errors import InputError
from neuropil.training.averaging import Averaging
from neuropil.training.checkpoints import AtomicCheckpointIO, read_checkpoint
from neuropil.training.keeping import BEST, HISTORY, LAST, STATE_KEY, Keeper
from neuropil.training.loaders import EpochLoader
from neuropil.training.parameters import TrainingParameters
from neuropil.training.quiet import quiet
from neuropil.training.running import Bar, Reseed, StopAtStep
from neuropil.work.atomic import remove_leftovers, write_text
from neuropil.work.index import read_lines
from neuropil.work.keys import content_key

logger = logging.getLogger(__name__)

VERSION = 1
_STATE = "training.json"


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        best: checkpoint of the best epoch (weights and hyperparameters; the last epoch without validation). With
            `training.ema_decay` the weights in both checkpoints are the averaged ones.
        last: checkpoint of the last epoch, with the optimizer's state.
        history: one record an epoch: {"epoch", "step", "lr", "train/loss", "val/loss", ...}.
        epochs: how many epochs were made in all.
        resumed_at: the epoch at which this call took up an unfinished training; None where it did not.
        reused: whether the training was found finished.
    """

    best: Path
    last: Path
    history: list[dict[str, float]]
    epochs: int
    resumed_at: int | None
    reused: bool


def fit(
    module: pl.LightningModule,
    train: DataLoader[Any],
    validation: DataLoader[Any] | None,
    *,
    folder: Path,
    key: str,
    seed: int,
    training: TrainingParameters,
    monitor: str = "val/loss",
    mode: str = "min",
    label: str,
) -> Trained:
    """Train `module`, or return what an earlier call trained, or go on where a killed one stopped.

    The result is a function of the module's initial weights (build it under `seeding.seeded`), the data, the
    seed and the parameters: a training that was killed and taken up again gives the same bytes, on a CPU, as
    an undisturbed one. Learning-rate schedules must be stepped per step (`schedules.configured` does so).

    Args:
        module: logs "train/loss" and, with validation data, `monitor`, per epoch; keeps its hyperparameters as
            plain values (`save_hyperparameters`).
        train: training batches; shuffling follows (seed, epoch), see `EpochLoader`.
        validation: validation batches; None trains without, the last epoch then counts as the best.
        folder: holds training.json, best.ckpt, last.ckpt and history.jsonl; nothing else belongs there.
        key: content key of all that determines the result besides `seed` and `training`.
        seed: the root seed.
        training: length, precision, device, clipping, early stopping.
        monitor: the validation metric that chooses the best epoch and stops early.
        mode: "min" or "max".
        label: says in the bar and in errors what is trained.

    Raises:
        InputError: the loss became infinite, the memory of the GPU is too small, or the device is not there.
        MachineError: the disk is full.
    """
    key = content_key(key, seed, _described(training), VERSION)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    finished = _finished(folder, key)
    if finished is not None:
        return finished
    resumed_at, complete = _resumable(folder, key)
    if not complete:
        if resumed_at is None:
            _clear(folder)
            _write_state(folder, key, "running")
        averaging = None if training.ema_decay is None else Averaging(training.ema_decay)
        monitored = monitor if validation is not None else None
        keeper = Keeper(folder, key=key, monitor=monitored, mode=mode, label=label, averaging=averaging)
        _train(module, train, validation, keeper, seed=seed, training=training, resume=resumed_at is not None)
    _write_state(folder, key, "finished")
    history = list(read_lines(folder / HISTORY))
    return Trained(folder / BEST, folder / LAST, history, len(history), resumed_at, reused=False)


def _described(training: TrainingParameters) -> dict[str, Any]:
    """What of `training` determines the result; a training without averaging is named as before there was any."""
    return training.model_dump(exclude={"accelerator"} | (set() if training.ema_decay is not None else {"ema_decay"}))


def _finished(folder: Path, key: str) -> Trained | None:
    state = _read_state(folder)
    wanted = [folder / name for name in (BEST, LAST, HISTORY)]
    if state != {"key": key, "state": "finished"} or not all(path.is_file() for path in wanted):
        return None
    history = list(read_lines(folder / HISTORY))
    return Trained(folder / BEST, folder / LAST, history, len(history), None, reused=True)


def _resumable(folder: Path, key: str) -> tuple[int | None, bool]:
    """The epoch at which the training in `folder` goes on (None: from the start), and whether it is complete."""
    if not (folder / LAST).is_file() or not (folder / BEST).is_file():
        return None, False
    try:
        state = read_checkpoint(folder / LAST).get("callbacks", {}).get(STATE_KEY, {})
    except InputError as error:
        logger.warning("%s; the training starts anew", error)
        return None, False
    if state.get("key") != key:
        return None, False
    return len(state["history"]), bool(state["stopped"])


def _clear(folder: Path) -> None:
    for name in (_STATE, LAST, BEST, HISTORY):
        (folder / name).unlink(missing_ok=True)


def _read_state(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / _STATE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _write_state(folder: Path, key: str, state: str) -> None:
    write_text(folder / _STATE, json.dumps({"key": key, "state": state}) + "\n")


def _train(
    module: pl.LightningModule,
    train: DataLoader[Any],
    validation: DataLoader[Any] | None,
    keeper: Keeper,
    *,
    seed: int,
    training: TrainingParameters,
    resume: bool,
) -> None:
    bar = Bar(keeper.label)
    with quiet(), torch.random.fork_rng():
        try:
            trainer = _trainer(keeper, bar, len(train), seed=seed, training=training)
            trainer.fit(
                module,
                EpochLoader(train, seed, lambda: _epoch(trainer)),
                None if validation is None else EpochLoader(validation, seed, lambda: 0),
                ckpt_path=str(keeper.folder / LAST) if resume else None,
            )
        except torch.OutOfMemoryError as error:
            raise InputError(f"{keeper.label}: the GPU's memory is too small; lower `batch_size`") from error
        except MisconfigurationException as error:
            raise InputError(f"{keeper.label}: {error}") from error
        finally:
            bar.close()


def _trainer(keeper: Keeper, bar: Bar, batches: int, *, seed: int, training: TrainingParameters) -> pl.Trainer:
    callbacks: list[pl.Callback] = [Reseed(seed), bar, keeper]
    if keeper.averaging is not None:
        callbacks.insert(1, keeper.averaging)
    if training.max_steps is not None:
        callbacks.insert(1, StopAtStep(training.max_steps))
    if training.early_stopping:
        callbacks.insert(1, _early_stopping(keeper, training.patience))
    dev = training.fast_dev_run
    return pl.Trainer(
        max_epochs=1 if dev else _epochs(training, batches),
        limit_train_batches=1 if dev else None,
        limit_val_batches=1 if dev else None,
        accelerator=training.accelerator,
        devices=1,
        precision=training.precision,
        accumulate_grad_batches=training.accumulate_grad_batches,
        gradient_clip_val=training.gradient_clip_val or None,
        default_root_dir=keeper.folder,
        callbacks=callbacks,
        plugins=[AtomicCheckpointIO()],
        logger=False,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _epoch(trainer: pl.Trainer) -> int:
    """The epoch that is being trained."""
    return int(trainer.fit_loop.epoch_progress.current.processed)  # type: ignore[attr-defined]


def _epochs(training: TrainingParameters, batches: int) -> int:
    """How many epochs are begun: as many as `max_steps` needs, where it is given."""
    if training.max_steps is None:
        return training.max_epochs
    return math.ceil(training.max_steps / math.ceil(batches / training.accumulate_grad_batches))


def _early_stopping(keeper: Keeper, patience: int) -> EarlyStopping:
    if keeper.monitor is None:
        raise InputError(f"{keeper.label}: early_stopping needs validation data; raise `val_ratio` or switch it off")
    return EarlyStopping(
        keeper.monitor,
        mode=keeper.mode,
        patience=patience,
        check_finite=False,  # an infinite loss has an answer of its own
        check_on_train_epoch_end=True,
    )
