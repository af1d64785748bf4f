"""Neurons made by hand for the tests of rendering."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.tree import AXON, BASAL, SOMA, Neuron


def neuron_of(rows: list[tuple[int, float, float, float, float, int]], name: str = "cell") -> Neuron:
    """Rows (type, x, y, z, radius, parent index)."""
    table = np.array(rows, float).reshape(-1, 6)
    return Neuron(
        name=name,
        points=table[:, 1:4].copy(),
        radii=table[:, 4].copy(),
        types=table[:, 0].astype(np.int32),
        parents=table[:, 5].astype(np.int64),
    )


def grown(seed: int, *, steps: int = 300, name: str = "cell", flat: float = 0.3) -> Neuron:
    """A connected random tree: soma, then basal and axonal steps from earlier nodes; thin."""
    rng = np.random.default_rng(seed)
    rows = [(SOMA, 0.0, 0.0, 0.0, 8.0, -1)]
    heading = [rng.normal(size=3)]
    for number in range(1, steps):
        parent = number - 1 if rng.random() < 0.93 else int(rng.integers(0, number))
        turn = heading[parent] + 0.4 * rng.normal(size=3)
        turn /= np.linalg.norm(turn)
        heading.append(turn)
        place = np.array(rows[parent][1:4]) + turn * rng.uniform(2, 15) * (1, 1, flat)
        kind = BASAL if number % 2 else AXON
        rows.append((kind, *place, rng.uniform(0.1, 1.0), parent))
    return neuron_of(rows, name)
