"""Checkpoints: written whole or not at all, read without running code that they hold."""

from __future__ import annotations

import errno
import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO

from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path, disk_is_full

_HYPERPARAMETERS = "hyper_parameters"
_WEIGHTS = "state_dict"


def write_checkpoint(checkpoint: dict[str, Any], path: Path | str) -> None:
    """Write a checkpoint whole or not at all. Raises MachineError where the disk is full."""
    with atomic_path(path) as part:
        try:
            with open(part, "wb") as file:
                torch.save(checkpoint, file)
        except RuntimeError as error:
            # torch raises its own error over the failing write.
            if disk_is_full(error):
                raise OSError(errno.ENOSPC, "No space left on device") from error
            raise


def read_checkpoint(path: Path | str) -> dict[str, Any]:
    """Read a checkpoint to the CPU, tensors and plain values only.

    Raises:
        InputError: the file is missing, corrupt, holds objects that could run code, or is no Lightning checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such checkpoint; run the pipeline that trains it, or name another one")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: holds more than weights and plain values, so it is not opened") from error
    except (RuntimeError, EOFError, LookupError, ValueError, OSError, AttributeError) as error:
        raise InputError(f"{path}: cannot be read as a checkpoint; it is cut short or of another kind") from error
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get(_WEIGHTS), dict):
        raise InputError(f"{path}: no `{_WEIGHTS}` in it; give a checkpoint that neuropil trained")
    return checkpoint


def load_hyperparameters(path: Path | str) -> dict[str, Any]:
    """The plain values that a checkpoint's network was built from. Raises InputError as `read_checkpoint`."""
    return hyperparameters(read_checkpoint(path), path)


def hyperparameters(checkpoint: dict[str, Any], path: Path | str) -> dict[str, Any]:
    """The same of a checkpoint that has been read already; `path` is for the message."""
    values = checkpoint.get(_HYPERPARAMETERS)
    if not isinstance(values, dict):
        raise InputError(f"{path}: no `{_HYPERPARAMETERS}` in it; give a checkpoint that neuropil trained")
    return values


def network_weights(checkpoint: dict[str, Any], prefix: str = "network.") -> dict[str, torch.Tensor]:
    """The weights below `prefix` (the attribute of the LightningModule that holds the network), prefix removed."""
    return {name.removeprefix(prefix): one for name, one in checkpoint[_WEIGHTS].items() if name.startswith(prefix)}


def load_network(network: torch.nn.Module, checkpoint: dict[str, Any], path: Path | str) -> None:
    """Fill `network` with a checkpoint's weights. Raises InputError where names or shapes do not fit."""
    try:
        network.load_state_dict(network_weights(checkpoint))
    except RuntimeError as error:
        raise InputError(f"{path}: its weights are of another network than {type(network).__name__}") from error


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's way to checkpoints, atomic and restricted to tensors and plain values."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write the checkpoint (see `write_checkpoint`)."""
        write_checkpoint(checkpoint, path)

    def load_checkpoint(self, path: Any, map_location: Any | None = None, weights_only: bool | None = None) -> Any:
        """Read the checkpoint (see `read_checkpoint`)."""
        return read_checkpoint(path)

    def remove_checkpoint(self, path: Any) -> None:
        """Remove the file."""
        Path(path).unlink(missing_ok=True)
