"""The checkpoint that inference takes: weights, what the network is, how its affinities are decoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuropil.em.calibrations import Calibrated, read_calibration
from neuropil.em.network import EmNetwork
from neuropil.errors import InputError
from neuropil.training.checkpoints import hyperparameters, read_checkpoint, write_checkpoint

_PREFIX = "network."


@dataclass(frozen=True)
class Loaded:
    """A checkpoint, read.

    Attributes:
        network: with its weights.
        calibration: of the decoding; None in a checkpoint straight from training.
        extra: everything that calibration stored besides (the baseline's threshold, the split's hash ...).
    """

    network: EmNetwork
    calibration: Calibrated | None
    extra: dict[str, Any]


def load_checkpoint(path: Path) -> Loaded:
    """Read a checkpoint with `weights_only`; the network's sizes come from the file.

    Raises:
        InputError: the file is missing, or is not a checkpoint of em_segmentation.
    """
    content = read_checkpoint(path)
    options = hyperparameters(content, path).get("network")
    if not isinstance(options, dict):
        raise InputError(f"{path}: not a checkpoint of em_segmentation; its hyperparameters describe no such network")
    weights = content["state_dict"]
    network = EmNetwork(**options)
    network.load_state_dict(
        {name.removeprefix(_PREFIX): value for name, value in weights.items() if name.startswith(_PREFIX)}
    )
    extra = dict(content.get("calibration", {}))
    chosen = extra.get("decoding")
    return Loaded(network, None if chosen is None else read_calibration(chosen), extra)


def save_calibrated(source: Path, target: Path, calibration: Mapping[str, Any]) -> Path:
    """Write the weights and hyperparameters of `source` with `calibration` (plain values) to `target`; return it."""
    content = read_checkpoint(source)
    kept = {name: content[name] for name in ("state_dict", "hyper_parameters", "pytorch-lightning_version")}
    write_checkpoint({**kept, "calibration": dict(calibration)}, target)
    return target
