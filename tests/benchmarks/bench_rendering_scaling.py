"""How much of a second process is used: wall time of the same rendering with one and with two workers.

    NEUROPIL_DATA=$DATA python tests/benchmarks/bench_rendering_scaling.py [--neurons 150] [--rounds 3] [--workers 2]
        [--supersample 2] [--times 1]

Real cells from the smallest to the largest, the guide's 24 views of 512 x 512, four files a view, alternated in one
run. Efficiency is the wall time with one process over that with n, divided by n. It is given with the start
of the workers (some seconds, once a run) and, from the moments of its second and its last third, without.
The machine must be otherwise idle: two processes on two busy cores show what the others left. CPU time, of all
processes together and of the leading one alone, says what spreading the work costs also where the machine is busy.

What n cores give at all is measured beside it: n independent processes, started before the clock, that render one of
every n neurons each and know nothing of each other. Cores that share caches, or that a host shares out, reach less
than n; what the workers lose beyond that is ours.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from neuropil.compute import ComputeParameters
from neuropil.rendering.parameters import RenderingParameters
from neuropil.rendering.store import render_neurons
from neuropil.work.keys import file_digest


def stream(records: list[dict], times: list[float]):
    """The records; `times` receives the moment each is taken up."""
    for record in records:
        times.append(time.perf_counter())
        yield record


def cpu_seconds() -> tuple[float, float]:
    """Of this process and of all its children that have ended, and of this process alone."""
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    own, children = (usage.ru_utime + usage.ru_stime for usage in usages)
    return own + children, own


def run(records: list[dict], folder: Path, workers: int, samples: int) -> tuple[float, float, float, float]:
    """Seconds of a whole run, seconds a neuron between its first and its last third, CPU seconds of all and of this."""
    times: list[float] = []
    cpu, own = cpu_seconds()
    with tempfile.TemporaryDirectory() as store:
        start = time.perf_counter()
        views = render_neurons(
            stream(records, times),
            neuron_store=folder,
            view_store=Path(store),
            parameters=RenderingParameters(supersample_factor=samples),
            compute=ComputeParameters(workers=workers),
            seed=17,
        )
        whole = time.perf_counter() - start
        assert len(views.neurons) == len(records)
    third = len(times) // 3
    after, own_after = cpu_seconds()
    return whole, (times[2 * third] - times[third]) / third, after - cpu, own_after - own


def alone(records: list[dict], folder: Path, samples: int, together: Any) -> None:
    """One of the independent processes: compiled code is loaded, then all begin at once and all are awaited."""
    run(records[:3], folder, 1, samples)
    together.wait()
    run(records, folder, 1, samples)
    together.wait()


def independent(records: list[dict], folder: Path, n: int, samples: int) -> float:
    """Seconds until the last of n processes has rendered its share, without their start."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(n + 1, timeout=600)
    processes = [context.Process(target=alone, args=(records[k::n], folder, samples, together)) for k in range(n)]
    for process in processes:
        process.start()
    together.wait()
    start = time.perf_counter()
    together.wait()
    seconds = time.perf_counter() - start
    for process in processes:
        process.join()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neurons", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--supersample", type=int, default=2)
    parser.add_argument("--times", type=int, default=1, help="each cell under so many names, for a longer run")
    arguments = parser.parse_args()
    data = os.environ.get("NEUROPIL_DATA")
    if not data:
        sys.exit("NEUROPIL_DATA must name the folder of real inputs (swc/*/swc/*.swc)")
    folder = Path(data) / "swc"
    files = sorted(folder.rglob("*.swc"))
    files = files[:: max(1, len(files) // arguments.neurons)][: arguments.neurons]
    records = [
        {"neuron_name": f"{file.stem}-{turn}", "swc": str(file.relative_to(folder)), "digest": file_digest(file)}
        for turn in range(arguments.times)
        for file in files
    ]
    run(records[:3], folder, 1, arguments.supersample)  # compiles
    found: dict[int, list[tuple[float, float, float, float]]] = {1: [], arguments.workers: []}
    apart: list[float] = []
    for _ in range(arguments.rounds):
        apart.append(independent(records, folder, arguments.workers, arguments.supersample))
        sys.stderr.write(f"{arguments.workers} independent: {apart[-1]:.1f} s\n")
        for workers, results in found.items():
            results.append(run(records, folder, workers, arguments.supersample))
            sys.stderr.write(f"{workers} workers: {results[-1][0]:.1f} s, CPU {results[-1][2]:.1f} s\n")
    (one, one_each, one_cpu, _), (many, many_each, many_cpu, leading) = (
        [statistics.median(figures) for figures in zip(*results, strict=True)] for results in found.values()
    )
    n, best = arguments.workers, statistics.median(apart)
    sys.stdout.write(
        f"{len(records)} neurons, {os.cpu_count()} CPUs: {one:.1f} s with 1 process, {many:.1f} s with {n}: efficiency "
        f"{one / many / n:.0%} with the start of the workers, {one_each / many_each / n:.0%} without; CPU "
        f"{one_cpu:.1f} s and {many_cpu:.1f} s, of which the leading process {leading:.1f} s; {n} independent "
        f"processes {best:.1f} s: {one / best / n:.0%}\n"
    )


if __name__ == "__main__":
    main()
