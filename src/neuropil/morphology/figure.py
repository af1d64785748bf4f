"""One neuron as an interactive figure: plotly's JSON, coloured by compartment, for a web page and for Kedro-Viz."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.compartments import NAMES, compartment_of_type, css_colour
from neuropil.morphology.drawing.polylines import Polylines, polylines
from neuropil.morphology.drawing.spheres import sphere_mesh
from neuropil.morphology.drawing.view import View, view_of
from neuropil.morphology.links import sum_to_root
from neuropil.morphology.soma import Somata, effective_somata
from neuropil.morphology.tree import SOMA, Neuron

MOST_POINTS = 36_000
"""Points in a figure, the gaps between lines among them: about 2 MB of JSON."""

_MOST_SOMATA, _MOST_SINGLE = 150, 1_500
_CALIBRES = (0.5, 1.0, 2.0)  # micrometres of diameter between the classes of line width
_WIDTHS = (1.5, 2.5, 3.5, 5.0)  # pixels
_GREY = "#8a8f98"
_HOVER = "node %{customdata[0]}<br>radius %{customdata[1]} µm<br>%{customdata[2]} µm from the root"


class Drawn(NamedTuple):
    """A figure's traces and how much of the neuron is in them."""

    traces: list[dict[str, Any]]
    note: str


_GREY = "#6e6e6e"  # the palette's black cannot be seen where Kedro-Viz is dark


def neuron_figure(neuron: Neuron, *, most_points: int = MOST_POINTS) -> dict[str, Any]:
    """Draw a neuron in three dimensions, y upwards as in its file, seen where it is widest.

    Every segment is a line with the colour of its compartment and one of four widths by the calibre of its branch;
    cell bodies are spheres (see `soma`), nodes without a segment are dots. Pointing at a line tells the node (counted
    from 1 in the order of the neuron), its radius and the way along the tree to the root. Three bars below the neuron
    are its axes and its scale. A neuron of more nodes than a page can carry is simplified, and the figure says so.

    Args:
        neuron: what to draw; micrometres.
        most_points: of all lines together (see `polylines`).

    Returns:
        {"data", "layout"}: plain numbers, texts, lists; about 60 bytes of JSON a point.
    """
    drawn = draw(neuron, most_points)
    view = view_of(neuron)
    return {"data": [*drawn.traces, view.scale_bars(_GREY)], "layout": _layout(neuron.name, drawn.note, view)}


def draw(neuron: Neuron, most_points: int) -> Drawn:
    """The traces of a neuron, compartment by compartment, and a line that says how many of its nodes they hold."""
    lines = polylines(neuron, most=most_points)
    somata = effective_somata(neuron)
    single = _nodes_without_segment(neuron, somata)
    facts = _facts(neuron)
    traces = []
    for compartment in NAMES:
        own = [*_line_traces(neuron, lines, compartment, facts), *_dot_traces(neuron, single, compartment, facts)]
        if compartment == SOMA:
            own = [*_soma_traces(somata), *own]
        for place, trace in enumerate(own):
            traces.append({**trace, **_legend(compartment, first=place == 0)})
    return Drawn(traces, _note(neuron, lines, single, somata))


def _facts(neuron: Neuron) -> NDArray[np.float64]:
    """(n, 3): what the pointer shows of each node: its number, radius, path to the root."""
    children, parents = neuron.edges
    steps = np.zeros(len(neuron))
    steps[children] = np.linalg.norm(neuron.points[children] - neuron.points[parents], axis=1)
    path = sum_to_root(neuron.parents, steps)
    return np.column_stack([np.arange(1, len(neuron) + 1), neuron.radii.round(3), path.round(1)])


def _line_traces(
    neuron: Neuron, lines: Polylines, compartment: int, facts: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """The lines of a compartment: one trace for each width, a gap (null) behind each line."""
    calibre = np.digitize(2 * lines.radii, _CALIBRES)
    traces = []
    for number, width in enumerate(_WIDTHS):
        chosen = np.flatnonzero((lines.compartments == compartment) & (calibre == number))
        if not len(chosen):
            continue
        nodes = [lines.nodes[start : start + count] for start, count in _spans(lines, chosen)]
        traces.append(
            {
                "type": "scatter3d",
                "mode": "lines",
                **_positions([neuron.points[part] for part in nodes], _decimals(neuron)),
                "customdata": _gapped([facts[part] for part in nodes]),
                "hovertemplate": f"{_HOVER}<extra>{NAMES[compartment]}</extra>",
                "line": {"color": _colour(compartment), "width": width},
            }
        )
    return traces


def _spans(lines: Polylines, chosen: NDArray[np.int64]) -> list[tuple[int, int]]:
    return list(zip(lines.starts[chosen].tolist(), lines.lengths[chosen].tolist(), strict=True))


def _dot_traces(
    neuron: Neuron, single: NDArray[np.int64], compartment: int, facts: NDArray[np.float64]
) -> list[dict[str, Any]]:
    own = single[compartment_of_type(neuron.types[single]) == compartment]
    if not len(own):
        return []
    x, y, z = neuron.points[own].round(_decimals(neuron)).T.tolist()
    return [
        {
            "type": "scatter3d",
            "mode": "markers",
            "x": x,
            "y": y,
            "z": z,
            "customdata": _cells(facts[own]),
            "hovertemplate": f"{_HOVER}<extra>{NAMES[compartment]}, a single node</extra>",
            "marker": {"color": _colour(compartment), "size": 3},
        }
    ]


def _soma_traces(somata: Somata) -> list[dict[str, Any]]:
    """All cell bodies as one mesh of spheres."""
    if not len(somata.radii):
        return []
    largest = _largest(somata)
    mesh = sphere_mesh(somata.centres[largest], somata.radii[largest], fine=len(largest) <= 8)
    labels = [f"radius {somata.radii[i]:.1f} µm ({somata.kinds[i].replace('_', '-')})" for i in largest]
    return [
        {
            "type": "mesh3d",
            **mesh.arrays(),
            "hovertext": [labels[owner] for owner in mesh.owners.tolist()],
            "hovertemplate": "%{hovertext}<extra>Soma</extra>",
            "color": _colour(SOMA),
            "flatshading": False,
            "lighting": {"ambient": 0.55, "diffuse": 0.6, "specular": 0.15, "roughness": 0.9},
        }
    ]


def _nodes_without_segment(neuron: Neuron, somata: Somata) -> NDArray[np.int64]:
    """Roots without children that no cell body stands for."""
    childless = np.ones(len(neuron), bool)
    childless[neuron.parents[neuron.parents >= 0]] = False
    return np.flatnonzero(childless & (neuron.parents < 0) & (somata.members < 0))[:_MOST_SINGLE]


def _positions(lines: list[NDArray[np.float64]], decimals: int) -> dict[str, list[float | None]]:
    columns: dict[str, list[float | None]] = {"x": [], "y": [], "z": []}
    for line in lines:
        for column, values in zip(columns.values(), line.round(decimals).T.tolist(), strict=True):
            column += values
            column.append(None)
    return columns


def _gapped(lines: list[NDArray[np.float64]]) -> list[list[float] | None]:
    cells: list[list[float] | None] = []
    for line in lines:
        cells += _cells(line)
        cells.append(None)
    return cells


def _cells(facts: NDArray[np.float64]) -> list[list[float]]:
    return [[int(number), radius, path] for number, radius, path in facts.tolist()]


def _decimals(neuron: Neuron) -> int:
    """0.01 micrometres, finer for a neuron of less than 100 micrometres."""
    extent = float(np.ptp(neuron.points, axis=0).max())
    return int(np.clip(4 - np.floor(np.log10(extent)), 2, 8)) if extent > 0 else 2


def _legend(compartment: int, *, first: bool) -> dict[str, Any]:
    name = NAMES[compartment]
    return {"name": name, "legendgroup": name, "showlegend": first}


def _note(neuron: Neuron, lines: Polylines, single: NDArray[np.int64], somata: Somata) -> str:
    """How many nodes of how many are drawn, and what was left out."""
    held = np.zeros(len(neuron), bool)
    held[lines.nodes], held[single] = True, True
    # The nodes of a cell body are drawn by its sphere.
    held |= np.isin(somata.members, _largest(somata))
    parts = [f"{int(held.sum()):,} of {len(neuron):,} nodes drawn"]
    if lines.tolerance:
        parts.append(f"lines true to {lines.tolerance:.2g} µm")
    if lines.left_out:
        parts.append(f"the {lines.left_out:,} twigs with the least cable left out")
    return f"all {len(neuron):,} nodes drawn" if held.all() and len(parts) == 1 else "; ".join(parts)


def _largest(somata: Somata) -> NDArray[np.int64]:
    """The cell bodies that are drawn."""
    return np.argsort(-somata.radii, kind="stable")[:_MOST_SOMATA]


def _layout(name: str, note: str, view: View) -> dict[str, Any]:
    hidden = {"visible": False, "showspikes": False, "autorange": False}
    x, y, z = ({**hidden, "range": list(limits)} for limits in view.ranges)
    return {
        "title": {
            "text": f"{html.escape(name)}<br><span style='font-size: 12px'>{note}</span>",
            "x": 0.02,
            "xanchor": "left",
            "y": 0.97,
            "yanchor": "top",
            "font": {"size": 16},
        },
        "font": {"family": "system-ui, sans-serif", "color": "#2b2f36"},
        "paper_bgcolor": "#ffffff",
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "legend": {"x": 0.02, "y": 0.02, "xanchor": "left", "yanchor": "bottom", "itemsizing": "constant"},
        "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "font": {"color": "#2b2f36"}},
        "scene": {
            "xaxis": x,
            "yaxis": y,
            "zaxis": z,
            "aspectmode": "cube",  # the ranges are equally long, so all axes have one scale
            "camera": {"eye": view.eye, "up": {"x": 0, "y": 1, "z": 0}, "center": {"x": 0, "y": 0, "z": 0}},
            "dragmode": "orbit",  # plotly's turntable knows no way up but z,
        },
        "uirevision": "neuron",
        "meta": {"note": note, "fit": view.fit},
    }


def _colour(compartment: int) -> str:
    return _GREY if compartment == SOMA else css_colour(compartment)
