"""Peak memory of rendering, for few and for many neurons: it must not depend on how many there are.

    python tests/benchmarks/bench_rendering_memory.py [--few 20] [--many 400] [--listed 200000]

Each case runs in a process of its own; the figure is its resident memory at the peak. Four measurements:
- rendering in this process, the guide's 24 views of 512 x 512 at supersample 4;
- the same by two workers: the process that leads, and the largest worker;
- the run of `--listed` neurons with drawing replaced by a short record: ledger, resumption and the index of views;
- manifests of as many neurons, 24 views each, from disk to disk.
Neurons are procedural; few distinct files stand for many neurons, under many names. The records of the last two have
few fields, so that millions of them fit on a small disk: none is held, so their size does not matter.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

LIMIT = 400  # MB a process


def peak_megabytes(function: Callable[..., None], *arguments: Any) -> dict[str, float]:
    """Run the function in a fresh process; the peaks of it and of the largest of its children."""
    queue: Any = multiprocessing.get_context("spawn").Queue()
    process = multiprocessing.get_context("spawn").Process(target=_measured, args=(queue, function, arguments))
    process.start()
    found = queue.get()
    process.join()
    return found


def _measured(queue: Any, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    workers = {"peak": 0.0}
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(os.getpid(), workers, ended), daemon=True)
    watch.start()
    function(*arguments)
    ended.set()
    watch.join()
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    queue.put({"leading": own, "worker": workers["peak"]})


def _watch(parent: int, workers: dict[str, float], ended: threading.Event) -> None:
    while not ended.wait(0.05):
        for child in psutil.Process(parent).children(recursive=True):
            try:
                workers["peak"] = max(workers["peak"], child.memory_info().rss / 2**20)
            except psutil.Error:
                continue


def render(folder: str, count: int, workers: int) -> None:
    """Render `count` neurons that share a few files."""
    from neuropil.compute import ComputeParameters
    from neuropil.rendering.parameters import RenderingParameters
    from neuropil.rendering.store import render_neurons
    from neuropil.work.index import Index

    files = sorted(Path(folder, "swc").iterdir())

    def neurons() -> Iterator[dict[str, str]]:
        for number in range(count):
            yield {"neuron_name": f"n{number:06d}", "swc": files[number % len(files)].name, "digest": str(number)}

    views = render_neurons(
        neurons(),
        neuron_store=Path(folder, "swc"),
        view_store=Path(folder, f"views{count}-{workers}"),
        parameters=RenderingParameters(outputs=("mask", "depth")),
        compute=ComputeParameters(workers=workers),
        seed=17,
    )
    Index(views).save(Path(folder, f"views{count}-{workers}.jsonl"))


def lead(folder: str, count: int) -> None:
    """All that rendering does beside drawing, twice: the second run finds everything done."""
    from neuropil.compute import ComputeParameters
    from neuropil.rendering import store
    from neuropil.rendering.parameters import RenderingParameters
    from neuropil.work.index import Index

    views = [{"fallback": None, "up_source": "file", "qc": 1.0, "view": view} for view in range(24)]
    store.render_task = lambda task: {"views": [{"neuron_name": task.name, **view} for view in views]}
    for _ in range(2):
        found = store.render_neurons(
            ({"neuron_name": f"n{number:06d}", "swc": "c.swc", "digest": str(number)} for number in range(count)),
            neuron_store=Path(folder),
            view_store=Path(folder, f"led{count}"),
            parameters=RenderingParameters(outputs=()),
            compute=ComputeParameters(),
            seed=17,
        )
        Index(found).save(Path(folder, f"listed{count}.jsonl"))


def list_views(folder: str, count: int) -> None:
    """Share the views of `count` neurons out among manifests, from disk to disk."""
    from neuropil.rendering.manifests import make_manifests
    from neuropil.statistics.splits import split_neurons
    from neuropil.work.index import Index

    names = [f"n{number:06d}" for number in range(count)]
    split = split_neurons(names, [None] * count, val_ratio=0.15, test_ratio=0.15, seed=17)
    manifests = make_manifests(Index.open(Path(folder, f"listed{count}.jsonl")), split, min_qc=0.7)
    for part, manifest in zip(("train", "val", "test"), manifests, strict=True):
        manifest.save(Path(folder, f"{part}{count}.jsonl"))


def grow_neurons(folder: str) -> None:
    """A few random walks of 3,000 nodes, as SWC files."""
    import numpy as np

    Path(folder, "swc").mkdir()
    for number in range(4):
        rng = np.random.default_rng(number)
        steps = rng.normal(0, 4, (3000, 3))
        lines = ["1 1 0 0 0 6 -1"]
        places = np.zeros((3000, 3))
        for node in range(1, 3000):
            parent = node - 1 if node % 60 else int(rng.integers(0, node))
            places[node] = places[parent] + steps[node]
            x, y, z = places[node]
            lines.append(f"{node + 1} 3 {x:.3f} {y:.3f} {z:.3f} 0.4 {parent + 1}")
        Path(folder, "swc", f"c{number}.swc").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=20)
    parser.add_argument("--many", type=int, default=400)
    parser.add_argument("--listed", type=int, default=200_000)
    arguments = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        grow_neurons(folder)
        for workers in (1, 2):
            for count in (arguments.few, arguments.many):
                start = time.perf_counter()
                found = peak_megabytes(render, folder, count, workers)
                worst = max(worst, *found.values())
                by = f", largest worker {found['worker']:.0f} MB" if workers > 1 else ""
                tell(f"render {count} neurons, {workers} process(es): {found['leading']:.0f} MB{by}", start)
        for function, what in ((lead, "lead the run of"), (list_views, "manifests of")):
            for count in (arguments.few, arguments.listed):
                start = time.perf_counter()
                found = peak_megabytes(function, folder, count)
                worst = max(worst, found["leading"])
                tell(f"{what} {count} neurons, {24 * count} views: {found['leading']:.0f} MB", start)
    sys.stdout.write(f"largest process {worst:.0f} MB, limit {LIMIT} MB: {'held' if worst < LIMIT else 'EXCEEDED'}\n")
    sys.exit(worst >= LIMIT)


def tell(line: str, start: float) -> None:
    """A line of the result as soon as it is known."""
    sys.stdout.write(f"{line}  ({time.perf_counter() - start:.0f} s)\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
