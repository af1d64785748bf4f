"""The compiled parts of drawing, each against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuropil.morphology.tree import AXON
from neuropil.rendering.cameras import rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.kernels import nearest
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.pooling import pool
from neuropil.rendering.rasteriser import Canvas
from neuropil.rendering.segments import Segments


@pytest.mark.parametrize("k", [-2.0, 0.1, 1.5])
@pytest.mark.parametrize(
    ("A", "B", "C"), [(-1, 0.5, 0.2), (-4, 2, -0.5), (1e-15, 0.3, 0.1), (0.005, 1, 0.1), (-1, 0, -1)]
)
def test_nearest_is_the_least_over_the_interval(A: float, B: float, C: float, k: float) -> None:
    values = [
        t * k - math.sqrt(Q) for t in (step / 20_000 for step in range(20_001)) if (Q := A * t * t + 2 * B * t + C) >= 0
    ]
    assert nearest(float(A), float(B), float(C), k) == pytest.approx(min(values, default=math.inf), abs=1e-3)


def chain(seed: int, count: int = 400) -> Segments:
    """A thick neurite traced so densely that each node's sphere holds its neighbours' centres; it bends and tapers."""
    rng = np.random.default_rng(seed)
    heading = np.cumsum(0.25 * rng.normal(size=(count + 1, 3)), axis=0) + rng.normal(size=3)
    points = np.cumsum(heading / np.linalg.norm(heading, axis=1, keepdims=True) * rng.uniform(0.05, 1), axis=0)
    if seed % 2:
        points += 0.3 * rng.normal(size=points.shape)  # the tremor of a tracing
    points[50:53] = points[50]
    radii = 6 + 4 * np.sin(np.linspace(0, 9, count + 1)) if seed % 3 else np.full(count + 1, 8.0)
    classes = np.full(count, AXON, np.uint8)
    classes[count // 3 : count // 2] = 3
    return Segments(points[:-1], points[1:], radii[:-1], radii[1:], classes)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("projection", ["ortho", "perspective"])
def test_what_is_left_to_neighbours_is_drawn_by_them(seed: int, projection: str) -> None:
    segments = chain(seed)
    # One after the other each is drawn whole: no neighbour stands beside it.
    order = np.random.default_rng(seed).permutation(len(segments.starts))
    order = np.concatenate([order[order % 2 == 0], order[order % 2 == 1]])
    shuffled = Segments(*(part[order] for part in segments))
    direction = np.random.default_rng(seed + 100).normal(size=3)
    parameters = RenderingParameters(width=200, height=180, supersample_factor=1, projection=projection, margin=0.0)
    (frame,) = fit_frames(segments, [rotation_towards(direction)], parameters)
    whole, joined = Canvas(200, 180, 1), Canvas(200, 180, 1)
    whole.draw(shuffled, frame)
    joined.draw(segments, frame)
    np.testing.assert_array_equal(np.isfinite(joined.depth), np.isfinite(whole.depth))
    drawn = whole.classes > 0
    assert drawn.sum() > 500
    assert np.abs(joined.depth[drawn] - whole.depth[drawn]).max() < 1e-3
    assert (joined.classes != whole.classes)[drawn].mean() < 0.01  # equal depths on the spheres where the class changes


def staircase(seed: int, count: int = 300) -> Segments:
    """A thick neurite on the grid of its tracing: steps along the axes only, some of them back."""
    rng = np.random.default_rng(seed)
    steps = 0.5 * np.eye(3)[rng.choice(3, count, p=[0.6, 0.3, 0.1])] * rng.choice([1, 1, 1, -1], (count, 1))
    points = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    radii = np.full(count + 1, 6.0)
    return Segments(points[:-1], points[1:], radii[:-1], radii[1:], np.full(count, AXON, np.uint8))


@pytest.mark.parametrize("direction", [(0, 0, 1.0), (1.0, 0, 0), (0, 1.0, 0), (1.0, 1e-9, 0), (0.3, 0.4, 0.8)])
@pytest.mark.parametrize("width", [90, 3])  # also narrower than a block of samples
def test_steps_along_rows_columns_and_rays_leave_nothing_out(direction: tuple, width: int) -> None:
    for seed in range(3):
        segments = staircase(seed)
        parts = [Segments(*(part[i : i + 1] for part in segments)) for i in range(len(segments.starts))]
        parameters = RenderingParameters(width=90, height=80, supersample_factor=1, margin=0.0)
        (frame,) = fit_frames(segments, [rotation_towards(np.array(direction))], parameters)
        whole, joined = Canvas(width, 80, 1), Canvas(width, 80, 1)
        for part in parts:
            whole.draw(part, frame)
        joined.draw(segments, frame)
        np.testing.assert_array_equal(np.isfinite(joined.depth), np.isfinite(whole.depth))
        drawn = whole.classes > 0
        assert drawn.sum() > 30
        assert np.abs(joined.depth[drawn] - whole.depth[drawn]).max() < 1e-3


def pooled(classes: list[list[int]], depth: list[list[float]]) -> tuple[int, int, int]:
    samples = np.where(np.array(classes) > 0, np.array(depth, np.float32), np.inf).astype(np.float32)
    out, deep, pixels = np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint16), np.zeros(6, np.int64)
    share = np.zeros((1, 1), np.uint8)
    labels, touched = np.array(classes, np.uint8), np.ones((1, 1), np.uint8)
    pool(samples, labels, touched, 8, len(classes), 0.0, 65534.0, out, deep, share, pixels)
    assert not labels.any()
    assert np.isinf(samples).all()
    assert not touched.any()
    return int(out[0, 0]), int(deep[0, 0]), int(share[0, 0])


def test_pooling_takes_the_majority_of_the_foreground() -> None:
    assert pooled([[0, 0], [0, 2]], [[0, 0], [0, 9]])[:2] == (2, 10)
    assert pooled([[3, 3], [2, 0]], [[10, 20], [1, 0]])[:2] == (3, 16)


def test_pooling_gives_ties_to_the_nearest_and_averages_the_winner_only() -> None:
    assert pooled([[4, 4], [2, 2]], [[100, 200], [50, 300]])[:2] == (2, 176)
    assert pooled([[4, 2], [0, 0]], [[7, 8], [0, 0]])[:2] == (4, 8)


def test_coverage_is_the_share_of_foreground_samples_whatever_their_class() -> None:
    assert pooled([[4, 2], [0, 0]], [[7, 8], [0, 0]])[2] == 128
    assert pooled([[3, 3], [2, 0]], [[1, 1], [1, 0]])[2] == 191
    assert pooled([[3, 3], [2, 1]], [[1, 1], [1, 1]])[2] == 255
    assert pooled([[0, 0], [0, 0]], [[0, 0], [0, 0]])[2] == 0
    one_of_64 = np.zeros((8, 8), int)
    one_of_64[3, 5] = 2
    assert pooled(one_of_64.tolist(), one_of_64.tolist())[2] == 4
