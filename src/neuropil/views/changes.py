"""What may happen to the neuron of a training view: each change a function of the neuron and its own random numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.tree import AXON, SOMA, Neuron
from neuropil.rendering.cameras import rotation_towards
from neuropil.views.branches import Branches, smoothed, without
from neuropil.views.parameters import (
    AxonDropoutParameters,
    CameraParameters,
    OnlineParameters,
    RadiusJitterParameters,
    SlabParameters,
)
from neuropil.views.sources import Moment

_STREAMS = ("camera", "roll", "axon_dropout", "radius_jitter", "z_shrinkage", "slab", "smoothing")
"""Each change draws from a stream of its own, so that switching one on leaves the others as they are."""


def draws(parameters: OnlineParameters, name: str, moment: Moment) -> np.random.Generator | None:
    """The random numbers of a change; None where it does not happen at this moment."""
    probability = getattr(parameters, name).probability
    if probability == 0:
        return None
    rng = np.random.default_rng([moment.seed, moment.epoch, moment.view, 1 + _STREAMS.index(name)])
    return rng if rng.random() < probability else None


def changed_neuron(neuron: Neuron, branches: Branches, parameters: OnlineParameters, moment: Moment) -> Neuron:
    """The neuron after all changes of its shape, in the order of their making; itself where none happens.

    Smoothing and radii are changed section by section, so they come before anything is cut off; a slice is cut
    from what is shrunk. Where nothing but the cell body would be left, nothing is cut off.
    """
    changed = neuron
    if draws(parameters, "smoothing", moment) is not None:
        points = smoothed(changed.points, changed.parents, branches.followers, parameters.smoothing.passes)
        changed = replace(changed, points=points)
    rng = draws(parameters, "radius_jitter", moment)
    if rng is not None:
        changed = replace(changed, radii=jittered_radii(changed, branches, parameters.radius_jitter, rng))
    rng = draws(parameters, "z_shrinkage", moment)
    if rng is not None:
        factor = float(rng.uniform(parameters.z_shrinkage.least, parameters.z_shrinkage.most))
        changed = replace(changed, points=shrunk(changed, branches, factor))
    rng = draws(parameters, "axon_dropout", moment)
    lost = np.zeros(len(neuron), bool) if rng is None else lost_axon(changed, branches, parameters.axon_dropout, rng)
    rng = draws(parameters, "slab", moment)
    if rng is not None:
        points, outside = cut(changed, branches, *slab(branches, parameters.slab, rng))
        sliced = without(replace(changed, points=points), lost | outside)
        if _has_neurites(sliced):
            return sliced
    rest = without(changed, lost)
    return rest if _has_neurites(rest) else changed


def _has_neurites(neuron: Neuron) -> bool:
    return bool((neuron.types != SOMA).any())


def jittered_radii(
    neuron: Neuron, branches: Branches, parameters: RadiusJitterParameters, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Radii (n,) times a log-normal factor of all neurites and one of each section; cell bodies keep theirs."""
    logarithms = rng.normal(0, parameters.section, int(branches.sections.max()) + 1)[branches.sections]
    logarithms += rng.normal(0, parameters.neuron)
    return np.where(branches.bodies, neuron.radii, neuron.radii * np.exp(logarithms))


def shrunk(neuron: Neuron, branches: Branches, factor: float) -> NDArray[np.float64]:
    """Points (n, 3) with z scaled about the soma; each cell body moves as a whole and keeps its shape."""
    points = neuron.points.copy()
    z = points[:, 2]
    of_body = np.where(np.isnan(branches.lift), z, branches.lift)
    points[:, 2] = z + (factor - 1) * (of_body - branches.centre[2])
    return points


def lost_axon(
    neuron: Neuron, branches: Branches, parameters: AxonDropoutParameters, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Axon nodes (n,) that are lost, without those that hang on them.

    Nothing is lost of a neuron that has no other neurite.
    """
    axon = neuron.types == AXON
    if (axon | (neuron.types == SOMA)).all():
        return np.zeros(len(neuron), bool)
    whole = rng.random() < parameters.whole
    drawn = rng.random(int(branches.sections.max()) + 1) < parameters.branches
    return axon if whole else axon & drawn[branches.sections]


def slab(branches: Branches, parameters: SlabParameters, rng: np.random.Generator) -> tuple[float, float]:
    """Lower and upper z of a slice that holds the middle of the soma, micrometres."""
    thickness = rng.uniform(parameters.least, parameters.most)
    low = branches.centre[2] - thickness * rng.random()
    return float(low), float(low + thickness)


def cut(neuron: Neuron, branches: Branches, low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Cut a neuron at two planes across z.

    A neurite that leaves the slice ends in the plane: the first node outside is moved there. What would come back
    into the slice is lost with it, as a tracing of the slice would not find it. Cell bodies stay.

    Returns:
        Points (n, 3), and which nodes (n,) are lost, without those that hang on them.
    """
    z = neuron.points[:, 2]
    outside = ((z < low) | (z > high)) & ~branches.bodies
    rooted = neuron.parents >= 0
    parents = np.maximum(neuron.parents, 0)
    leaving = outside & rooted & ~outside[parents]
    points = neuron.points.copy()
    nodes = np.flatnonzero(leaving)
    start, end = neuron.points[parents[nodes]], neuron.points[nodes]
    plane = np.where(end[:, 2] > high, high, low)
    rise = end[:, 2] - start[:, 2]
    # From a cell body that reaches beyond the plane, the whole edge lies outside.
    share = np.clip((plane - start[:, 2]) / np.where(rise == 0, np.inf, rise), 0, 1)
    points[nodes] = start + share[:, None] * (end - start)
    return points, (outside & ~leaving) | (rooted & leaving[parents])


def changed_rotation(
    rotation: NDArray[np.float64], up: NDArray[np.float64], parameters: OnlineParameters, moment: Moment
) -> NDArray[np.float64]:
    """The rotation of the camera (3, 3) after its changes; itself where none happens.

    Args:
        rotation: of the record's view.
        up: (3,) unit vector, what is up in pictures of this neuron.
        parameters, moment: what may happen, and what decides it.
    """
    rng = draws(parameters, "camera", moment)
    if rng is not None:
        rotation = rotation_towards(new_direction(rotation[2], up, parameters.camera, rng), up)
    rng = draws(parameters, "roll", moment)
    if rng is not None:
        rotation = rolled(rotation, np.radians(rng.uniform(-1, 1) * parameters.roll.angle))
    return rotation


def new_direction(
    direction: NDArray[np.float64], up: NDArray[np.float64], parameters: CameraParameters, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A unit vector (3,) to a new camera: even over the sphere, a cap around `direction`, or a turn about `up`."""
    if parameters.directions == "level":
        angle = rng.uniform(0, 2 * np.pi)
        along = (direction @ up) * up
        turned = np.cos(angle) * (direction - along) + np.sin(angle) * np.cross(up, direction)
        return np.asarray(along + turned)
    if parameters.directions == "near":
        height = rng.uniform(np.cos(np.radians(parameters.angle)), 1)
        side = rotation_towards(direction)
        angle = rng.uniform(0, 2 * np.pi)
        ring = np.sqrt(max(0.0, 1 - height * height))
        return np.asarray(height * side[2] + ring * (np.cos(angle) * side[0] + np.sin(angle) * side[1]))
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def rolled(rotation: NDArray[np.float64], angle: float) -> NDArray[np.float64]:
    """A camera rotation (3, 3) turned about its axis by `angle` radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    right, up, towards = rotation
    return np.stack([cosine * right + sine * up, cosine * up - sine * right, towards])
