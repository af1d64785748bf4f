"""From where a neuron is looked at, and the bars that show its scale."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import Neuron

_HALF_ANGLE = np.tan(np.pi / 8)  # plotly's camera sees 45 degrees
_SHAPE = 1.2  # width over height of the picture that the neuron is fitted to
_MARGIN = 1.08


class View(NamedTuple):
    """A cube around the neuron, so that all axes have one scale, and the camera before it.

    Attributes:
        ranges: of x, y and z, micrometres, equally long.
        eye: of the camera, in sides of the cube from its centre; y is up.
        fit: how far away the camera must be for the height, and for the width in a picture as wide as high, in sides.
        foot: (3,) micrometres, where the bars begin: below the neuron, on the axis that it turns about.
        bar: length of the bars, micrometres; 1, 2 or 5 times a power of ten.
    """

    ranges: tuple[tuple[float, float], ...]
    eye: dict[str, float]
    fit: dict[str, float]
    foot: NDArray[np.float64]
    bar: float

    def scale_bars(self, colour: str) -> dict[str, Any]:
        """A trace of three bars along x, y and z."""
        arms = self.foot + self.bar * np.vstack([np.zeros(3), np.eye(3)])
        foot, x, y, z = arms.round(4).tolist()
        points = [x, foot, y, None, foot, z]
        columns = [[point[axis] if point else None for point in points] for axis in range(3)]
        return {
            "type": "scatter3d",
            "mode": "lines+text",
            "name": "scale",
            **dict(zip("xyz", columns, strict=True)),
            "text": ["x", "", f"y  {self.bar:,g} µm", "", "", "z"],
            "textposition": [
                "bottom center",
                "middle center",
                "middle right",
                "middle center",
                "middle center",
                "bottom center",
            ],
            "textfont": {"color": colour, "size": 12},
            "line": {"color": colour, "width": 2},
            "hoverinfo": "skip",
            "showlegend": False,
        }


def view_of(neuron: Neuron) -> View:
    """Look at a neuron level, from the side on which it is widest, x to the right rather than to the left.

    The camera is as far away as a full turn about the neuron's upright middle needs.
    """
    low, high = neuron.points.min(axis=0), neuron.points.max(axis=0)
    size = float((high - low).max()) or 1.0
    bar = _round_length(size / 6)
    low = low - [0, 1.6 * bar, 0]
    middle = (low + high) / 2
    flat = neuron.points[:, [0, 2]] - middle[[0, 2]]
    reach = float(np.hypot(*flat.T).max())
    side = 2.1 * max(reach, float(high[1] - low[1]) / 2, size / 2)
    height = (_MARGIN * float(high[1] - low[1]) / 2 / _HALF_ANGLE + reach / 3) / side
    width = (_MARGIN / _HALF_ANGLE + 1 / 3) * reach / side
    right = _widest(flat)
    eye = np.array([-right[1], 0.0, right[0]]) * max(height, width / _SHAPE)
    ranges = tuple((float(centre - side / 2), float(centre + side / 2)) for centre in middle)
    foot = np.array([middle[0], low[1] + 0.1 * bar, middle[2]])
    fit = {"height": round(float(height), 4), "width": round(float(width), 4)}
    return View(ranges, dict(zip("xyz", eye.round(4).tolist(), strict=True)), fit, foot, bar)


def _widest(flat: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction in the (x, z) plane along which the nodes spread most, (2,), of length 1, x not below 0."""
    direction = np.linalg.eigh(np.cov(flat.T))[1][:, -1] if len(flat) > 2 else np.array([1.0, 0.0])
    return -direction if direction[0] < 0 else direction


def _round_length(most: float) -> float:
    """The greatest of 1, 2 and 5 times a power of ten that is not above `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most))
