"""Which way is up for a cell: towards the pia, as far as it is known.

"y points to the pia" does not hold for files as they are: the apical dendrite lies within 45 degrees of +y in 98 % of
one laboratory's cells and 26 % of another's, and Allen's files are upside down. So up is taken from the metadata where
they give it, else estimated, and every view says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.errors import InputError
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import APICAL, AXON, Neuron
from neuropil.rendering.cameras import FILE_UP
from neuropil.rendering.segments import Segments

METADATA_FIELD = "up"
"""The field of a neuron's metadata that gives its up: three numbers, x, y, z, in the axes of its file."""

_LEAST_APICAL = 50.0  # micrometres of cable: less is a mislabelled twig
_ELONGATED = 0.35  # second to first variance of dendrites below which their axis is one
_LOPSIDED = 0.25  # standard deviations by which the dendrites' middle must lie off the soma for the axis to have a sign
_SOMA_CLASS = 1


class Up(NamedTuple):
    """The up of a cell.

    Attributes:
        direction: (3,) unit vector in the file's axes.
        source: `metadata`, `apical`, `principal axis` or `file`.
    """

    direction: NDArray[np.float64]
    source: str


def file_up() -> Up:
    """The file's +y, which is up where nobody asks for more."""
    return Up(FILE_UP, "file")


def up_of(neuron: Neuron, segments: Segments, given: Sequence[float] | str | None = None) -> Up:
    """The up of a cell, from the first of these that there is:

    1. `metadata`: what its metadata say (`given`);
    2. `apical`: from the soma to the middle of the apical cable, at least 50 um of it;
    3. `principal axis`: the long axis of the dendrites, on the side of the soma where more of them is, where they
       are elongated and lopsided enough for that (variance along the second axis below .35 of the first, the middle
       a quarter of a standard deviation off the soma). Of 271 real cells with an apical dendrite, its label removed,
       224 have such an axis, which lies within 45 degrees of the apical one in 99 %. Of other cells it is a guess;
    4. `file`: the file's +y.

    Args:
        neuron: the tree.
        segments: what is drawn of it.
        given: three numbers x, y, z in the file's axes, or a text with them.

    Raises:
        InputError: `given` is no direction.
    """
    if given is not None:
        return Up(_direction(given, neuron.name), "metadata")
    soma, lengths, middles = soma_centre(neuron), segments.lengths, (segments.starts + segments.ends) / 2
    apical = segments.classes == APICAL
    if lengths[apical].sum() >= _LEAST_APICAL:
        reach = np.average(middles[apical], axis=0, weights=lengths[apical]) - soma
        if np.linalg.norm(reach) > 0:
            return Up(reach / np.linalg.norm(reach), "apical")
    dendrites = (segments.classes != AXON) & (segments.classes != _SOMA_CLASS) & (lengths > 0)
    axis = _signed_axis(middles[dendrites] - soma, lengths[dendrites])
    return file_up() if axis is None else Up(axis, "principal axis")


def _signed_axis(offsets: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The long axis of weighted points (n, 3) around the soma, towards most of them; None where there is none."""
    if len(offsets) < 3:
        return None
    middle = np.average(offsets, axis=0, weights=weights)
    around = offsets - middle
    variances, vectors = np.linalg.eigh((around * (weights / weights.sum())[:, None]).T @ around)
    axis = vectors[:, 2]
    side = float(middle @ axis)
    if variances[1] > _ELONGATED * variances[2] or abs(side) < _LOPSIDED * np.sqrt(variances[2]):
        return None
    return axis * np.sign(side)


def _direction(given: Sequence[float] | str | Any, name: str) -> NDArray[np.float64]:
    parts = given.strip("[]() ").replace(";", ",").replace(",", " ").split() if isinstance(given, str) else given
    try:
        up = np.array([float(part) for part in parts])
    except (TypeError, ValueError):
        up = np.zeros(0)
    length = float(np.linalg.norm(up)) if up.shape == (3,) else 0.0
    if not 0 < length < np.inf:
        raise InputError(
            f"{name}: the metadata field {METADATA_FIELD}={given} is no direction; write three numbers x, y, z, not "
            "all 0, in the axes of the SWC file"
        )
    return up / length
