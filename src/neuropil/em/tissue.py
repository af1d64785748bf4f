"""The sample volume's anatomy: packed neurites, mitochondria, synaptic clefts, vesicles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuropil.em.synthesis_parameters import SampleVolumeParameters

Labels = NDArray[np.uint64]
Mask = NDArray[np.bool_]

_STEP_NM = 40.0
_SMALLEST = 1200  # voxels; smaller crumbs are given to their neighbours, as a proofreader would


@dataclass(frozen=True)
class Tissue:
    """What is where, (z, y, x).

    Attributes:
        neurons: uint64, the id of the neurite that each voxel belongs to, 1..n; every voxel has one.
        dendrites: ids of the thick neurites.
        mitochondria: uint64, ids, 0 elsewhere.
        clefts: uint64, ids of synaptic clefts, 0 elsewhere.
        densities: bool, the thickening on the postsynaptic side of a cleft.
        vesicles: bool, where synaptic vesicles lie.
    """

    neurons: Labels
    dendrites: frozenset[int]
    mitochondria: Labels
    clefts: Labels
    densities: Mask
    vesicles: Mask


def grow_tissue(parameters: SampleVolumeParameters, rng: np.random.Generator) -> Tissue:
    """Grow neurites as branching random walks, let them fill the space, and put organelles and synapses into them."""
    import edt

    spacing = np.asarray(parameters.resolution_nm)
    extent = np.asarray(parameters.shape) * spacing
    volume_um3 = float(np.prod(extent) / 1e9)
    neurons, dendrites = _neurites(parameters, spacing, extent, volume_um3, rng)
    inside = edt.edt(neurons, anisotropy=tuple(spacing))
    mitochondria = _mitochondria(
        neurons, inside, spacing, rng.poisson(parameters.mitochondria_per_um3 * volume_um3), rng
    )
    synapses = _synapses(
        neurons, dendrites, inside, mitochondria, spacing, rng.poisson(parameters.synapses_per_um3 * volume_um3), rng
    )
    return Tissue(neurons, dendrites, mitochondria, *synapses)


def _neurites(
    parameters: SampleVolumeParameters,
    spacing: NDArray[np.float64],
    extent: NDArray[np.float64],
    volume_um3: float,
    rng: np.random.Generator,
) -> tuple[Labels, frozenset[int]]:
    tubes = np.zeros(parameters.shape, np.uint32)
    thick = max(1, rng.poisson(parameters.dendrites_per_um3 * volume_um3)) if parameters.dendrites_per_um3 else 0
    thin = max(2, round(parameters.axons_per_um3 * volume_um3))
    for index in range(thick + thin):
        radius = rng.uniform(150, 270) if index < thick else float(np.exp(rng.normal(np.log(85), 0.35)))
        start = _free_place(tubes, spacing, rng)
        for points, radii in _walk(start, radius, extent, rng, branch=0.03 if index < thick else 0.015):
            _draw(tubes, points, radii, spacing, index + 1)
    warped = _warp(tubes, spacing, rng)
    return _filled(warped, thick)


def _free_place(
    tubes: NDArray[np.uint32], spacing: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point (nm) in a voxel that is still free, or the last one tried."""
    for _ in range(40):
        place = rng.integers(0, tubes.shape)
        if tubes[tuple(place)] == 0:
            break
    return (place + 0.5) * spacing


def _walk(
    start: NDArray[np.float64], radius: float, extent: NDArray[np.float64], rng: np.random.Generator, *, branch: float
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Paths (points in nm, radii in nm) of a neurite that runs both ways out of the volume and branches on its way."""
    direction = rng.normal(size=3)
    ends = [(start, direction, radius), (start, -direction, radius)]
    paths: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
    while ends and len(paths) < 8:
        place, heading, width = ends.pop()
        points, radii = [], []
        swell = rng.uniform(0, 2 * np.pi)
        for step in range(200):
            heading = heading / np.linalg.norm(heading) + rng.normal(scale=0.18, size=3)
            place = place + heading / np.linalg.norm(heading) * _STEP_NM
            points.append(place)
            # Varicosities: a neurite swells and thins along its way.
            radii.append(width * (1 + 0.3 * np.sin(swell + step * _STEP_NM / 190)))
            if (place < -width).any() or (place > extent + width).any():
                break
            if rng.random() < branch:
                ends.append((place, heading / np.linalg.norm(heading) + rng.normal(scale=0.8, size=3), width * 0.75))
        paths.append((np.array(points), np.array(radii)))
    return paths


def _draw(
    tubes: NDArray[np.uint32],
    points: NDArray[np.float64],
    radii: NDArray[np.float64],
    spacing: NDArray[np.float64],
    index: int,
) -> None:
    """Mark the free voxels within `radii` of `points`."""
    for point, radius in zip(points, radii, strict=True):
        low = np.clip(np.floor((point - radius) / spacing), 0, tubes.shape).astype(int)
        high = np.clip(np.ceil((point + radius) / spacing) + 1, 0, tubes.shape).astype(int)
        if (low >= high).any():
            continue
        axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        distance = sum(((axis + 0.5) * step - p) ** 2 for axis, step, p in zip(axes, spacing, point, strict=True))
        box = tubes[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        box[(distance <= radius**2) & (box == 0)] = index


def _warp(tubes: NDArray[np.uint32], spacing: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint32]:
    """Bend the tubes by a smooth random displacement (about 45 nm), so that no membrane is a piece of a cylinder."""
    from scipy.ndimage import map_coordinates

    grid = np.indices(tubes.shape, dtype=np.float32)
    for axis in range(3):
        shift = smooth_noise(tubes.shape, spacing, 90.0, rng) * 10 + smooth_noise(tubes.shape, spacing, 300.0, rng) * 45
        grid[axis] += shift / spacing[axis]
    return map_coordinates(tubes, grid, order=0, mode="nearest")


def smooth_noise(
    shape: tuple[int, ...], spacing: NDArray[np.float64], length_nm: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise of mean 0 and standard deviation 1 that varies over `length_nm`.

    White noise on a grid of half that length is smoothed there and interpolated linearly, axis by axis: an
    order of magnitude quicker than smoothing at full size.
    """
    from scipy.ndimage import gaussian_filter

    coarse = [max(4, int(np.ceil(2 * size * step / length_nm)) + 3) for size, step in zip(shape, spacing, strict=True)]
    fine = gaussian_filter(rng.normal(size=coarse).astype(np.float32), 1.0)
    for axis, size in enumerate(shape):
        place = np.linspace(0, coarse[axis] - 1, size, dtype=np.float32)
        low = np.minimum(place.astype(int), coarse[axis] - 2)
        weight = (place - low).reshape([-1 if other == axis else 1 for other in range(3)])
        fine = fine.take(low, axis) * (1 - weight) + fine.take(low + 1, axis) * weight
    return (fine / max(float(fine.std()), 1e-6)).astype(np.float32)


def _filled(tubes: NDArray[np.uint32], thick: int) -> tuple[Labels, frozenset[int]]:
    """Give every free voxel to the nearest neurite (a Voronoi division by distance to the tubes' surface).

    A neurite that was cut into pieces becomes several, so that each id is one connected component.
    """
    import cc3d
    import fastremap
    from scipy.ndimage import distance_transform_edt

    pieces = cc3d.dust(cc3d.connected_components(tubes, connectivity=6), threshold=_SMALLEST, connectivity=6)
    # In voxels, not nanometres: scipy's index transform is then exact, and the gaps are only a few voxels wide.
    nearest = distance_transform_edt(pieces == 0, return_distances=False, return_indices=True)
    filled, _ = fastremap.renumber(pieces[tuple(nearest)])
    filled = cc3d.connected_components(filled, connectivity=6)
    filled = cc3d.dust(filled, threshold=_SMALLEST // 4, connectivity=6)
    if (filled == 0).any():
        nearest = distance_transform_edt(filled == 0, return_distances=False, return_indices=True)
        filled = filled[tuple(nearest)]
    neurons, _ = fastremap.renumber(filled.astype(np.uint64))
    first = tubes > 0
    pairs = np.unique(np.stack([neurons[first], tubes[first].astype(np.uint64)], 1)[::7], axis=0)
    dendrites = frozenset(int(new) for new, old in pairs if old <= thick)
    return neurons, dendrites


def _mitochondria(
    neurons: Labels, inside: NDArray[np.float32], spacing: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> Labels:
    """Sausages of 70-130 nm radius that run along the middle of wide neurites."""
    found = np.zeros(neurons.shape, np.uint64)
    roomy = np.argwhere(inside > 95)
    made = 0
    for _ in range(6 * wanted):
        if made == wanted or not len(roomy):
            break
        place = roomy[rng.integers(len(roomy))]
        if found[tuple(place)]:
            continue
        radius = float(min(rng.uniform(80, 150), inside[tuple(place)] - 30))
        path = _follow(place, neurons, inside, spacing, rng)
        canvas = np.zeros(neurons.shape, np.uint32)
        _draw(canvas, path, np.full(len(path), radius), spacing, 1)
        new = (canvas > 0) & (neurons == neurons[tuple(place)]) & (inside > 28) & (found == 0)
        if new.sum() > 300:
            made += 1
            found[new] = made
    return found


def _follow(
    place: NDArray[np.int64],
    neurons: Labels,
    inside: NDArray[np.float32],
    spacing: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """A path (nm) from `place` that stays away from the membrane of its neurite."""
    point = (place + 0.5) * spacing
    heading = rng.normal(size=3)
    points = [point]
    for _ in range(int(rng.integers(4, 22))):
        steps = heading / np.linalg.norm(heading) + rng.normal(scale=0.5, size=(8, 3))
        ahead = point + steps / np.linalg.norm(steps, axis=1, keepdims=True) * _STEP_NM
        voxels = np.floor(ahead / spacing).astype(int)
        valid = ((voxels >= 0) & (voxels < neurons.shape)).all(1)
        depth = np.full(8, -1.0)
        depth[valid] = np.where(
            neurons[tuple(voxels[valid].T)] == neurons[tuple(place)], inside[tuple(voxels[valid].T)], -1
        )
        best = int(depth.argmax())
        if depth[best] < 60:
            break
        heading, point = ahead[best] - point, ahead[best]
        points.append(point)
    return np.array(points)


def _synapses(
    neurons: Labels,
    dendrites: frozenset[int],
    inside: NDArray[np.float32],
    mitochondria: Labels,
    spacing: NDArray[np.float64],
    wanted: int,
    rng: np.random.Generator,
) -> tuple[Labels, Mask, Mask]:
    """Discs of contact between two neurites: the cleft, the density behind it and the vesicles before it."""
    clefts = np.zeros(neurons.shape, np.uint64)
    densities, vesicles = np.zeros(neurons.shape, bool), np.zeros(neurons.shape, bool)
    across = (neurons[:, :, 1:] != neurons[:, :, :-1]).nonzero()
    made = 0
    for index in rng.permutation(len(across[0]))[: 40 * wanted]:
        if made == wanted:
            break
        place = np.array([axis[index] for axis in across])
        one, other = int(neurons[tuple(place)]), int(neurons[place[0], place[1], place[2] + 1])
        after, before = (one, other) if one in dendrites else (other, one)
        box, near = _ball(place, rng.uniform(90, 190), neurons.shape, spacing)
        wide, around = _ball(place, 260, neurons.shape, spacing)
        roomy = around & (neurons[wide] == before) & (inside[wide] > 35) & (mitochondria[wide] == 0)
        close = near & (inside[box] <= 34)
        post, pre = close & (neurons[box] == after), close & (neurons[box] == before)
        if min(post.sum(), pre.sum()) < 25 or roomy.sum() < 150 or clefts[wide].any():
            continue
        made += 1
        clefts[box][(post | pre) & (inside[box] <= 12)] = made
        densities[box] |= post
        vesicles[wide] |= roomy
    return clefts, densities, vesicles


def _ball(
    place: NDArray[np.int64], radius_nm: float, shape: tuple[int, ...], spacing: NDArray[np.float64]
) -> tuple[tuple[slice, ...], Mask]:
    """The box around a voxel and, inside the box, the voxels within the radius."""
    reach = np.ceil(radius_nm / spacing).astype(int)
    box = tuple(slice(max(0, p - r), min(n, p + r + 1)) for p, r, n in zip(place, reach, shape, strict=True))
    axes = np.ogrid[box]
    distance = sum(((axis - p) * step) ** 2 for axis, p, step in zip(axes, place, spacing, strict=True))
    return box, distance <= radius_nm**2
