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
