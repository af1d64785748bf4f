"""Neurons measured a second and core: all measures and all profiles of cells of about 5,000 nodes.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_morphometry.py [--neurons 20] [--rounds 5]

Real cells are those of rat_s1 nearest 5,000 nodes; generated ones are grown and their segments halved. Reading is not
timed. The processor time of this process counts, after a first neuron that compiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np

from neuropil.morphology.morphometry import measure
from neuropil.morphology.profiles import profiles
from neuropil.morphology.swc import load_neuron
from neuropil.morphology.synthesis.grow import grow_neuron
from neuropil.morphology.tree import Neuron

NODES = 5_000


def halved(neuron: Neuron) -> Neuron:
    """The neuron with a node in the middle of every segment."""
    n = len(neuron)
    before = np.where(neuron.parents < 0, 0, neuron.parents)
    points = np.empty((2 * n, 3))
    points[0::2], points[1::2] = (neuron.points + neuron.points[before]) / 2, neuron.points
    parents = np.empty(2 * n, np.int64)
    parents[0::2], parents[1::2] = np.where(neuron.parents < 0, -1, 2 * neuron.parents + 1), 2 * np.arange(n)
    return replace(neuron, points=points, parents=parents, radii=neuron.radii.repeat(2), types=neuron.types.repeat(2))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def real_cells(folder: Path, count: int) -> list[Neuron]:
    neurons = [load_neuron(path) for path in sorted(folder.glob("*.swc"))]
    return sorted(neurons, key=lambda neuron: abs(len(neuron) - NODES))[:count]


def generated_cells(count: int) -> list[Neuron]:
    return [halved(grow_neuron("pyramidal", number, 5)[0]) for number in range(count)]


def report(title: str, neurons: list[Neuron], rounds: int) -> None:
    work = {
        "measures": measure,
        "profiles": profiles,
        "both": lambda neuron: (measure(neuron), profiles(neuron)),
    }
    for function in work.values():
        function(neurons[0])
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, function in work.items():
            start = time.process_time()
            for neuron in neurons:
                function(neuron)
            times[name].append((time.process_time() - start) / len(neurons))
    sizes = [len(neuron) for neuron in neurons]
    say(f"{title}: {len(neurons)} cells of {min(sizes)} to {max(sizes)} nodes, mean {statistics.mean(sizes):.0f}")
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        say(f"  {name:<9} {1e3 * middle:6.2f} ms a cell   {1 / middle:6.0f} cells a second and core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--neurons", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    say(f"python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}")
    data = os.environ.get("NEUROPIL_DATA")
    if data:
        report("real", real_cells(Path(data) / "swc" / "rat_s1" / "swc", chosen.neurons), chosen.rounds)
    report("generated", generated_cells(chosen.neurons), chosen.rounds)


if __name__ == "__main__":
    main()
