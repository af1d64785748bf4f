"""CPU milliseconds to read an SWC file of about 5,000 nodes: neuropil, morphio, NeuroM and swcgeom, in one run.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_swc_reading.py [--rounds 25] [--files 6]

The files: the real cells nearest to 5,000 nodes where NEUROPIL_DATA is set, and generated ones of 5,000 nodes whose
numbers have 4 decimals, or 17 digits as neuropil itself writes them. All programs alternate in one process, file by
file and round by round, after a round that is not counted (neuropil compiles in it). A figure is the median over
rounds and files of the CPU time of the process, with the ratio to neuropil's. neuropil reads and repairs;
the others only read. Below, what neuropil's own time is made of, and other ways to turn the text into numbers.

Missing programs are left out; to have them all, outside of the project's environment, where their own requirements
cannot change its packages:
    pip install --no-deps --target ORACLES morphio neurom swcgeom cached_property seaborn pynrrd sdflit imagecodecs
    PYTHONPATH=ORACLES python tests/benchmarks/bench_swc_reading.py
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from neuropil.morphology.reading.rows import read_rows
from neuropil.morphology.repair import repair
from neuropil.morphology.soma import effective_somata
from neuropil.morphology.swc import format_swc, load_neuron, read_swc
from neuropil.morphology.tree import Neuron

NODES = 5000
Reader = Callable[[Path], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--files", type=int, default=6, help="real files")
    options = parser.parse_args()
    names = ("numpy", "numba", "pandas", "pyarrow")
    say(f"{platform.platform()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    say(f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))
    readers = {"neuropil": read_swc, **oracles()}
    with tempfile.TemporaryDirectory() as folder:
        for title, files in {
            f"real, about {NODES:,} nodes": real_files(options.files),
            "generated, 4 decimals": generated(Path(folder), decimals=4),
            "generated, 17 digits": generated(Path(folder), decimals=None),
        }.items():
            if files:
                compare(title, files, readers, options.rounds)
                compare("  of it", files, parts(files), options.rounds)
                compare("  only the numbers", files, PARSERS, options.rounds)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def oracles() -> dict[str, Reader]:
    """The other programs that are there, each as a function that reads a file."""
    found: dict[str, Reader] = {}
    with contextlib.suppress(ImportError):
        import morphio

        morphio.set_maximum_warnings(0)
        found[f"morphio {version('morphio')}"] = lambda file: morphio.Morphology(str(file))
    with contextlib.suppress(ImportError):
        import neurom

        found[f"NeuroM {version('neurom')}"] = lambda file: neurom.load_morphology(str(file))
    with contextlib.suppress(ImportError):
        import swcgeom

        found[f"swcgeom {version('swcgeom')}"] = lambda file: swcgeom.Tree.from_swc(str(file))
    if len(found) < 3:
        say("not all of morphio, NeuroM and swcgeom are installed; --help says how")
    return found


def real_files(count: int) -> list[Path]:
    """The real files whose number of nodes is nearest to `NODES`."""
    folder = os.environ.get("NEUROPIL_DATA")
    files = sorted(Path(folder, "swc").rglob("*.swc")) if folder else []
    nodes = {file: sum(not line.startswith(b"#") for line in file.read_bytes().splitlines()) for file in files}
    return sorted(files, key=lambda file: abs(nodes[file] - NODES))[:count]


def generated(folder: Path, decimals: int | None) -> list[Path]:
    """A random tree of `NODES` nodes as a file."""
    random = np.random.default_rng(0)
    parents = np.maximum(np.arange(NODES) - random.geometric(0.9, NODES), -1)
    points = np.cumsum(random.normal(size=(NODES, 3)), axis=0)
    radii = random.uniform(0.1, 2, NODES)
    if decimals is not None:
        points, radii = points.round(decimals), radii.round(decimals)
    parents[1:] = np.maximum(parents[1:], 0)
    types = np.where(np.arange(NODES) == 0, 1, 3).astype(np.int32)
    file = folder / f"generated_{decimals}.swc"
    file.write_bytes(format_swc(Neuron("generated", points, radii, types, parents)))
    return [file]


def parts(files: list[Path]) -> dict[str, Reader]:
    """The steps of neuropil's reading, and what else is done to every neuron."""
    rows = {file: read_rows(file) for file in files}
    neurons = {file: load_neuron(file) for file in files}
    return {
        "rows": read_rows,
        "repair": lambda file: repair(rows[file], name="cell", file=file),
        "cell bodies": lambda file: effective_somata(neurons[file]),
        "as text": lambda file: format_swc(neurons[file]),
    }


def by_pandas(file: Path) -> object:
    import pandas as pd

    return pd.read_csv(file, sep=r"\s+", comment="#", header=None).to_numpy()


def by_arrow(file: Path) -> object:
    """One space between columns and comments at the head only: that much pyarrow asks of a file."""
    from pyarrow import csv

    lines = [line.strip() for line in file.read_bytes().splitlines() if not line.startswith(b"#")]
    options = csv.ReadOptions(autogenerate_column_names=True, use_threads=False)
    return csv.read_csv(io.BytesIO(b"\n".join(lines)), options, csv.ParseOptions(delimiter=" ")).to_pandas().to_numpy()


PARSERS: dict[str, Reader] = {
    "neuropil": read_rows,
    "pandas": by_pandas,
    "pyarrow csv": by_arrow,
    "numpy loadtxt": lambda file: np.loadtxt(file, comments="#"),
}


def compare(title: str, files: list[Path], readers: dict[str, Reader], rounds: int) -> None:
    """Print the median milliseconds of each reader, the readers taking turns."""
    times: dict[str, list[float]] = {name: [] for name in readers}
    for counted in range(-1, rounds):
        for file in files:
            for name, reader in readers.items():
                started = time.process_time()
                reader(file)
                if counted >= 0:
                    times[name].append(1000 * (time.process_time() - started))
    medians = {name: statistics.median(found) for name, found in times.items()}
    first = next(iter(medians.values()))
    nodes = statistics.mean(len(load_neuron(file)) for file in files)
    head = title if title.startswith(" ") else f"{title} ({len(files)} files, {nodes:,.0f} nodes)"
    say(f"{head}: " + ", ".join(f"{name} {found:.2f} ms (x{found / first:.1f})" for name, found in medians.items()))


if __name__ == "__main__":
    main()
