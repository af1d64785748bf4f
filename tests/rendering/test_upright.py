from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA, Neuron
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import render_views
from neuropil.rendering.segments import segments_of
from neuropil.rendering.upright import Up, up_of
from rendering.neurons import grown, neuron_of

DATA = os.environ.get("NEUROPIL_DATA")


def pyramidal(apical: int, towards: tuple[float, float, float]) -> Neuron:
    """A trunk of 300 um with a fork, three basal dendrites around the soma, an axon straight on the other side."""
    up = np.array(towards) / np.linalg.norm(towards)
    side = np.cross(up, (0.3, 0.5, 0.9))
    side /= np.linalg.norm(side)
    rows = [(SOMA, 0, 0, 0, 8, -1)]
    rows += [(apical, *(up * 100 * step), 2, step - 1) for step in (1, 2, 3)]
    rows += [(apical, *(up * 340 + side * 30 * sign), 1, 3) for sign in (1, -1)]
    rows += [(BASAL, *(side * 40 * sign - up * 20), 1, 0) for sign in (1, -1)]
    rows += [(AXON, *(-up * 900), 0.5, 0)]
    return neuron_of(rows)


def up(neuron: Neuron, given: object = None) -> Up:
    return up_of(neuron, segments_of(neuron), given)


DIRECTIONS = [(0, 1, 0), (0, -1, 0), (1, 0, 0), (0.2, -0.5, 0.8)]


@pytest.mark.parametrize("towards", DIRECTIONS)
def test_up_is_where_the_apical_dendrite_goes(towards: tuple) -> None:
    found = up(pyramidal(APICAL, towards))
    assert found.source == "apical"
    np.testing.assert_allclose(found.direction, np.array(towards) / np.linalg.norm(towards), atol=1e-9)


@pytest.mark.parametrize("towards", DIRECTIONS)
def test_without_a_label_up_is_along_the_dendrites_whatever_the_axon_does(towards: tuple) -> None:
    found = up(pyramidal(BASAL, towards))
    assert found.source == "principal axis"
    assert found.direction @ np.array(towards) / np.linalg.norm(towards) > 0.99


@pytest.mark.parametrize("given", [[0, 0, -2], (0.0, 0.0, -1.0), "0, 0, -1", "[0; 0; -0.5]", "0 0 -3"])
def test_metadata_win_and_are_made_a_unit_vector(given: object) -> None:
    found = up(pyramidal(APICAL, (0, 1, 0)), given)
    assert found.source == "metadata"
    np.testing.assert_array_equal(found.direction, (0, 0, -1))


@pytest.mark.parametrize("given", ["up", [0, 0, 0], [1, 2], [1, 2, "x"], 5, [np.inf, 0, 0], [np.nan, 0, 0], ""])
def test_metadata_that_are_no_direction_are_refused_with_the_field(given: object) -> None:
    with pytest.raises(InputError, match=r"cell: the metadata field up=.* three numbers"):
        up(pyramidal(APICAL, (0, 1, 0)), given)


def test_a_cell_that_tells_nothing_is_seen_as_its_file_has_it() -> None:
    soma = (SOMA, 0, 0, 0, 5, -1)
    star = neuron_of([soma] + [(BASAL, *ray, 1, 0) for ray in 80 * np.vstack([np.eye(3), -np.eye(3)])])
    spindle = neuron_of([soma] + [(BASAL, *ray, 1, 0) for ray in ((90, 0, 0), (-90, 0, 0), (0, 9, 0))])
    for neuron in (star, spindle, neuron_of([soma]), neuron_of([(AXON, 0, 0, 0, 1, -1)])):
        found = up(neuron)
        assert found.source == "file"
        np.testing.assert_array_equal(found.direction, (0, 1, 0))


@pytest.mark.parametrize("sampling", ["pca", "fibonacci", "random", "upright"])
def test_in_an_upright_picture_the_apical_dendrite_is_above_the_soma(sampling: str) -> None:
    parameters = RenderingParameters(
        sampling=sampling, upright=sampling != "upright", width=64, height=64, supersample_factor=1
    )
    views = list(render_views(pyramidal(APICAL, (0.3, -0.9, 0.2)), swc="", parameters=parameters, seed=0))
    assert {view.record["up_source"] for view in views} == {"apical"}
    level = 0
    for view in views:
        tilt = abs(np.dot(view.record["direction"], view.record["up"]))
        level += tilt < 0.5
        if tilt < 0.5:
            apical, axon = (np.nonzero(view.raster.classes == label)[0].mean() for label in (APICAL, AXON))
            assert apical < axon  # rows count downwards
    assert level == 24 if sampling == "upright" else level > 5


def test_the_record_says_what_is_up_and_why() -> None:
    for fields, given, source, direction in (
        ({}, [1, 0, 0], "file", (0, 1, 0)),
        ({"upright": True}, [1, 0, 0], "metadata", (1, 0, 0)),
    ):
        parameters = RenderingParameters(width=32, height=32, supersample_factor=1, **fields)
        for view in render_views(grown(1), swc="", parameters=parameters, seed=0, up=given):
            assert view.record["up_source"] == source
            assert tuple(view.record["up"]) == direction


@pytest.mark.skipif(not DATA, reason="NEUROPIL_DATA names no folder of real inputs")
def test_of_real_cells_the_axis_of_the_dendrites_agrees_with_the_apical_dendrite() -> None:
    agreement, undecided = [], 0
    for file in sorted(Path(str(DATA), "swc").rglob("*.swc"))[::6]:
        neuron = load_neuron(file)
        apical = up(neuron)
        if apical.source != "apical":
            continue
        types = np.where(neuron.types == APICAL, BASAL, neuron.types).astype(np.int32)
        unlabelled = up(dataclasses.replace(neuron, types=types))
        undecided += unlabelled.source == "file"
        if unlabelled.source == "principal axis":
            agreement.append(unlabelled.direction @ apical.direction > np.cos(np.pi / 4))
    assert len(agreement) > 25
    assert np.mean(agreement) > 0.95
    assert undecided < 0.35 * (undecided + len(agreement))
