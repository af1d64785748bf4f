import json
import os
from pathlib import Path

import numpy as np
import pytest

from neuropil.morphology.morphometry import measure
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tree import Neuron

RAT = Path(os.environ.get("NEUROPIL_DATA", "missing")) / "swc" / "rat_s1"


def fork():
    """A soma, a basal stem of 10 that forks into 10 and 10 (straight), an axon of 5."""
    points = [[0, 0, 0], [10, 0, 0], [10, 10, 0], [10, -10, 0], [-5, 0, 0]]
    return Neuron(
        "fork", np.array(points, float), np.array([3, 1, 1, 1, 0.5]), np.array([1, 3, 3, 3, 2], np.int32),
        np.array([-1, 0, 1, 1, 0]),
    )  # fmt: skip


def test_measures_of_a_fork():
    measured = measure(fork())
    expected = {
        "n_stems": 2, "n_bifs": 2, "n_tips": 3, "n_branch": 4, "length": 35, "basal_length": 30, "axon_length": 5,
        "apical_length": 0, "basal_tips": 2, "axon_tips": 1, "apical_tips": 0, "path_distance": 20,
        "euclidean_distance": np.sqrt(200), "branch_order": 1, "contraction": 1, "soma_surface": 36 * np.pi,
        "surface": 2 * np.pi * (30 + 2.5), "volume": np.pi * (30 + 1.25), "diameter": 2.6,
    }  # fmt: skip
    assert {name: measured[name] for name in expected} == pytest.approx(expected)


def test_a_turn_leaves_everything_but_the_extents():
    neuron, _ = grow_neuron("pyramidal", 0, 3)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    moved = Neuron(neuron.name, neuron.points @ turn + [5, 6, 7], neuron.radii, neuron.types, neuron.parents)
    before, after = measure(neuron), measure(moved)
    for name in set(before) - {"width", "height", "depth"}:
        assert after[name] == pytest.approx(before[name], rel=1e-6), name


def test_neuron_without_soma_is_measured():
    neuron = fork()
    bare = Neuron("bare", neuron.points, neuron.radii, np.full(5, 3, np.int32), neuron.parents)
    measured = measure(bare)
    assert measured["soma_surface"] == 0 and measured["n_stems"] == 0
    assert np.isfinite(list(measured.values())).all()


@pytest.mark.skipif(not RAT.exists(), reason="NEUROPIL_DATA has no swc/rat_s1")
def test_agrees_with_l_measure_within_a_thousandth():
    names = {
        "length": ("Length", "sum"), "surface": ("Surface", "sum"), "volume": ("Volume", "sum"),
        "n_stems": ("N_stems", "sum"), "n_bifs": ("N_bifs", "sum"), "n_tips": ("N_tips", "sum"),
        "n_branch": ("N_branch", "sum"), "euclidean_distance": ("EucDistance", "max"),
        "path_distance": ("PathDistance", "max"), "branch_order": ("Branch_Order", "max"),
        "contraction": ("Contraction", "mean"), "soma_surface": ("Soma_Surface", "sum"),
    }  # fmt: skip
    records = [json.loads(line) for line in (RAT / "lmeasure.jsonl").read_text().splitlines()][::7]
    agree = dict.fromkeys(names, 0)
    for record in records:
        measured = measure(load_neuron(RAT / "swc" / f"{record['neuron_name']}.CNG.swc"))
        for name, (feature, statistic) in names.items():
            agree[name] += measured[name] == pytest.approx(record["lmeasure"][feature][statistic], rel=1e-3)
    assert {name: count / len(records) >= 0.96 for name, count in agree.items()} == dict.fromkeys(names, True)
