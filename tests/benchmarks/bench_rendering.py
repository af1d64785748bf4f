"""CPU milliseconds a view with its four files: this project's backends, a plain pyrender program, Pillow's writing.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_rendering.py [--rounds 3] [--views 12] [--random 3] [--no-opengl]
        [--cells NAME ...]

512 x 512 pixels, supersampling 2, orthographic; real cells of about 2,500, 4,500 and 26,000 nodes and some chosen at
random, or those named (by how their files begin). The programs alternate, round by round and cell by cell, each in a
process of its own (a plain pyrender program ends EGL for its process) that has drawn the cell once before. A figure is
the median over the rounds of the CPU time of the whole process (`time.process_time`): llvmpipe's threads are in it,
what a GPU does is not.

    analytic     views by the analytic rasteriser, written by this project's PNG writer
    backend      the same through this project's pyrender backend
    plain        a plain pyrender program (`plain_pyrender.py`): a renderer and a scene a view, 32 sides, two passes,
                 Pillow as it is; its surface is made beforehand and not in the figure
    plain kept   the same with one renderer kept, opened before the clock starts
    Pillow 6     only writing the same four files with Pillow, compression level 6

Few views of the plain program are drawn: it is slow.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import plain_pyrender
from PIL import Image

from neuropil.morphology.swc import load_neuron
from neuropil.rendering.backends import AnalyticBackend, Backend
from neuropil.rendering.cameras import place_cameras, rotation_towards
from neuropil.rendering.framing import fit_frames
from neuropil.rendering.opengl.platform import probe_opengl
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.png import PALETTE
from neuropil.rendering.rasteriser import Raster
from neuropil.rendering.render import encode
from neuropil.rendering.segments import segments_of

SIZE, FACTOR = 512, 2
PARAMETERS = RenderingParameters(width=SIZE, height=SIZE, supersample_factor=FACTOR)
OUTPUTS = ("mask_bw", "mask", "mask_color", "depth")
ABOUT = (2_500, 4_500, 26_000)
PROGRAMS = ("analytic", "backend", "plain", "plain kept", "Pillow 6")
TARGETS = (("plain", "analytic", 40.0), ("backend", "analytic", 8.0), ("Pillow 6", "analytic", 1.0))


def pillow_writes(rasters: list[Raster], folder: Path) -> None:
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


class Program:
    """One program at work on one cell; lives in a process of its own.

    Attributes:
        name: as in the table.
        views: how many views one call of `run` draws.
    """

    def __init__(self, name: str, file: Path, views: int, folder: Path) -> None:
        self.name, self.views, self.folder = name, views, folder
        neuron = load_neuron(file)
        self.segments = segments_of(neuron)
        cameras = place_cameras(self.segments, neuron.name, PARAMETERS, 0).cameras[:views]
        rotations = [rotation_towards(camera.direction) for camera in cameras]
        self.frames = fit_frames(self.segments, rotations, PARAMETERS)
        analytic = AnalyticBackend(SIZE, SIZE, FACTOR)
        self.backend: Backend = analytic
        self.rasters = [analytic.draw(self.segments, frame) for frame in self.frames]
        if name == "backend":
            from neuropil.rendering.opengl.backend import PyrenderBackend

            self.backend = PyrenderBackend(SIZE, SIZE, FACTOR)
        elif name.startswith("plain"):
            self.meshes = plain_pyrender.compartments(self.segments)

    def milliseconds(self) -> float:
        """CPU milliseconds a view."""
        renderer = plain_pyrender.open_renderer(self.frames[0]) if self.name == "plain kept" else None
        start = time.process_time()
        self.run(renderer)
        spent = time.process_time() - start
        if renderer is not None:
            renderer.delete()
        return 1e3 * spent / self.views

    def run(self, renderer: Any) -> None:
        """Draw and write the views."""
        if self.name == "Pillow 6":
            pillow_writes(self.rasters, self.folder)
        elif self.name.startswith("plain"):
            for number, frame in enumerate(self.frames):
                plain_pyrender.render_view(self.meshes, frame, self.folder, f"{number:02d}", renderer)
        else:
            for number, frame in enumerate(self.frames):
                for output, data in encode(self.backend.draw(self.segments, frame), OUTPUTS).items():
                    (self.folder / f"{number:02d}_{output}.png").write_bytes(data)


_program: dict[tuple[str, Path], Program] = {}  # of a process: the program and cell it is at


def measure(name: str, file: Path, views: int) -> float:
    """CPU milliseconds a view of a program on a cell; the first call for a cell also draws it once before."""
    if (name, file) not in _program:
        _program.clear()
        _program[name, file] = Program(name, file, views, Path(tempfile.mkdtemp(dir=_folder[0])))
        _program[name, file].milliseconds()
    return _program[name, file].milliseconds()


_folder: list[str] = []


def begin(folder: str) -> None:
    """What each process does first."""
    _folder.append(folder)


def choose(folder: Path, random: int) -> list[Path]:
    """The cells nearest to the sizes of `ABOUT` by their lines, and some at random, always the same."""
    files = sorted(folder.rglob("*.swc"))
    lines = np.array([file.read_bytes().count(b"\n") for file in files])
    chosen = [files[int(np.abs(lines - size).argmin())] for size in ABOUT]
    rest = [file for file in files if file not in chosen]
    return chosen + [rest[place] for place in np.random.default_rng(0).choice(len(rest), random, replace=False)]


def named(folder: Path, names: list[str]) -> list[Path]:
    """The first file that begins with each name."""
    files = sorted(folder.rglob("*.swc"))
    return [next(file for file in files if file.name.startswith(name)) for name in names]


def row(label: str, figures: dict[str, float]) -> str:
    ratios = [f"{figures[slow] / figures[quick]:.1f} x" if slow in figures else "-" for slow, quick, _ in TARGETS]
    cells = [f"{figures[name]:.1f}" if name in figures else "-" for name in PROGRAMS]
    return f"| {label} | " + " | ".join(cells + ratios) + " |"


def say(line: str) -> None:
    """A line of the report, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--views", type=int, default=12)
    parser.add_argument("--plain-views", type=int, default=2)
    parser.add_argument("--random", type=int, default=3)
    parser.add_argument("--no-opengl", action="store_true")
    parser.add_argument("--cells", nargs="+", default=[])
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/*/swc/*.swc)")
    probe = probe_opengl()
    names = PROGRAMS if probe.renderer and not arguments.no_opengl else ("analytic", "Pillow 6")
    packages = ", ".join(f"{name} {version(name)}" for name in ("numba", "numpy", "Pillow", "pyrender", "PyOpenGL"))
    say(f"{platform.machine()}, {os.cpu_count()} CPUs; Python {platform.python_version()}, {packages}")
    say(f"OpenGL: {probe.renderer or probe.reason}; {SIZE} x {SIZE}, supersampling {FACTOR}; CPU ms a view\n")
    ratios = [f"{slow} / {quick} (at least {least:g})" for slow, quick, least in TARGETS]
    say("| nodes | " + " | ".join([*PROGRAMS, *ratios]) + " |")
    say("|---" * (1 + len(PROGRAMS) + len(TARGETS)) + "|")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        context = multiprocessing.get_context("spawn")
        processes = {
            name: stack.enter_context(ProcessPoolExecutor(1, context, initializer=begin, initargs=(folder,)))
            for name in names
        }
        everything: dict[str, list[float]] = {name: [] for name in names}
        folder_of_cells = Path(data) / "swc"
        cells = named(folder_of_cells, arguments.cells) or choose(folder_of_cells, arguments.random)
        for file in cells:
            found: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(arguments.rounds):
                for name in names:
                    views = arguments.plain_views if name.startswith("plain") else arguments.views
                    found[name].append(processes[name].submit(measure, name, file, views).result())
            figures = {name: statistics.median(values) for name, values in found.items()}
            for name, value in figures.items():
                everything[name].append(value)
            say(row(f"{len(load_neuron(file)):,} ({file.stem})", figures))
        say(row("mean", {name: statistics.mean(values) for name, values in everything.items()}))


if __name__ == "__main__":
    main()
