from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import SOMA, Neuron
from neuropil.rendering.frame import Frame
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views

DATA = os.environ.get("NEUROPIL_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="NEUROPIL_DATA names no folder of real inputs")
PARAMETERS = RenderingParameters(
    width=128, height=128, supersample_factor=2, canonical_views=2, biased_views=1, random_views=1, margin=0.1
)


@pytest.mark.parametrize("collection", ["rat_s1", "allen_v1"])
def test_real_cells_render_whole(collection: str) -> None:
    files = sorted(Path(str(DATA), "swc", collection, "swc").glob("*.swc"))[::25]
    for file in files:
        neuron = load_neuron(file)
        for view in render_views(neuron, swc=file.name, parameters=PARAMETERS, seed=0):
            assert view.record["qc"] == 1, file.name
            assert 0 < view.raster.pixels[1:].sum() < 128 * 128, file.name
            assert view.raster.pixels[2:].sum() > view.raster.pixels[1], file.name


@pytest.mark.parametrize("size", [64, 512])
@pytest.mark.parametrize("file", ["324266189.swc", "471077857.swc"])
def test_every_component_of_a_file_with_a_hundred_roots_is_drawn(file: str, size: int) -> None:
    neuron = load_neuron(Path(str(DATA), "swc", "allen_v1", "swc", file))
    component = components(neuron)
    assert component.max() + 1 > 100
    parameters = PARAMETERS.model_copy(update={"width": size, "height": size})
    for record, raster in render_views(neuron, swc=file, parameters=parameters, seed=0):
        columns, rows, _ = np.floor(Frame.from_record(record).to_pixels(neuron.points)).astype(int).T
        around = ndimage.binary_dilation(raster.classes > 0, np.ones((3, 3)))
        # A cell body is drawn by its sphere, not by the nodes of its outline.
        neurite = neuron.types != SOMA
        assert around[rows[neurite], columns[neurite]].all()
        assert len(np.unique(component[neurite])) > 100


def components(neuron: Neuron) -> np.ndarray:
    """For each node the number of its tree; parents stand before their children."""
    root = np.arange(len(neuron))
    for node, parent in enumerate(neuron.parents):
        if parent >= 0:
            root[node] = root[parent]
    return np.unique(root, return_inverse=True)[1]


def test_a_real_connected_cell_is_one_component_at_every_size() -> None:
    file = sorted(Path(str(DATA), "swc", "rat_s1", "swc").glob("*.swc"))[40]
    neuron = load_neuron(file)
    assert (neuron.parents < 0).sum() == 1
    for size, factor in ((64, 1), (64, 4), (128, 2), (512, 2)):
        parameters = PARAMETERS.model_copy(update={"width": size, "height": size, "supersample_factor": factor})
        for view in render_views(neuron, swc=file.name, parameters=parameters, seed=0):
            assert ndimage.label(view.raster.classes > 0, np.ones((3, 3)))[1] == 1
