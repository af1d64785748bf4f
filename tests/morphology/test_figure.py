"""The figure of a neuron: whole, true in length, coloured as the pictures, and bounded."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neuropil.morphology.compartments import COLOURS, NAMES, compartment_of_type, css_colour
from neuropil.morphology.drawing.spheres import sphere_mesh
from neuropil.morphology.figure import neuron_figure
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import Neuron

MOST = 3_000_000  # bytes of JSON


def cell() -> Neuron:
    """A three-point soma with an axon, a basal and an apical dendrite, a custom twig and a lone node."""
    rows = [
        (1, 0, 0, 0, 5, -1),
        (1, 0, 5, 0, 5, 0),
        (1, 0, -5, 0, 5, 0),
        *((2, 0, -20.0 * i, 3 * i, 0.2, i + 1 if i > 1 else 0) for i in range(1, 6)),
        *((3, 15.0 * i, -i, 0, 0.7, i + 6 if i > 1 else 0) for i in range(1, 6)),
        *((4, -2.0 * i, 30 * i, 0, 1.5, i + 11 if i > 1 else 0) for i in range(1, 6)),
        (7, 10, 90, 4, 0.3, 15),
        (2, 300, 0, 0, 0.5, -1),
    ]
    table = np.array(rows, float)
    return Neuron("cell", table[:, 1:4], table[:, 4], table[:, 0].astype(np.int32), table[:, 5].astype(np.int64))


def named(figure: dict[str, Any], name: str, mode: str = "lines") -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["name"] == name and trace.get("mode") == mode]


def drawn_length(trace: dict[str, Any]) -> float:
    """Micrometres of line; a gap (None) ends a line."""
    columns: NDArray[np.float64] = np.array([trace[axis] for axis in "xyz"], float)
    return float(np.nansum(np.linalg.norm(np.diff(columns, axis=1), axis=0)))


def lengths(neuron: Neuron) -> dict[str, float]:
    """Micrometres of cable by compartment."""
    children, parents = neuron.edges
    steps = np.linalg.norm(neuron.points[children] - neuron.points[parents], axis=1)
    owners = compartment_of_type(neuron.types)[children]
    return {name: float(steps[owners == number].sum()) for number, name in NAMES.items()}


def test_every_segment_is_drawn_once_in_its_compartment() -> None:
    figure, neuron = neuron_figure(cell()), cell()
    for name, length in lengths(neuron).items():
        assert sum(map(drawn_length, named(figure, name))) == pytest.approx(length, abs=0.02), name
    assert figure["layout"]["meta"]["note"] == f"all {len(neuron)} nodes drawn"


def test_colours_are_those_of_every_picture() -> None:
    from neuropil.rendering.png import PALETTE

    assert [COLOURS[number] for number in NAMES] == list(PALETTE[1:])
    figure = neuron_figure(cell())
    for number, name in NAMES.items():
        expected = "#6e6e6e" if name == "Soma" else css_colour(number)  # black is not seen where Kedro-Viz is dark
        assert {trace["line"]["color"] for trace in named(figure, name)} == {expected}


def test_each_compartment_has_one_entry_in_the_legend_that_switches_all_of_it() -> None:
    traces = [trace for trace in neuron_figure(cell())["data"] if trace["name"] != "scale"]
    shown = [trace["name"] for trace in traces if trace["showlegend"]]
    assert shown == list(NAMES.values())
    assert all(trace["legendgroup"] == trace["name"] for trace in traces)


def test_thick_branches_have_wide_lines() -> None:
    figure = neuron_figure(cell())
    axon, apical = (named(figure, name)[0]["line"]["width"] for name in ("Axon", "Apical dendrite"))
    assert axon < apical


def test_the_soma_is_a_sphere_of_its_size() -> None:
    (mesh,) = [trace for trace in neuron_figure(cell())["data"] if trace["type"] == "mesh3d"]
    corners = np.array([mesh[axis] for axis in "xyz"]).T
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 5, atol=0.01)
    assert mesh["color"] == "#6e6e6e" and "radius 5.0 µm" in mesh["hovertext"][0]


def test_a_node_without_segment_is_a_dot() -> None:
    (dot,) = named(neuron_figure(cell()), "Axon", "markers")
    assert (dot["x"], dot["y"], dot["z"]) == ([300], [0], [0])


def test_pointing_at_a_node_tells_its_number_radius_and_path() -> None:
    (axon,) = named(neuron_figure(cell()), "Axon")
    number, radius, path = axon["customdata"][3]
    assert (axon["x"][3], axon["y"][3], axon["z"][3]) == (0, -60, 9)
    assert (number, radius) == (6, 0.2) and path == pytest.approx(3 * np.hypot(20, 3), abs=0.1)
    gaps = [place for place, value in enumerate(axon["x"]) if value is None]
    assert gaps and all(axon["customdata"][place] is None for place in gaps)


def test_all_axes_have_one_scale_and_hold_the_neuron_and_the_bars() -> None:
    figure = neuron_figure(cell())
    scene = figure["layout"]["scene"]
    ranges = [scene[f"{axis}axis"]["range"] for axis in "xyz"]
    assert len({round(high - low, 6) for low, high in ranges}) == 1 and scene["aspectmode"] == "cube"
    for trace in figure["data"]:
        for axis, (low, high) in zip("xyz", ranges, strict=True):
            assert all(low <= value <= high for value in trace[axis] if value is not None)


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, 2.9])
def test_the_camera_faces_the_side_where_the_neuron_is_widest(angle: float) -> None:
    points = np.random.default_rng(1).normal(size=(300, 3)) * [200, 80, 10]
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    neuron = Neuron("flat", points @ turn.T, np.ones(300), np.full(300, 3, np.int32), np.arange(-1, 299))
    camera = neuron_figure(neuron)["layout"]["scene"]["camera"]
    eye = np.array([camera["eye"][axis] for axis in "xyz"])
    assert abs(eye @ turn @ [1, 0, 0]) < 0.1 * np.linalg.norm(eye)
    assert camera["up"] == {"x": 0, "y": 1, "z": 0} and eye[1] == 0 and eye[2] >= 0


@pytest.mark.parametrize("kind", ["chain", "tree", "star", "dots"])
def test_a_million_nodes_make_a_bounded_figure_that_says_so(kind: str) -> None:
    n = 1_000_000
    random = np.random.default_rng(0)
    points = np.cumsum(random.normal(size=(n, 3)), axis=0) * 10
    parents = {
        "chain": np.arange(-1, n - 1),
        "tree": np.append(-1, np.arange(1, n) - random.integers(1, 4, n - 1).clip(max=np.arange(1, n))),
        "star": np.append(-1, np.zeros(n - 1, np.int64)),
        "dots": np.append([-1, 0], np.full(n - 2, -1)),
    }[kind]
    neuron = Neuron(kind, points, np.full(n, 1 / 3), np.full(n, 2, np.int32), parents)
    figure = neuron_figure(neuron)
    assert len(json.dumps(figure)) < MOST
    assert f"of {n:,} nodes drawn" in figure["layout"]["meta"]["note"]


def test_a_simplified_neuron_keeps_nearly_all_its_length() -> None:
    n = 60_000
    angle = np.linspace(0, 200, n)
    points = np.column_stack([np.cos(angle) * 50, angle * 5, np.sin(angle) * 50])
    neuron = Neuron("helix", points, np.ones(n), np.full(n, 2, np.int32), np.arange(-1, n - 1))
    figure = neuron_figure(neuron, most_points=6_000)
    (line,) = named(figure, "Axon")
    assert len(line["x"]) <= 6_000
    assert drawn_length(line) == pytest.approx(lengths(neuron)["Axon"], rel=1e-3)
    assert "lines true to" in figure["layout"]["title"]["text"]


def test_small_neurons_keep_their_shape() -> None:
    small = cell()
    small = Neuron("small", small.points / 1000, small.radii / 1000, small.types, small.parents)
    for name, length in lengths(small).items():
        assert sum(map(drawn_length, named(neuron_figure(small), name))) == pytest.approx(length, rel=0.01), name


def test_the_figure_is_plain_json_that_plotly_takes() -> None:
    import plotly.graph_objects as go

    figure = neuron_figure(cell().renamed("<b>&name</b>"))
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert len(go.Figure(figure).data) == len(figure["data"])
    assert figure["layout"]["title"]["text"].startswith("&lt;b&gt;&amp;name")


@pytest.mark.parametrize("fine", [True, False])
def test_spheres_are_closed_and_face_outwards(fine: bool) -> None:
    centres, radii = np.array([[0.0, 0, 0], [30, 1, 2]]), np.array([2.0, 7.0])
    mesh = sphere_mesh(centres, radii, fine=fine)
    a, b, c = (mesh.corners[mesh.triangles[:, side]] for side in range(3))
    owners = mesh.owners[mesh.triangles[:, 0]]
    outwards = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - centres[owners])
    assert (outwards > 0).all()
    sides = np.sort(np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]]))
    assert (np.unique(sides, axis=0, return_counts=True)[1] == 2).all()


@pytest.mark.skipif("NEUROPIL_DATA" not in os.environ, reason="needs NEUROPIL_DATA")
def test_real_cells_are_drawn_whole_and_small() -> None:
    folder = Path(os.environ["NEUROPIL_DATA"]) / "swc"
    files = [*sorted((folder / "rat_s1" / "swc").glob("*.swc"))[::50], folder / "rat_s1" / "swc" / "C130301C.CNG.swc"]
    for file in [*files, *(folder / "allen_v1" / "swc").glob("324266189*.swc")]:
        neuron = load_neuron(file)
        figure = neuron_figure(neuron)
        drawn = sum(drawn_length(trace) for name in NAMES.values() for trace in named(figure, name))
        assert drawn == pytest.approx(sum(lengths(neuron).values()), rel=2e-3), file.name
        assert len(json.dumps(figure)) < MOST
