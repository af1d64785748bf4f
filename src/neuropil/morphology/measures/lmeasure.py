"""The 43 functions of L-Measure 5.3, for comparison with tables that it made.

Scorcioni, Polavaram, Ascoli: L-Measure, a web-accessible tool for the analysis, comparison and search of digital
reconstructions of neuronal morphologies. Nature Protocols 3 (2008). docs/morphometry.md says what each function is,
and how far these agree with the program.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from neuropil.morphology.measures.bifurcations import Bifurcations
from neuropil.morphology.measures.branches import Branches, branches, fractal_dimensions
from neuropil.morphology.measures.extents import extents
from neuropil.morphology.measures.topology import Floats, Topology, topology
from neuropil.morphology.tree import SOMA, Neuron


def lmeasure(neuron: Neuron) -> dict[str, dict[str, float]]:
    """Function -> `sum`, `n`, `min`, `mean`, `max` over the items it has a value for; all 0 where there are none."""
    neuron = _as_l_measure_reads_it(neuron)
    tree = topology(neuron)
    found = branches(neuron, tree)
    forks = Bifurcations(neuron, tree)
    values = {
        **_of_nodes(neuron, tree),
        **_of_branches(neuron, tree, found),
        **_of_bifurcations(neuron, tree, forks),
    }
    stated = {name: _statistics(np.asarray(each, np.float64)) for name, each in values.items()}
    for name, extent in zip(("Width", "Height", "Depth"), extents(neuron.points, tree.steps), strict=True):
        stated[name] = {"sum": extent, "n": float(len(neuron)), "min": extent, "mean": extent, "max": extent}
    return stated


def with_soma_points(neuron: Neuron) -> Neuron:
    """The neuron with every soma of one point as three: two nodes more, at -r and +r in y.

    That is the three-point soma of neuromorpho.org's standard files, and how L-Measure reads one point; it adds 2 r
    of length, two tips, the surface of the sphere and a cylinder's volume. One point is a root of the type of a soma
    that has children, none of them of that type: nothing here hangs on the order of the rows.
    """
    children, parents = neuron.edges
    degree = np.bincount(parents, minlength=len(neuron))
    within = np.bincount(parents[neuron.types[children] == SOMA], minlength=len(neuron))
    return _with_sides(neuron, (neuron.parents < 0) & (neuron.types == SOMA) & (degree > 0) & (within == 0))


def _as_l_measure_reads_it(neuron: Neuron) -> Neuron:
    """As `with_soma_points`, with the program's slip: of three children or more it passes over the second.

    Where that one alone is soma, it takes a soma of two points for one. It looks at the first root only.
    """
    children = np.flatnonzero(neuron.parents == 0)
    soma = neuron.types[children] == SOMA
    seen = soma if len(children) < 3 else np.delete(soma, 1)
    single = np.zeros(len(neuron), bool)
    single[0] = neuron.types[0] == SOMA and len(children) > 0 and not seen.any()
    return _with_sides(neuron, single)


def _with_sides(neuron: Neuron, single: NDArray[np.bool_]) -> Neuron:
    """The neuron with two nodes more for each that is marked."""
    if not single.any():
        return neuron
    somata = np.repeat(np.flatnonzero(single), 2)
    sides = np.zeros((len(somata), 3))
    sides[:, 1] = neuron.radii[somata] * np.resize([-1.0, 1.0], len(somata))
    return replace(
        neuron,
        points=np.concatenate([neuron.points, neuron.points[somata] + sides]),
        radii=np.append(neuron.radii, neuron.radii[somata]),
        types=np.append(neuron.types, neuron.types[somata]),
        parents=np.append(neuron.parents, somata),
    )


def _statistics(values: Floats) -> dict[str, float]:
    values = values[np.isfinite(values)]
    if not len(values):
        return dict.fromkeys(("sum", "n", "min", "mean", "max"), 0.0)
    return {
        "sum": float(values.sum()),
        "n": float(len(values)),
        "min": float(values.min()),
        "mean": float(values.mean()),
        "max": float(values.max()),
    }


def _of_nodes(neuron: Neuron, tree: Topology) -> dict[str, NDArray]:
    parents, thick = neuron.parents, 2 * neuron.radii
    inner = parents >= 0
    soma, after_soma = neuron.types == SOMA, np.zeros(len(neuron), bool)
    after_soma[inner] = soma[parents[inner]]
    sides = np.pi * thick * tree.steps
    from_corner = inner & ((tree.degree[parents] > 1) | (parents[parents] < 0))
    last = from_corner & (tree.tips == 1)
    return {
        "Soma_Surface": soma_surface(neuron, tree),
        "N_stems": np.ones(int((after_soma & ~soma).sum())),
        "N_bifs": np.ones(int(tree.bifurcation.sum())),
        "N_branch": np.ones(int(((tree.degree != 1) & inner).sum())),
        "N_tips": np.ones(int(tree.tip.sum())),
        "Type": neuron.types,
        "Diameter": thick,
        "Diameter_pow": thick**1.5,
        "Length": tree.steps[tree.steps > 0],
        "Surface": sides[inner],
        "SectionArea": np.pi * neuron.radii[inner] ** 2,
        "Volume": (sides * neuron.radii / 2)[inner],
        "EucDistance": np.linalg.norm(neuron.points - neuron.points[0], axis=1),
        "PathDistance": tree.path,
        "Branch_Order": tree.order,
        "Terminal_degree": tree.tips,
        "TerminalSegment": np.ones(int((tree.tips == 1).sum())),
        "Parent_Daughter_Ratio": thick[from_corner] / thick[parents[from_corner]],
        "Last_parent_diam": thick[(tree.bifurcation | ~inner) & (tree.tips == 2)],
        "Diam_threshold": thick[last],
        "HillmanThreshold": (thick[last] + thick[parents[last]]) / 2,
        "Helix": _helix(neuron),
    }


def soma_surface(neuron: Neuron, tree: Topology) -> Floats:
    """The sides of the cylinders that end in nodes of the soma, with the parent's radius; a node alone is a sphere.

    Returns:
        (k,) square micrometres.
    """
    soma, parents = neuron.types == SOMA, neuron.parents
    inner = soma & (parents >= 0)
    linked = soma[parents] & inner
    alone = soma & ~linked
    alone[parents[linked]] = False
    ends = np.flatnonzero(inner & ~alone)
    sides = 2 * np.pi * tree.steps[ends] * neuron.radii[parents[ends]]
    return np.concatenate([sides, 4 * np.pi * neuron.radii[alone] ** 2])


def _helix(neuron: Neuron) -> Floats:
    """How three segments in a row turn out of their plane, for each node that has a third ancestor.

    Their triple product over three times the product of their lengths, cut to two decimals as the program does.
    """
    parents = neuron.parents
    nodes = [np.arange(len(neuron))]
    for _ in range(3):
        up = parents[nodes[-1]]
        nodes = [each[up >= 0] for each in [*nodes, up]]
    points = [neuron.points[each] for each in nodes]
    last, middle, first = (end - start for end, start in pairwise(points))
    lengths = 3 * np.prod([np.linalg.norm(side, axis=1) for side in (last, middle, first)], axis=0)
    long = lengths > 0
    volume = np.einsum("ij,ij->i", last, np.cross(first, middle))
    return np.trunc(100 * volume[long] / lengths[long]) / 100


def _of_branches(neuron: Neuron, tree: Topology, found: Branches) -> dict[str, NDArray]:
    thick = 2 * neuron.radii
    change = thick[found.starts] - thick[found.ends]
    length = np.trunc(100 * found.length) / 100
    long = length > 0
    return {
        "Taper_1": change[long] / length[long],
        "Taper_2": change / thick[found.starts],
        "Branch_pathlength": length[long],
        "Contraction": found.contraction(),
        "Fragmentation": np.append(found.compartments, 1),
        "Fractal_Dim": fractal_dimensions(neuron, tree, found, as_program=True),
    }


def _of_bifurcations(neuron: Neuron, tree: Topology, forks: Bifurcations) -> dict[str, NDArray]:
    whole, one, other = forks.diameters
    powers = _rall_power(whole, one, other)
    return {
        "Daughter_Ratio": np.maximum(one, other) / np.minimum(one, other),
        "Partition_asymmetry": forks.asymmetry(),
        "Rall_Power": powers,
        "Pk": _pk(forks, powers),
        "Pk_classic": forks.power_ratio(1.5),
        "Pk_2": forks.power_ratio(2.0),
        "Bif_ampl_local": forks.amplitude_local(),
        "Bif_ampl_remote": forks.amplitude_remote(),
        "Bif_tilt_local": forks.tilt(remote=False),
        "Bif_tilt_remote": forks.tilt(remote=True),
        "Bif_torque_local": forks.torque(remote=False),
        "Bif_torque_remote": forks.torque(remote=True),
    }


def _rall_power(whole: Floats, one: Floats, other: Floats) -> Floats:
    """The power p of d^p = d1^p + d2^p in steps of 0.005 up to 5, where both daughters are thinner."""
    whole, one, other = (each[(whole > one) & (whole > other)] for each in (whole, one, other))
    low, high = np.zeros(len(whole)), np.full(len(whole), 5.0 + _STEP)
    for _ in range(60):
        middle = (low + high) / 2
        above = (one / whole) ** middle + (other / whole) ** middle > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    grid = np.floor(low / _STEP) * _STEP
    before, after = (np.abs(whole**p - one**p - other**p) for p in (grid, grid + _STEP))
    powers = np.where(before < after, grid, grid + _STEP)
    return powers[(powers > 0) & (powers < 5.0 - _STEP / 2)]


_STEP = 0.005


def _pk(forks: Bifurcations, powers: Floats) -> Floats:
    """Pk with the mean of the neuron's own powers; L-Measure seeks that mean otherwise, so its values differ."""
    return forks.power_ratio(float(powers.mean()) if len(powers) else 1.5)
