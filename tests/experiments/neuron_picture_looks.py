"""How a neuron is turned into a picture and the picture into numbers: one `Look` an arm of the experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from neuropil.compiled import compiled
from neuropil.morphology.soma import soma_centre
from neuropil.morphology.tree import AXON, Neuron
from neuropil.morphology.twins import constant_radius, twin
from neuropil.parameters import Length, Positive, Ratio, Section
from neuropil.rendering.cameras import FILE_UP, place_cameras, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import Segments, segments_of
from neuropil.rendering.upright import up_of
from neuropil.views.branches import Branches, smoothed
from neuropil.views.changes import changed_neuron, changed_rotation
from neuropil.views.fixed_features import oriented_gradients
from neuropil.views.parameters import OnlineParameters
from neuropil.views.scattering import scattering
from neuropil.views.sources import Moment

Grey = NDArray[np.uint8]
Vector = NDArray[np.float32]

_SUPERSAMPLING = 4
_PASSES = 5  # of smoothing, of the form `smoothed`
_STEP_UM = 5.0  # between nodes, of the form `resampled`
_STREAM = 101  # of random numbers, apart from those of `views.changes`
_SYMMETRIES = {"none": 1, "mirror": 2, "square": 8}
_FILE_AXES = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, -1], [0, -1, 0], [-1, 0, 0]], float)


class Resampling(Section):
    """Another distance between the nodes of a tracing."""

    probability: Ratio = Field(0.0, description="probability that a training picture is drawn of a resampled tree")
    least: Length = Field(2.0, description="micrometres between nodes")
    most: Length = Field(30.0, description="micrometres between nodes")


class Look(Section):
    """What a neuron's picture is, what is measured on it, and what training pictures there are besides."""

    parts: Literal["all", "dendrites", "axon apart"] = Field("all", description="axon apart: a picture of its own")
    ink: Literal["coverage", "silhouette"] = "coverage"
    frames: tuple[Length | None, ...] = Field(
        (1500.0,),
        min_length=1,
        description="micrometres across, the soma in the middle; null: fitted to the cell; several side by side",
    )
    margin: float = Field(0.05, ge=0, description="of a fitted frame")
    cameras: Literal["file", "pca", "upright"] = Field(
        "file",
        description="file: along its axes, first z; pca: as the rendering pipeline; upright: level, own up above",
    )
    views: Positive = 1
    pooling: Literal["mean", "max", "side by side"] = "mean"
    pixels: int = Field(128, ge=32)
    cells: int = Field(8, ge=2, description="of the histograms of gradients, along each axis")
    feature: Literal["hog", "scattering"] = "hog"
    form: Literal["traced", "twin", "constant radius", "smoothed", "resampled"] = "traced"
    symmetries: Literal["none", "mirror", "square"] = Field(
        "none", description="training pictures: mirrored too; square: turned by quarters too"
    )
    draws: int = Field(0, ge=0, description="training pictures of changed trees, besides that of the tree itself")
    changes: OnlineParameters = OnlineParameters()
    resampling: Resampling = Resampling()

    @property
    def chancy(self) -> bool:
        """Whether a seed changes the features."""
        return self.draws > 0

    @property
    def versions(self) -> int:
        """Training vectors a neuron; the first is the plain one, which is asked about."""
        return 1 + self.draws if self.draws else _SYMMETRIES[self.symmetries]


class Pictured(NamedTuple):
    """The pictures of a neuron.

    Attributes:
        channels: a list a view, in it one grey picture a frame and part, [pixels, pixels].
    """

    channels: list[list[Grey]]


def described(neuron: Neuron, look: Look, *, place: int, seed: int) -> Vector:
    """All vectors of a neuron, (versions, d).

    Args:
        neuron: the tree.
        look: how.
        place: of the neuron among the others; with the seed it decides the random changes.
        seed: of the run.
    """
    neuron = formed(neuron, look)
    plain = pictured(neuron, look)
    if not look.draws:
        return np.stack([_measured(plain, look, turn) for turn in range(_SYMMETRIES[look.symmetries])])
    branches = Branches.of(neuron)
    vectors = [_measured(plain, look, 0)]
    for draw in range(look.draws):
        moment = Moment(seed, draw, place)
        turn = int(_generator(moment, 0).integers(_SYMMETRIES[look.symmetries]))
        vectors.append(_measured(pictured(changed(neuron, branches, look, moment), look, moment), look, turn))
    return np.stack(vectors)


def changed(neuron: Neuron, branches: Branches, look: Look, moment: Moment) -> Neuron:
    """The tree of a training picture: what `views.changes` does, then resampling."""
    found = changed_neuron(neuron, branches, look.changes, moment)
    rng, how = _generator(moment, 1), look.resampling
    if rng.random() < how.probability:
        found = resampled(found, float(np.exp(rng.uniform(np.log(how.least), np.log(how.most)))))
    return found


def formed(neuron: Neuron, look: Look) -> Neuron:
    """The tree that all pictures of a look are made of."""
    if look.form == "twin":
        return twin(neuron)
    if look.form == "constant radius":
        return constant_radius(neuron)
    if look.form == "smoothed":
        points = smoothed(neuron.points, neuron.parents, Branches.of(neuron).followers, _PASSES)
        return replace(neuron, points=points)
    return resampled(neuron, _STEP_UM) if look.form == "resampled" else neuron


def resampled(neuron: Neuron, step: float) -> Neuron:
    """The tree with a node every `step` micrometres along each section; sections' ends and cell bodies stay.

    Radii are interpolated. A section shorter than a step keeps its ends only.
    """
    followers = Branches.of(neuron).followers
    inner = np.flatnonzero(followers >= 0)  # of these, those that follow a node of their section may go
    linked = np.zeros(len(neuron), bool)
    linked[inner] = (neuron.parents[inner] >= 0) & (followers[np.maximum(neuron.parents[inner], 0)] == inner)
    old = np.column_stack([neuron.points, neuron.radii])
    rows, types, parents = _resampled(old, neuron.types, neuron.parents, linked, step)
    return Neuron(neuron.name, rows[:, :3].copy(), rows[:, 3].copy(), types, parents)


@compiled
def _resampled(old, types, parents, linked, step):  # type: ignore[no-untyped-def]
    """Rows (x, y, z, radius), types and parents after resampling; `linked` marks nodes inside sections."""
    n = len(old)
    along = np.zeros(n)  # micrometres from the beginning of the section
    counts = np.zeros(n, np.int64)  # nodes that stand for a section, at its end
    for i in range(n):
        counts[i] = 0 if linked[i] else 1
        if parents[i] >= 0:
            inside = linked[parents[i]]
            square = 0.0
            for axis in range(3):
                square += (old[i, axis] - old[parents[i], axis]) ** 2
            along[i] = np.sqrt(square) + (along[parents[i]] if inside else 0.0)
            if inside and not linked[i]:
                counts[i] = max(1, round(along[i] / step))
    ends = np.cumsum(counts) - 1  # the new place of each node that stays
    rows = np.empty((counts.sum(), 4))
    new_types = np.empty(len(rows), np.int32)
    new_parents = np.arange(len(rows)) - 1
    for i in range(n):
        if linked[i]:
            continue
        below, above = i, parents[i]
        for k in range(counts[i] - 1, 0, -1):
            at = along[i] * k / counts[i]
            while linked[above] and along[above] > at:
                below, above = above, parents[above]
            start = along[above] if linked[above] else 0.0
            share = (at - start) / (along[below] - start)
            for axis in range(4):
                rows[ends[i] - counts[i] + k, axis] = old[above, axis] + share * (old[below, axis] - old[above, axis])
        for axis in range(4):
            rows[ends[i], axis] = old[i, axis]
        for k in range(counts[i]):
            new_types[ends[i] - k] = types[i]
        top = parents[i]
        while top >= 0 and linked[top]:
            top = parents[top]
        new_parents[ends[i] - counts[i] + 1] = ends[top] if top >= 0 else -1
    return rows, new_types, new_parents


def pictured(neuron: Neuron, look: Look, moment: Moment | None = None) -> Pictured:
    """Draw a neuron from all cameras of a look; a moment changes the cameras too."""
    whole = segments_of(neuron)
    drawn = whole if look.parts != "dendrites" else _some(whole, whole.classes != AXON)
    if not len(drawn.starts):
        drawn = whole  # nothing but an axon: it is what there is to see
    rotations = _rotations(neuron, drawn, look, moment)
    soma = soma_centre(neuron)
    views = []
    for rotation in rotations:
        layers = [drawn]
        if look.parts == "axon apart":
            layers = [_some(drawn, drawn.classes != AXON), _some(drawn, drawn.classes == AXON)]
        views.append(
            [_drawn(layer, drawn, rotation, frame_um, look, soma) for frame_um in look.frames for layer in layers]
        )
    return Pictured(views)


def _rotations(neuron: Neuron, drawn: Segments, look: Look, moment: Moment | None) -> list[NDArray[np.float64]]:
    up = FILE_UP
    if look.cameras == "file":
        directions = list(_FILE_AXES[: look.views])
    else:
        if look.cameras == "upright":
            up = up_of(neuron, drawn).direction
        biased, further = (12, 6) if look.views == 24 else (0, 0)
        canonical = look.views - biased - further
        parameters = RenderingParameters(
            sampling=look.cameras, canonical_views=min(canonical, 6), biased_views=biased, random_views=further
        )
        directions = [camera.direction for camera in place_cameras(drawn, neuron.name, parameters, 0, up).cameras]
    if len(directions) != look.views:
        raise ValueError(f"{look.cameras}: {look.views} views cannot be; take 1 to 6, or 24 of pca")
    found = [rotation_towards(direction, up) for direction in directions]
    if moment is None:
        return found
    # The same turn for all views of a draw.
    return [changed_rotation(rotation, up, look.changes, moment) for rotation in found]


def _drawn(
    layer: Segments,
    whole: Segments,
    rotation: NDArray[np.float64],
    frame_um: float | None,
    look: Look,
    soma: NDArray[np.float64],
) -> Grey:
    """One picture of `layer` in the frame of `whole`."""
    if not len(layer.starts):
        return np.zeros((look.pixels, look.pixels), np.uint8)
    parameters = RenderingParameters(
        width=look.pixels, height=look.pixels, margin=look.margin, frame_um=frame_um, adaptive_framing=frame_um is None
    )
    frame = fit_frames(whole, [rotation], parameters, soma)[0]
    coverage = rasterise(layer, frame, _canvas(look.pixels)).coverage
    return coverage.copy() if look.ink == "coverage" else np.where(coverage > 0, 255, 0).astype(np.uint8)


def _measured(pictures: Pictured, look: Look, turn: int) -> Vector:
    """One vector of all pictures, each picture turned in the same way."""
    views = [np.concatenate([_vector(turned(grey, turn), look) for grey in channels]) for channels in pictures.channels]
    if look.pooling == "side by side":
        return np.concatenate(views)
    return np.mean(views, axis=0) if look.pooling == "mean" else np.max(views, axis=0)


def turned(grey: Grey, turn: int) -> Grey:
    """One of the eight symmetries of the square: 0 as it is, 1 mirrored left to right, from 2 on with quarter turns."""
    return np.ascontiguousarray(np.rot90(grey[:, ::-1] if turn % 2 else grey, turn // 2))


def _vector(grey: Grey, look: Look) -> Vector:
    if look.feature == "hog":
        return oriented_gradients(grey, look.pixels // look.cells)
    # Energies spread over decades; their roots weigh thin and thick neurites more alike.
    return np.sqrt(scattering(grey)).ravel()


def _some(segments: Segments, kept: NDArray[np.bool_]) -> Segments:
    return Segments(*(values[kept] for values in segments))


def _generator(moment: Moment, stream: int) -> np.random.Generator:
    return np.random.default_rng([moment.seed, moment.epoch, moment.view, _STREAM + stream])


@lru_cache(maxsize=4)
def _canvas(pixels: int) -> Canvas:
    """One canvas a size: clearing it costs less than making one."""
    return Canvas(pixels, pixels, _SUPERSAMPLING)


def table(neurons: Sequence[Neuron], look: Look, seed: int) -> Vector:
    """The vectors of all neurons, (n, versions, d)."""
    return np.stack([described(neuron, look, place=place, seed=seed) for place, neuron in enumerate(neurons)])
