"""What `rendering.cache` saves: CPU milliseconds a neuron to render again with another margin, with and without it.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_rendering_cache.py [--neurons 40] [--rounds 5]

Every tenth of the real cells or so, in this process, the two alternated: first reading the trees alone, then whole
runs, each at a margin that was not used before. Two sizes: the guide's (24 views of 512 x 512) and those of conf/laptop
(8 of 128 x 128).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from neuropil.compute import ComputeParameters
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.store import render_neurons
from neuropil.rendering.trees import load_tree
from neuropil.work.keys import file_digest

SIZES = {
    "24 views of 512 x 512": RenderingParameters(supersample_factor=2),
    "8 views of 128 x 128": RenderingParameters(
        width=128, height=128, supersample_factor=2, canonical_views=4, biased_views=2, random_views=2
    ),
}


def render(records: list[dict], folder: Path, store: Path, parameters: RenderingParameters) -> float:
    """CPU seconds of one run over all neurons."""
    start = time.process_time()
    render_neurons(
        records, neuron_store=folder, view_store=store, parameters=parameters, compute=ComputeParameters(), seed=17
    )
    return time.process_time() - start


def read_alone(files: list[Path], rounds: int) -> None:
    """Read all trees, kept and parsed."""
    with tempfile.TemporaryDirectory() as folder:
        places: dict[str, Callable[[int], Path | None]] = {
            "kept": lambda number: Path(folder, str(number)),
            "parsed": lambda number: None,
        }
        seconds: dict[str, list[float]] = {name: [] for name in places}
        for _ in range(rounds + 1):
            for name, place in places.items():
                start = time.process_time()
                for number, file in enumerate(files):
                    load_tree(file, "digest", place(number))
                seconds[name].append(time.process_time() - start)
    kept, parsed = (1e3 * statistics.median(values[1:]) / len(files) for values in seconds.values())
    sys.stdout.write(f"reading a tree: {kept:.2f} ms kept, {parsed:.2f} ms parsed\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neurons", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/*/swc/*.swc)")
    folder = Path(data) / "swc"
    files = sorted(folder.rglob("*.swc"), key=lambda file: file.stat().st_size)
    files = files[:: max(1, len(files) // arguments.neurons)]
    records = [
        {"neuron_name": file.stem, "swc": str(file.relative_to(folder)), "digest": file_digest(file)} for file in files
    ]
    read_alone(files, arguments.rounds)
    for size, parameters in SIZES.items():
        seconds: dict[bool, list[float]] = {True: [], False: []}
        with tempfile.TemporaryDirectory() as store:
            for cache in (True, False):  # compiles, and fills the cache
                first = parameters.model_copy(update={"cache": cache})
                render(records, folder, Path(store, str(cache)), first)
            for number in range(arguments.rounds):
                for cache in (True, False):
                    again = parameters.model_copy(update={"cache": cache, "margin": 0.1 + 0.01 * number})
                    seconds[cache].append(render(records, folder, Path(store, str(cache)), again))
            kept = sum(file.stat().st_size for file in Path(store, "True", "trees").iterdir())
        with_it, without = (1e3 * statistics.median(seconds[cache]) / len(files) for cache in (True, False))
        sys.stdout.write(
            f"{size}: {with_it:.1f} ms a neuron with kept trees, {without:.1f} without "
            f"({100 * (1 - with_it / without):.1f} % less); {len(files)} neurons, trees {kept / 1e6:.1f} MB, SWC files "
            f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB\n"
        )


if __name__ == "__main__":
    main()
