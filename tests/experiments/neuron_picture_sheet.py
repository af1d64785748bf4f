"""The pictures of the arms, to look at before their scores are believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from neuron_picture_looks import Look, changed, formed, pictured, turned
from rat_cells import RatCells

from neuropil.views.branches import Branches
from neuropil.views.sources import Moment
from neuropil.work.atomic import atomic_path

_COLUMNS = 7


def shown_cells(cells: RatCells) -> list[int]:
    """One cell of each of the most frequent pairs of laboratory and m-type, no m-type more than twice."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for place, pair in enumerate(zip(cells.origins.laboratories, cells.labels["mtype"], strict=True)):
        pairs.setdefault((str(pair[0]), str(pair[1])), []).append(place)
    chosen: list[int] = []
    seen: dict[str, int] = {}
    for (_, mtype), places in sorted(pairs.items(), key=lambda one: (-len(one[1]), one[0])):
        if seen.get(mtype, 0) < 2 and len(chosen) < _COLUMNS:
            chosen.append(places[len(places) // 2])
            seen[mtype] = seen.get(mtype, 0) + 1
    return chosen


def write_sheet(cells: RatCells, looks: Mapping[str, Look], path: Path) -> None:
    """A row an arm: its first view of some cells, frames and parts side by side; of changed trees the first."""
    from matplotlib.figure import Figure

    places = shown_cells(cells)
    figure = Figure((1.7 * len(places) + 2.2, 1.55 * len(looks) + 0.6), dpi=60)
    axes = np.atleast_2d(figure.subplots(len(looks), len(places), squeeze=False))
    for row, (name, look) in zip(axes, looks.items(), strict=True):
        for axis, place in zip(row, places, strict=True):
            axis.imshow(_picture(cells, look, place), cmap="gray_r", vmin=0, vmax=255, interpolation="antialiased")
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(name.replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=8)
    for axis, place in zip(axes[0], places, strict=True):
        axis.set_title(f"{cells.origins.laboratories[place]}\n{cells.labels['mtype'][place]}", fontsize=8)
    figure.subplots_adjust(0.14, 0.004, 0.998, 1 - 0.6 / (1.55 * len(looks) + 0.6), 0.03, 0.03)
    with atomic_path(path) as part, open(part, "wb") as file:
        figure.savefig(file, format="png")


def _picture(cells: RatCells, look: Look, place: int) -> np.ndarray:
    neuron = formed(cells.neurons[place], look)
    moment = Moment(0, 0, place) if look.draws else None
    if moment is not None:
        neuron = changed(neuron, Branches.of(neuron), look, moment)
    channels = pictured(neuron, look, moment).channels[0]
    if look.symmetries != "none" and moment is None:
        channels = [turned(grey, 1) for grey in channels]
    edge = np.full((look.pixels, 2), 128, np.uint8)
    return np.concatenate([part for grey in channels for part in (grey, edge)][:-1], axis=1)
