from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from neuropil.rendering.frame import Frame, foreground_points
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import encode, render_views
from neuropil.rendering.segments import Segments, segments_of
from rendering.neurons import grown


def distance_to_surface(points: np.ndarray, neuron) -> np.ndarray:
    """Distance from each point to the nearest round cone's surface, by 41 spheres of each."""
    segments = segments_of(neuron)
    nearest = np.full(len(points), np.inf)
    for t in np.linspace(0, 1, 41):
        centres = segments.starts + t * (segments.ends - segments.starts)
        radii = segments.start_radii + t * (segments.end_radii - segments.start_radii)
        gaps = np.abs(np.linalg.norm(points[:, None] - centres[None], axis=2) - radii)
        nearest = np.minimum(nearest, gaps.min(axis=1))
    return nearest


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("factor", [1, 2])
def test_pixel_and_depth_lead_back_to_the_surface_of_the_neuron(projection: str, factor: int) -> None:
    neuron = grown(3, steps=120)
    parameters = RenderingParameters(
        width=160,
        height=120,
        supersample_factor=factor,
        projection=projection,
        canonical_views=2,
        random_views=0,
        biased_views=1,
    )
    for view in render_views(neuron, swc="cell.swc", parameters=parameters, seed=0):
        picture = np.asarray(Image.open(io.BytesIO(encode(view.raster, ("depth",))["depth"])))
        points = foreground_points(picture, view.record)
        assert len(points) == np.count_nonzero(picture)
        gaps = distance_to_surface(points, neuron) / view.record["um_per_px"]
        if factor == 1:
            assert gaps.max() < 0.6  # the clamp: a thin neurite is drawn with a radius of half a pixel
        else:
            # The depth of a pixel is a mean over its samples: between two neurites where both are in it.
            assert np.median(gaps) < 0.5


def distance_to_cones(points: np.ndarray, segments: Segments) -> np.ndarray:
    """Exact distance from points (n, 3) to the nearest surface of a round cone, segment by segment.

    The sphere nearest to a point is where the derivative of |p - a - t d| - ra - t dr is 0: with s the part of p - a
    along d and h the part across, t = (s + h dr / sqrt(L^2 - dr^2)) / L.
    """
    nearest = np.full(len(points), np.inf)
    for start, end, first, last, _ in zip(*segments, strict=True):
        along, change = end - start, last - first
        length = float(np.linalg.norm(along))
        t = np.zeros(len(points)) if first > last else np.ones(len(points))
        if length > abs(change):
            s = (points - start) @ along / length
            h = np.linalg.norm(points - start - s[:, None] * along / length, axis=1)
            t = np.clip((s + h * change / np.sqrt(length**2 - change**2)) / length, 0, 1)
        centres = start + t[:, None] * along
        nearest = np.minimum(nearest, np.linalg.norm(points - centres, axis=1) - first - t * change)
    return nearest


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_recovered_point_lies_on_the_surface_of_a_cone_of_the_swc(seed: int, projection: str) -> None:
    """With thick neurites the clamp is out of play: what remains is the rounding of 16 bits, and float32 samples."""
    thin = grown(seed, steps=60)
    neuron = dataclasses.replace(thin, radii=np.maximum(thin.radii * 4, 6.0))
    parameters = RenderingParameters(width=120, height=160, supersample_factor=1, projection=projection, fov=60.0)
    for record, raster in render_views(neuron, swc="cell.swc", parameters=parameters, seed=0):
        assert record["radius_clamp"] * (1 + 0.5 * (projection == "perspective")) < 6
        points = foreground_points(raster.depth, record)
        step = (record["depth_far"] - record["depth_near"]) / 65534
        gaps = distance_to_cones(points, segments_of(neuron))
        assert np.abs(gaps).max() < step + 2e-3 * record["um_per_px"]


@given(
    st.lists(st.tuples(*[st.floats(-200, 200)] * 3), min_size=1, max_size=5),
    st.sampled_from([None, 40.0, 90.0]),
    st.integers(0, 100),
)
def test_to_points_inverts_to_pixels(points: list, fov: float | None, seed: int) -> None:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    half_height = 500.0 if fov is None else 1000 * float(np.tan(np.radians(fov) / 2))
    frame = Frame(rotation, np.array([3.0, -2.0, 9.0]), 1000.0, half_height, fov, 64, 48, 500.0, 1500.0)
    pixels = frame.to_pixels(np.array(points))
    np.testing.assert_allclose(frame.to_points(*pixels.T), points, atol=1e-6)


def test_depth_values_run_from_near_to_far() -> None:
    frame = Frame(np.eye(3), np.zeros(3), 100.0, 50.0, None, 8, 8, 80.0, 120.0)
    found = frame.depth_of_values(np.array([0, 1, 65535], np.uint16))
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], [80, 120])
