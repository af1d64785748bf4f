from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from neuropil.morphology.tree import AXON, BASAL, SOMA
from neuropil.rendering.cameras import rotation_towards
from neuropil.rendering.frame import Frame
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import Segments, segments_of
from rendering.neurons import grown, neuron_of


def frames_for(segments: Segments, direction=(0.3, 0.5, 0.8), **fields) -> tuple[RenderingParameters, Frame]:
    parameters = RenderingParameters(**{"width": 96, "height": 96, "supersample_factor": 1, **fields})
    (frame,) = fit_frames(segments, [rotation_towards(np.array(direction))], parameters)
    return parameters, frame


def random_cones(seed: int, count: int = 12) -> Segments:
    rng = np.random.default_rng(seed)
    starts = rng.uniform(-50, 50, (count, 3))
    ends = starts + rng.normal(0, 25, (count, 3))
    ends[0], ends[1] = starts[0], starts[1] + 1e-9  # a sphere, and nearly one
    radii = rng.uniform(4, 12, (2, count))  # above the clamp of half a pixel
    radii[:, 2] = (12.0, 4.0)
    ends[2] = starts[2] + (1.0, 0.5, 0.2)  # one end sphere inside the other
    return Segments(starts, ends, radii[0], radii[1], rng.integers(1, 6, count).astype(np.uint8))


def brute_force(segments: Segments, frame: Frame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, class and how clear the decision was for every pixel, by trying 801 spheres of each cone."""
    rows, columns = np.mgrid[: frame.height, : frame.width].reshape(2, -1) + 0.5
    near = frame.to_points(columns, rows, np.full(rows.size, 1.0))
    ray = frame.to_points(columns, rows, np.full(rows.size, 2.0)) - near
    origin = near if frame.fov is None else np.broadcast_to(near[0] - ray[0], near.shape)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    depth, classes = np.full(rows.size, np.inf), np.zeros(rows.size, int)
    clearance = np.full(rows.size, np.inf)
    for start, end, first, last, label in zip(*segments, strict=True):
        # Pixels that no sphere comes near, by ten that hold all of them, are passed over.
        step = np.linalg.norm(end - start) / 9 + 1
        wide = [_try(origin, ray, start + t * (end - start), max(first, last) + step)[1] for t in np.linspace(0, 1, 10)]
        some = np.flatnonzero(np.max(wide, axis=0) >= 0)
        reach, best = np.full(len(some), np.inf), np.full(len(some), -np.inf)
        for t in np.linspace(0, 1, 801):
            along, Q = _try(origin[some], ray[some], start + t * (end - start), first + t * (last - first))
            best = np.maximum(best, Q)
            reach = np.minimum(reach, np.where(Q >= 0, along - np.sqrt(np.maximum(Q, 0)), np.inf))
        hit = origin[some] + np.where(np.isfinite(reach), reach, 0)[:, None] * ray[some]
        deep = np.where(np.isfinite(reach), frame.to_camera(hit)[:, 2], np.inf)
        clearance[some] = np.minimum(clearance[some], np.abs(best))
        classes[some] = np.where(deep < depth[some], label, classes[some])
        depth[some] = np.minimum(depth[some], deep)
    return depth.reshape(frame.height, -1), classes.reshape(frame.height, -1), clearance.reshape(frame.height, -1)


def _try(origin: np.ndarray, ray: np.ndarray, centre: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Along each ray the place nearest to a sphere's centre, and the squared radius of the circle around it there."""
    along = np.einsum("ij,ij->i", centre - origin, ray)
    aside = centre - origin - along[:, None] * ray
    return along, radius**2 - np.einsum("ij,ij->i", aside, aside)


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("seed", range(1, 8))
def test_agrees_with_brute_force(seed: int, projection: str) -> None:
    segments = random_cones(seed)
    _, frame = frames_for(segments, projection=projection, fov=60.0, width=64, height=60)
    canvas = Canvas(64, 60, 1)  # 14 times 3,840 pixels: 53,760 in all
    canvas.draw(segments, frame)
    depth, classes, clearance = brute_force(segments, frame)
    drawn = canvas.depth * frame.um_per_px
    # Sampled spheres miss grazing rays by a hair; everywhere else the two decide alike.
    clear = clearance > 1e-2
    assert clear.mean() > 0.98
    np.testing.assert_array_equal((canvas.classes > 0)[clear], (classes > 0)[clear])
    both = clear & (classes > 0)
    assert np.abs(drawn[both] - depth[both]).max() < 0.01 * frame.um_per_px
    assert (canvas.classes != classes)[both].mean() < 0.002  # equal depths where two cones cross


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize(("size", "factor"), [(64, 1), (64, 2), (128, 1), (97, 3), (256, 2)])
def test_connected_tree_renders_to_one_component(size: int, factor: int, projection: str) -> None:
    for seed in range(4):
        segments = segments_of(grown(seed))
        _, frame = frames_for(segments, width=size, height=size, supersample_factor=factor, projection=projection)
        classes = rasterise(segments, frame, Canvas(size, size, factor)).classes
        assert ndimage.label(classes > 0, np.ones((3, 3)))[1] == 1


def test_silhouette_is_where_class_and_depth_are() -> None:
    segments = segments_of(grown(5))
    _, frame = frames_for(segments, supersample_factor=4)
    raster = rasterise(segments, frame, Canvas(96, 96, 4))
    np.testing.assert_array_equal(raster.classes > 0, raster.depth > 0)
    np.testing.assert_array_equal(np.bincount(raster.classes.ravel(), minlength=6), raster.pixels)


def test_turning_neuron_and_camera_together_changes_nothing() -> None:
    segments = segments_of(grown(6))
    parameters = RenderingParameters(width=128, height=128, supersample_factor=2, adaptive_framing=True)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    rotation = rotation_towards(np.array([0.2, -0.4, 0.9]))
    turned = segments._replace(starts=segments.starts @ turn.T, ends=segments.ends @ turn.T)
    rasters = [
        rasterise(shape, fit_frames(shape, [camera], parameters)[0], Canvas(128, 128, 2))
        for shape, camera in ((segments, rotation), (turned, rotation @ turn.T))
    ]
    assert (rasters[0].classes != rasters[1].classes).mean() < 1e-4
    same = (rasters[0].classes > 0) & (rasters[0].classes == rasters[1].classes)
    assert np.abs(rasters[0].depth.astype(int) - rasters[1].depth)[same].max() <= 2


def test_canvas_is_clean_for_the_next_view() -> None:
    canvas = Canvas(96, 96, 2)
    segments, other = segments_of(grown(7)), segments_of(grown(8))
    _, frame = frames_for(segments, supersample_factor=2)
    _, other_frame = frames_for(other, supersample_factor=2)
    fresh = rasterise(segments, frame, canvas)
    rasterise(other, other_frame, canvas)
    again = rasterise(segments, frame, canvas)
    np.testing.assert_array_equal(fresh.classes, again.classes)
    np.testing.assert_array_equal(fresh.depth, again.depth)


def test_pictures_that_are_kept_stay_as_they_are() -> None:
    canvas = Canvas(96, 96, 2)
    shapes = [segments_of(grown(seed)) for seed in range(6)]
    frames = [frames_for(shape, supersample_factor=2)[1] for shape in shapes]
    kept = [rasterise(shape, frame, canvas) for shape, frame in zip(shapes, frames, strict=True)]
    for raster, shape, frame in zip(kept, shapes, frames, strict=True):
        alone = rasterise(shape, frame, Canvas(96, 96, 2))
        for plane, fresh in zip(raster[:4], alone[:4], strict=True):
            np.testing.assert_array_equal(plane, fresh)


def test_planes_that_nobody_holds_are_used_again() -> None:
    canvas = Canvas(96, 96, 1)
    segments = segments_of(grown(9))
    _, frame = frames_for(segments)
    seen = set()
    for _ in range(20):
        seen.add(rasterise(segments, frame, canvas).classes.ctypes.data)
    assert len(seen) == 1


def test_coverage_is_there_where_the_silhouette_is() -> None:
    segments = segments_of(grown(5))
    _, frame = frames_for(segments, supersample_factor=4)
    canvas = Canvas(96, 96, 4)
    visible = canvas.draw(segments, frame)
    share = (canvas.classes > 0).reshape(96, 4, 96, 4).mean(axis=(1, 3))
    raster = canvas.pool(frame, visible)
    np.testing.assert_array_equal(raster.coverage > 0, raster.classes > 0)
    assert np.abs(raster.coverage / 255 - share).max() <= 0.5 / 255 + 1e-9


def test_the_nearest_hides_what_is_behind() -> None:
    neuron = neuron_of(
        [(BASAL, -50, 0, 0, 3, -1), (BASAL, 50, 0, 0, 3, 0), (AXON, 0, -50, 20, 3, -1), (AXON, 0, 50, 20, 3, 2)]
    )
    segments = segments_of(neuron)
    for towards, front in (((0, 0, 1.0), AXON), ((0, 0, -1.0), BASAL)):
        _, frame = frames_for(segments, towards)
        raster = rasterise(segments, frame, Canvas(96, 96, 1))
        assert raster.classes[48, 48] == front
        assert raster.visible < 1


def test_a_single_point_is_drawn() -> None:
    segments = segments_of(neuron_of([(SOMA, 5, 5, 5, 4, -1)]))
    _, frame = frames_for(segments)
    raster = rasterise(segments, frame, Canvas(96, 96, 1))
    radius = 96 / 2 / 1.4
    assert raster.pixels[1] == pytest.approx(np.pi * radius**2, rel=0.02)


def test_every_component_of_a_file_with_289_roots_is_drawn() -> None:
    rows = []
    for piece in range(289):  # pieces that do not touch
        x, y = 10.0 * (piece % 17), 10.0 * (piece // 17)
        rows += [(AXON, x, y, 0.0, 0.5, -1), (AXON, x + 4.0, y, 0.0, 0.5, 2 * piece)]
    neuron = neuron_of(rows)
    segments = segments_of(neuron)
    parameters, frame = frames_for(segments, direction=(0.0, 0.0, 1.0), width=512, height=512)
    raster = rasterise(segments, frame, Canvas(512, 512, parameters.supersample_factor))
    assert ndimage.label(raster.classes > 0, np.ones((3, 3)))[1] == 289
