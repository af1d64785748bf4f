from __future__ import annotations

import os
from pathlib import Path

import pytest

from neuropil.morphology.swc import load_neuron
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


def test_all_components_of_a_file_with_a_hundred_roots_are_drawn() -> None:
    neuron = load_neuron(Path(str(DATA), "swc", "allen_v1", "swc", "324266189.swc"))
    assert (neuron.parents < 0).sum() > 100
    for view in render_views(neuron, swc="324266189.swc", parameters=PARAMETERS, seed=0):
        assert view.raster.pixels[1:].sum() > 800
