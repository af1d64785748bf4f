"""What the encoders of the experiment look at: some cells, stored and drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from encoder_units import training_views

from neuropil.views.parameters import AugmentationParameters
from neuropil.work.atomic import atomic_path
from neuropil.work.index import read_lines

CELLS = 6
DRAWS = 3
"""Epochs that are shown of an arm whose views are drawn anew."""

_STILL = AugmentationParameters(horizontal_flip=0, vertical_flip=0, quarter_turn=0)


def draw_sheet(arms: Sequence[tuple[str, Path, Mapping[str, Any]]], file: Path, *, size: int, seed: int) -> None:
    """One row a look (pictures with changes), one column a cell and draw: the first view of each, as grey coverage.

    Args:
        arms: name, folder of the pictures and section of each arm; arms that look alike are shown once.
        file: the PNG file.
        size: side to which the views are area-pooled, pixels.
        seed: of the draws.
    """
    import torch
    from matplotlib.figure import Figure
    from torch.nn import functional

    looks = {str((folder, section.get("online"), section.get("sampling"))): (name, folder, section)
             for name, folder, section in reversed(arms)}  # fmt: skip
    figure = Figure(figsize=(1.1 * CELLS * DRAWS, 1.25 * len(looks)), layout="constrained")
    panels = figure.subplots(len(looks), CELLS * DRAWS, squeeze=False)
    for row, (name, folder, section) in zip(panels, reversed(looks.values()), strict=True):
        records = [record for record in read_lines(folder / "views.jsonl") if record["view"] == 0]
        chosen = [records[place] for place in np.linspace(0, len(records) - 1, CELLS).astype(int)]
        anew = bool(section.get("online"))
        views = training_views(folder, section).open(chosen, augmentation=_STILL if anew else None, seed=seed)
        row[0].set_ylabel(name, fontsize=7)
        for column, panel in enumerate(row):
            panel.set(xticks=[], yticks=[])
            cell, draw = divmod(column, DRAWS)
            if draw and not anew:
                panel.set_visible(False)
                continue
            views.set_epoch(draw)
            grey = functional.adaptive_avg_pool2d(views[cell]["image"], size)[0]
            panel.imshow(torch.sqrt(grey), cmap="gray_r", vmin=0, vmax=1)
    with atomic_path(file) as part:
        figure.savefig(part, format="png", dpi=90)
