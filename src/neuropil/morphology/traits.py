"""What a file tells without any shape: its tags, node spacing, decimals and header.

These numbers say by which program and in which laboratory a cell was traced. A classifier that sees nothing else
shows how much of a score needs no morphology at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.soma import CONTOUR, CYLINDERS, POINT, THREE_POINT, effective_somata
from neuropil.morphology.tree import SOMA, Neuron

_TAGS = 8  # SWC types told apart; 7 stands for 7 and above
_DECIMALS = 6  # digits after the point that are looked at
_QUANTILES = (5, 25, 50, 75, 95)
_CONVENTIONS = (POINT, THREE_POINT, CONTOUR, CYLINDERS)

TRAITS = (
    *(f"tag_{tag}" for tag in range(_TAGS)),
    *(f"soma_{kind}" for kind in _CONVENTIONS),
    "soma_nodes",
    *(f"spacing_{quantile}" for quantile in _QUANTILES),
    "spacing_variation",
    "spacing_zero",
    *(f"decimals_{axis}" for axis in "xyzr"),
    "decimals_most",
    "radii_distinct",
    "radii_repeated",
    "z_distinct",
    "z_repeated",
    "root_at_origin",
    "header_lines",
    "header_letters",
)
"""The names of what `file_traits` gives, in its order."""


def file_traits(neuron: Neuron) -> dict[str, float]:
    """The traits of a neuron's file; nothing here changes with its form or size beyond the sampling of its cable.

    Returns:
        By name (`TRAITS`), every value finite: tag_* (1 where an SWC type occurs; 7 stands for all above), soma_* (1
        for the convention of its cell body) and soma_nodes; spacing_* (quantiles of the distance between nodes of
        neurites, log10 of micrometres), spacing_variation (their standard deviation over their mean), spacing_zero
        (share of nodes on their parent); decimals_* (mean digits after the point of x, y, z and radius) and
        decimals_most; radii_distinct and z_distinct (different values over nodes), radii_repeated and z_repeated
        (share of nodes with their parent's value); root_at_origin; header_lines and header_letters (log10 of 1 + their
        number).
    """
    children, parents = neuron.edges
    neurite = neuron.types[children] != SOMA
    children, parents = children[neurite], parents[neurite]
    kinds = effective_somata(neuron).kinds
    tags = np.bincount(np.clip(neuron.types, 0, _TAGS - 1), minlength=_TAGS)
    columns = [*neuron.points.T, neuron.radii]
    digits = np.array([decimals(column) for column in columns])
    z = neuron.points[:, 2]
    values = [
        *(tags > 0).astype(float),
        *(float(kind in kinds) for kind in _CONVENTIONS),
        float((neuron.types == SOMA).sum()),
        *_spacing(np.linalg.norm(neuron.points[children] - neuron.points[parents], axis=1)),
        *digits,
        digits.max(),
        len(np.unique(neuron.radii)) / len(neuron),
        _share(neuron.radii[children] == neuron.radii[parents]),
        len(np.unique(z)) / len(neuron),
        _share(z[children] == z[parents]),
        float((np.abs(neuron.points[0]) < 1e-6).all()),
        np.log10(1 + len(neuron.comments)),
        np.log10(1 + sum(map(len, neuron.comments))),
    ]
    return {name: float(value) for name, value in zip(TRAITS, values, strict=True)}


def decimals(values: NDArray[np.float64]) -> float:
    """The mean number of digits after the point that values were written with, from 0 to 6; NaN-free."""
    if not len(values):
        return 0.0
    needed = np.full(len(values), float(_DECIMALS))
    for digits in range(_DECIMALS - 1, -1, -1):
        needed[np.abs(np.round(values, digits) - values) < 1e-9] = digits
    return float(needed.mean())


def _spacing(steps: NDArray[np.float64]) -> list[float]:
    if not len(steps):
        return [0.0] * (len(_QUANTILES) + 2)
    mean = float(steps.mean())
    quantiles = np.log10(np.maximum(np.percentile(steps, _QUANTILES), 1e-3))
    return [*quantiles, float(steps.std()) / mean if mean else 0.0, float((steps == 0).mean())]


def _share(flags: NDArray[np.bool_]) -> float:
    return float(flags.mean()) if len(flags) else 0.0
