from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from neuropil.morphology.swc import load_neuron
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tree import SOMA, Neuron
from neuropil.rendering.backends import AnalyticBackend
from neuropil.rendering.cameras import place_cameras, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.opengl import backend
from neuropil.rendering.opengl.backend import PyrenderBackend
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.segments import Segments, segments_of
from rendering.neurons import grown, neuron_of
from rendering.opengl import compare, needs_opengl

pytestmark = needs_opengl
DATA = os.environ.get("NEUROPIL_DATA")
REAL = ("rat_s1/swc/C170797A-I4.CNG.swc", "rat_s1/swc/C040600B1.CNG.swc", "allen_v1/swc/324266189.swc")


def frames_for(segments: Segments, parameters: RenderingParameters, views: int = 2):
    cameras = place_cameras(segments, "cell", parameters, 0).cameras[:: -(-parameters.views // views)]
    return fit_frames(segments, [rotation_towards(camera.direction) for camera in cameras], parameters)


def backends(parameters: RenderingParameters) -> tuple[AnalyticBackend, PyrenderBackend]:
    size = (parameters.width, parameters.height, parameters.supersample_factor)
    return AnalyticBackend(*size), PyrenderBackend(*size)


def check_agreement(neuron: Neuron, parameters: RenderingParameters) -> None:
    segments = segments_of(neuron)
    analytic, pyrender = backends(parameters)
    for frame in frames_for(segments, parameters):
        found = compare(analytic.draw(segments, frame), pyrender.draw(segments, frame), frame)
        assert found.iou >= 0.95, neuron.name
        assert found.astray <= 0.001, neuron.name
        assert found.classes >= 0.997, neuron.name
        assert found.depth[0] < 0.05, neuron.name  # pixels
        assert found.visible < 0.02, neuron.name


@pytest.mark.skipif(not DATA, reason="NEUROPIL_DATA names no folder of real inputs")
@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("size", [256, 512])
def test_draws_real_cells_as_the_analytic_backend_does(size: int, projection: str) -> None:
    parameters = RenderingParameters(width=size, height=size, supersample_factor=2, projection=projection)
    for file in REAL:
        check_agreement(load_neuron(Path(str(DATA), "swc", file)), parameters)


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
@pytest.mark.parametrize("cell_class", ["pyramidal", "purkinje"])
def test_draws_cells_of_the_sample_as_the_analytic_backend_does(cell_class: str, projection: str) -> None:
    neuron, _ = grow_neuron(cell_class, 3, 0)
    check_agreement(neuron, RenderingParameters(width=256, height=256, supersample_factor=4, projection=projection))


@pytest.mark.parametrize("fields", [{"margin": -0.5}, {"adaptive_framing": True}, {"width": 201, "height": 97}])
def test_agrees_in_frames_that_crop_that_change_and_of_odd_size(fields: dict) -> None:
    parameters = RenderingParameters(**{"width": 160, "height": 160, "supersample_factor": 3, **fields})
    segments = segments_of(grow_neuron("martinotti", 1, 0)[0])
    analytic, pyrender = backends(parameters)
    for frame in frames_for(segments, parameters, 3):
        found = compare(analytic.draw(segments, frame), pyrender.draw(segments, frame), frame)
        assert found.iou >= 0.95
        assert found.astray <= 0.001
        assert found.classes >= 0.997


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("size", [64, 200])
def test_a_connected_tree_is_one_component(size: int, factor: int) -> None:
    parameters = RenderingParameters(width=size, height=size, supersample_factor=factor)
    backend = PyrenderBackend(size, size, factor)
    for seed in range(3):
        segments = segments_of(grown(seed))
        for frame in frames_for(segments, parameters):
            classes = backend.draw(segments, frame).classes
            assert ndimage.label(classes > 0, np.ones((3, 3)))[1] == 1


def test_classes_depth_coverage_and_counts_tell_of_one_silhouette() -> None:
    parameters = RenderingParameters(width=160, height=120, supersample_factor=2)
    segments = segments_of(grown(4))
    (frame,) = frames_for(segments, parameters, 1)
    raster = PyrenderBackend(160, 120, 2).draw(segments, frame)
    np.testing.assert_array_equal(raster.classes > 0, raster.depth > 0)
    np.testing.assert_array_equal(raster.classes > 0, raster.coverage > 0)
    np.testing.assert_array_equal(np.bincount(raster.classes.ravel(), minlength=6), raster.pixels)
    assert set(np.unique(raster.classes)) <= {0, *segments.classes}


@pytest.mark.parametrize("most", [7, 100])
def test_a_mesh_drawn_in_portions_gives_the_same_picture(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = RenderingParameters(width=96, height=96, supersample_factor=2)
    segments = segments_of(grown(3, steps=60))
    (frame,) = frames_for(segments, parameters, 1)
    whole = PyrenderBackend(96, 96, 2).draw(segments, frame)
    monkeypatch.setattr(backend, "_MOST_FACES", most)
    portions = PyrenderBackend(96, 96, 2).draw(segments, frame)
    np.testing.assert_array_equal(whole.classes, portions.classes)
    np.testing.assert_array_equal(whole.depth, portions.depth)


def test_the_cache_and_the_views_before_change_no_picture() -> None:
    parameters = RenderingParameters(width=96, height=96, supersample_factor=2, adaptive_framing=True)
    kept, anew = PyrenderBackend(96, 96, 2), PyrenderBackend(96, 96, 2, cache=False)
    shapes = [segments_of(grown(seed, steps=100)) for seed in (1, 2)]
    frames = [frames_for(shape, parameters, 4) for shape in shapes]
    for number in range(4):
        for shape, views in zip(shapes, frames, strict=True):
            first, second = kept.draw(shape, views[number]), anew.draw(shape, views[number])
            np.testing.assert_array_equal(first.classes, second.classes)
            np.testing.assert_array_equal(first.depth, second.depth)


def test_a_neuron_is_uploaded_once_for_its_views(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = backend._pyrender_mesh
    monkeypatch.setattr(backend, "_pyrender_mesh", lambda *arguments: made.append(1) or make(*arguments))
    parameters = RenderingParameters(width=64, height=64, supersample_factor=1)
    segments = segments_of(grown(1, steps=50))
    for cache, uploads in ((True, 1), (False, 5)):
        made.clear()
        drawing = PyrenderBackend(64, 64, 1, cache=cache)
        for frame in frames_for(segments, parameters, 5)[:5]:
            drawing.draw(segments, frame)
        assert len(made) == uploads


@pytest.mark.parametrize("projection", ["ortho", "perspective"])
def test_a_picture_larger_than_opengl_draws_is_made_of_tiles(monkeypatch: pytest.MonkeyPatch, projection: str) -> None:
    parameters = RenderingParameters(width=150, height=110, supersample_factor=2, projection=projection)
    segments = segments_of(grown(3))
    (frame,) = frames_for(segments, parameters, 1)
    backend = PyrenderBackend(150, 110, 2)
    whole = backend.draw(segments, frame)
    monkeypatch.setattr(backend._context, "largest", 97)
    tiled = backend.draw(segments, frame)
    assert (whole.classes != tiled.classes).mean() < 1e-3
    assert compare(whole, tiled, frame).iou > 0.99


def test_a_single_point_is_drawn() -> None:
    parameters = RenderingParameters(width=96, height=96, supersample_factor=1)
    segments = segments_of(neuron_of([(SOMA, 5, 5, 5, 4, -1)]))
    (frame,) = frames_for(segments, parameters, 1)
    raster = PyrenderBackend(96, 96, 1).draw(segments, frame)
    assert raster.pixels[1] == pytest.approx(np.pi * (96 / 2 / 1.4) ** 2, rel=0.02)


def test_what_an_error_left_half_drawn_is_not_seen_in_the_next_view(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = RenderingParameters(width=96, height=96, supersample_factor=1)
    segments, other = segments_of(grown(1)), segments_of(grown(2))
    (frame,), (other_frame,) = frames_for(segments, parameters, 1), frames_for(other, parameters, 1)
    backend = PyrenderBackend(96, 96, 1)
    clean = backend.draw(other, other_frame)

    def breaks(*_: object) -> float:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("neuropil.rendering.opengl.backend.visible_share", breaks)
        with pytest.raises(MemoryError):
            backend.draw(segments, frame)
    np.testing.assert_array_equal(backend.draw(other, other_frame).classes, clean.classes)
