"""CPU milliseconds a view: rendering with its four files, against Pillow writing the same four files.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_rendering.py [--neurons 6] [--rounds 3]

512 x 512, supersampling 2, 24 views a neuron; both sides alternate in one process, after a first neuron that compiles.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numba
import numpy as np
import PIL
from PIL import Image

from neuropil.morphology.swc import load_neuron
from neuropil.morphology.tree import Neuron
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.png import PALETTE
from neuropil.rendering.render import encode, render_views, write_neuron

PARAMETERS = RenderingParameters(supersample_factor=2)


def cpu_milliseconds(work, views: int) -> float:
    start = time.process_time()
    work()
    return 1e3 * (time.process_time() - start) / views


def pillow_writes(rasters: list, folder: Path) -> None:
    for number, raster in enumerate(rasters):
        coloured = Image.fromarray(raster.classes, "P")
        coloured.putpalette(np.array(PALETTE, np.uint8).ravel().tolist())
        pictures = {
            "mask_bw": Image.fromarray(raster.classes > 0),
            "mask": Image.fromarray(raster.classes),
            "mask_color": coloured,
            "depth": Image.fromarray(raster.depth),
        }
        for name, picture in pictures.items():
            picture.save(folder / f"{number:02d}_{name}.png", compress_level=6)


def measure(neuron: Neuron, rounds: int, folder: Path) -> dict[str, float]:
    rasters = [view.raster for view in render_views(neuron, swc="", parameters=PARAMETERS, seed=0)]
    work = {
        "render + write": lambda: write_neuron(neuron, swc="", store=folder, parameters=PARAMETERS, seed=0),
        "draw": lambda: sum(1 for _ in render_views(neuron, swc="", parameters=PARAMETERS, seed=0)),
        "encode": lambda: [encode(raster, PARAMETERS.outputs) for raster in rasters],
        "Pillow level 6": lambda: pillow_writes(rasters, folder),
    }
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, function in work.items():
            found[name].append(cpu_milliseconds(function, len(rasters)))
    return {name: statistics.median(values) for name, values in found.items()}


def choose(folder: Path, count: int) -> list[Path]:
    """Files from the smallest to the largest, evenly."""
    files = sorted(folder.rglob("*.swc"), key=lambda file: file.stat().st_size)
    return [files[round(place)] for place in np.linspace(0, len(files) - 1, count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neurons", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/*/swc/*.swc)")
    versions = f"Python {platform.python_version()}, numba {numba.__version__}, Pillow {PIL.__version__}"
    lines = [f"{platform.machine()}, {os.cpu_count()} CPUs, {versions}; CPU ms a view"]
    with tempfile.TemporaryDirectory() as folder:
        files = choose(Path(data) / "swc", arguments.neurons)
        measure(load_neuron(files[0]), 1, Path(folder))
        for file in files:
            neuron = load_neuron(file)
            figures = measure(neuron, arguments.rounds, Path(folder))
            row = ", ".join(f"{name} {value:.2f}" for name, value in figures.items())
            lines.append(f"{len(neuron):>6} nodes  {row}  ({neuron.name})")
            sys.stderr.write(lines[-1] + "\n")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
