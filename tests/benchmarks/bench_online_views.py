"""Views a second and core: rendered online from the neurons, as tensors, beside the same views read from their files.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_online_views.py [--size 224] [--neurons 8] [--rounds 3]

Real cells (swc/rat_s1/swc) and grown ones, 24 views each, in one process of one thread, by its CPU time. "first" is
what the first view of a neuron costs besides: reading and preparing its tree. Size classes are by nodes.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import torch

from neuropil.morphology.swc import load_neuron, write_swc
from neuropil.morphology.synthesis.grow import CLASSES, grow_neuron
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.render import write_neuron
from neuropil.views.access import ViewAccess
from neuropil.views.dataset import ViewDataset
from neuropil.views.online import load_tree
from neuropil.views.parameters import AugmentationParameters, OnlineParameters, ViewsParameters

BOUNDS = (1000, 2500, 5000, 10_000, 1_000_000)
ALL = {name: {"probability": 1.0} for name in OnlineParameters.model_fields}
COLUMNS = ("online", "new camera", "all changes", "PNG files", "PNG, cached")


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def datasets(records: list, views: Path, neurons: Path) -> dict[str, ViewDataset]:
    """The same views in five ways, in the order of `COLUMNS`."""
    made = {}
    for name, changes in zip(COLUMNS, ({}, {"camera": ALL["camera"]}, ALL, None, None), strict=True):
        source = "png" if changes is None else "online"
        parameters = ViewsParameters.model_validate({"source": source, "online": changes or {}})
        access = ViewAccess(views, neurons, parameters)
        made[name] = access.open(records, augmentation=AugmentationParameters(), seed=1, once=name == "PNG files")
    return made


def read_all(dataset: ViewDataset) -> None:
    for number in range(len(dataset)):
        dataset[number]


def measure(swc: Path, parameters: RenderingParameters, rounds: int, folder: Path) -> tuple[dict[str, float], float]:
    """Milliseconds a view by way, and milliseconds to load the neuron; ways alternate."""
    neuron = load_neuron(swc)
    records = write_neuron(neuron, swc=swc.name, store=folder, parameters=parameters, seed=0)
    ways = datasets(records, folder, swc.parent)
    for dataset in ways.values():
        read_all(dataset)
    found: dict[str, list[float]] = {name: [] for name in ways}
    for epoch in range(rounds):
        for name, dataset in ways.items():
            dataset.set_epoch(epoch)
            found[name].append(1e3 * cpu(lambda dataset=dataset: read_all(dataset)) / len(dataset))
    load = min(1e3 * cpu(lambda: load_tree(swc)) for _ in range(rounds))
    return {name: statistics.median(values) for name, values in found.items()}, load


def sample(folder: Path) -> list[Path]:
    """Grown neurons of three classes."""
    files = []
    for kind in list(CLASSES)[:3]:
        neuron, _ = grow_neuron(kind, 0, seed=17)
        files.append(folder / f"{neuron.name}.swc")
        write_swc(neuron, files[-1])
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--supersample", type=int, default=2)
    parser.add_argument("--neurons", type=int, default=4, help="in each size class")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/rat_s1/swc/*.swc)")
    torch.set_num_threads(1)
    size = {"width": arguments.size, "height": arguments.size}
    parameters = RenderingParameters(supersample_factor=arguments.supersample, outputs=("mask", "depth"), **size)
    sizes = {file: len(load_neuron(file)) for file in sorted(Path(data, "swc", "rat_s1", "swc").glob("*.swc"))}
    lines = [
        f"{platform.machine()}, Python {platform.python_version()}, numba {numba.__version__}, torch "
        f"{torch.__version__}; {arguments.size} px, supersampling {arguments.supersample}; views a second and core",
        f"{'nodes':>14} {'cells':>6} " + "".join(f"{name:>13}" for name in COLUMNS) + f"{'first, ms':>12}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        groups = [("grown", sample(Path(folder)))]
        for low, high in zip((0, *BOUNDS), BOUNDS, strict=False):
            files = sorted((file for file, nodes in sizes.items() if low <= nodes < high), key=lambda file: sizes[file])
            step = max(1, len(files) // arguments.neurons)
            groups.append((f"{low}-{high}" if high < BOUNDS[-1] else f"{low}-", files[step // 2 :: step]))
        measure(groups[0][1][0], parameters, 1, Path(folder))  # compiles
        for title, files in groups:
            if not files:
                continue
            rows = [measure(file, parameters, arguments.rounds, Path(folder)) for file in files]
            rates = [1e3 / statistics.mean(row[name] for row, _ in rows) for name in COLUMNS]
            load = statistics.mean(first for _, first in rows)
            lines.append(
                f"{title:>14} {len(files):>6} " + "".join(f"{rate:>13.0f}" for rate in rates) + f"{load:>12.1f}"
            )
            sys.stderr.write(lines[-1] + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
