"""A folder of little views, written as rendering writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neuropil.vae.parameters import VaeParameters

TINY: dict[str, Any] = {
    "base_channels": 4,
    "latent_channels": 6,
    "batch_size": 4,
    "lr": 5e-3,
    "max_epochs": 2,
    "accelerator": "cpu",
}


def tiny(**changes: Any) -> VaeParameters:
    return VaeParameters.model_validate(TINY | changes)


def write_views(root: Path, neurons: int, views: int = 2, *, side: int = 32, first: int = 0) -> list[dict[str, Any]]:
    """Crosses: a soma in the middle, an axon (2) downwards, dendrites (3, 4) sideways and up, depth along the rows."""
    records = []
    for neuron in range(first, first + neurons):
        for view in range(views):
            rng = np.random.default_rng([neuron, view])
            classes = np.zeros((side, side), np.uint8)
            x, y = rng.integers(side // 4, 3 * side // 4, 2)
            classes[y:, x] = 2
            classes[y, :] = 3
            classes[: y + 1, x - 1 : x + 1] = 4
            classes[y - 1 : y + 3, x - 1 : x + 3] = 1
            depth = np.where(classes > 0, np.linspace(2000, 65000, side)[:, None], 0).astype(np.uint16)
            folder = root / "images" / f"n{neuron}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(classes).save(folder / f"view_{view:02d}_mask.png")
            Image.fromarray(depth).save(folder / f"view_{view:02d}_depth.png")
            records.append(
                {
                    "neuron_name": f"n{neuron}",
                    "view": view,
                    "mask": f"images/n{neuron}/view_{view:02d}_mask.png",
                    "depth": f"images/n{neuron}/view_{view:02d}_depth.png",
                    "um_per_px": 2.0,
                    "width": side,
                    "height": side,
                }
            )
    return records
