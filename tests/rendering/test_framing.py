from __future__ import annotations

import numpy as np
import pytest

from neuropil.rendering.cameras import fibonacci_cameras, rotation_towards
from neuropil.rendering.framing import cable_inside, fit_frames
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.rasteriser import Canvas, rasterise
from neuropil.rendering.segments import segments_of
from rendering.neurons import grown

ROTATIONS = [rotation_towards(camera.direction) for camera in fibonacci_cameras(5)]
SEGMENTS = segments_of(grown(2))


def frames(**fields):
    parameters = RenderingParameters(**{"width": 128, "height": 128, "supersample_factor": 2, **fields})
    return fit_frames(SEGMENTS, ROTATIONS, parameters)


def test_without_adaptive_framing_all_views_share_scale_and_centre() -> None:
    found = frames()
    assert len({frame.um_per_px for frame in found}) == 1
    assert len({tuple(frame.center) for frame in found}) == 1


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.4, 1.0])
def test_adaptive_framing_fills_the_frame_up_to_the_margin(margin: float) -> None:
    for frame in frames(adaptive_framing=True, margin=margin):
        rows, columns = np.nonzero(rasterise(SEGMENTS, frame, Canvas(128, 128, 2)).classes)
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(128 / (1 + margin), abs=2)
        assert (rows.min() + rows.max()) / 2 == pytest.approx(63.5, abs=1.5)
        assert (columns.min() + columns.max()) / 2 == pytest.approx(63.5, abs=1.5)


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize(("width", "height"), [(128, 128), (200, 100), (60, 180)])
def test_a_fitted_frame_holds_the_whole_neuron(projection: str, adaptive: bool, width: int, height: int) -> None:
    found = frames(projection=projection, adaptive_framing=adaptive, width=width, height=height, margin=0.2)
    for frame in found:
        assert cable_inside(SEGMENTS, frame) == 1
        classes = rasterise(SEGMENTS, frame, Canvas(width, height, 2)).classes
        assert not np.concatenate([classes[0], classes[-1], classes[:, 0], classes[:, -1]]).any()
        assert 0 <= frame.depth_near < frame.depth_far


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
def test_qc_is_the_share_of_the_cable_inside(projection: str) -> None:
    t = np.linspace(0, 1, 801)[None, :, None]
    points = SEGMENTS.starts[:, None] + t * (SEGMENTS.ends - SEGMENTS.starts)[:, None]
    for frame in frames(projection=projection, margin=-0.5):
        pixels = frame.to_pixels(points.reshape(-1, 3)).reshape(points.shape)
        inside = ((pixels[..., :2] >= 0) & (pixels[..., :2] <= 128)).all(axis=2).mean(axis=1)
        expected = (inside * SEGMENTS.lengths).sum() / SEGMENTS.lengths.sum()
        assert 0 < expected < 1
        assert cable_inside(SEGMENTS, frame) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("soma", [(0.0, 0.0, 0.0), (40.0, -25.0, 10.0)])
def test_a_fixed_frame_is_so_many_micrometres_high_around_the_soma(soma: tuple) -> None:
    parameters = RenderingParameters(width=200, height=100, supersample_factor=2, frame_um=150)
    for frame in fit_frames(SEGMENTS, ROTATIONS, parameters, np.array(soma)):
        assert 2 * frame.half_height == 150
        assert frame.um_per_px == 1.5
        np.testing.assert_allclose(frame.to_pixels(np.array([soma]))[0, :2], (100, 50), atol=1e-9)
        assert 0 < cable_inside(SEGMENTS, frame) < 1
        raster = rasterise(SEGMENTS, frame, Canvas(200, 100, 2))
        rows, columns = np.nonzero(raster.depth)
        points = frame.to_points(columns + 0.5, rows + 0.5, frame.depth_of_values(raster.depth[rows, columns]))
        across = (points - np.array(soma)) @ frame.rotation.T
        assert np.abs(across[:, 1]).max() <= 75
        assert np.abs(across[:, 0]).max() <= 150


def test_margin_has_no_say_in_a_fixed_frame() -> None:
    soma = np.zeros(3)
    one, other = (
        fit_frames(SEGMENTS, ROTATIONS, RenderingParameters(frame_um=300, margin=margin), soma) for margin in (0.0, 1.0)
    )
    assert [frame.um_per_px for frame in one] == [frame.um_per_px for frame in other]


def test_a_frame_larger_than_the_neuron_shows_all_of_it() -> None:
    for frame in fit_frames(SEGMENTS, ROTATIONS, RenderingParameters(frame_um=5000), np.zeros(3)):
        assert cable_inside(SEGMENTS, frame) == 1


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("adaptive", [True, False])
def test_qc_of_fitted_frames_is_exactly_one(projection: str, adaptive: bool) -> None:
    for seed in range(12):
        segments = segments_of(grown(seed))
        parameters = RenderingParameters(projection=projection, adaptive_framing=adaptive, margin=0.0)
        for frame in fit_frames(segments, ROTATIONS, parameters):
            assert cable_inside(segments, frame) == 1.0
