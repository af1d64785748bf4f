"""What draws growing tips: walls, columns, floors and the wish to grow along one direction."""

from __future__ import annotations

import numpy as np

from neuropil.morphology.synthesis.arbor import Points
from neuropil.morphology.synthesis.walk import Steering, unit

UP = np.array([[0.0, 1.0, 0.0]])
"""The way to the pia."""


def outward(strength: float) -> Steering:
    """Away from the soma, as dendrites that avoid one another grow."""
    return lambda points, _: strength * unit(points)


def towards(direction: Points, strength: float) -> Steering:
    """Along a direction, (1, 3)."""
    return lambda _, heading: strength * (direction - heading)


def within(radii: tuple[float, float, float], centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Steering:
    """Back inside where tips come near the surface of an ellipsoid; radii in x, y, z, micrometres."""
    shape, middle = np.array(radii), np.array(centre)

    def steer(points: Points, _: Points) -> Points:
        offset = (points - middle) / shape
        reach = np.linalg.norm(offset, axis=1, keepdims=True)
        return -0.5 * unit(offset / shape) * np.clip(reach - 0.85, 0, 0.6)

    return steer


def below(height: float, softness: float) -> Steering:
    """Sideways, before tips grow higher than `height`; the turn begins twice `softness` below it."""

    def steer(points: Points, heading: Points) -> Points:
        near = np.clip((points[:, 1:2] - height) / (2 * softness) + 1, 0, 1.5)
        return (-0.9 * near**2 * np.maximum(heading[:, 1:2], 0) - 0.4 * (near > 1)) * UP

    return steer


def level(strength: float) -> Steering:
    """Horizontally: what goes up or down is turned aside."""
    return lambda _, heading: -strength * heading * UP


def both(*parts: Steering) -> Steering:
    """The sum of several."""
    return lambda points, heading: sum((part(points, heading) for part in parts), np.zeros_like(points))
