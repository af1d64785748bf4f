"""Files a second and peak memory of `kedro run --pipeline ingestion`, on a small and on a large folder.

    python tests/benchmarks/bench_ingestion.py [--files 2000 20000] [--workers 2] [--archive] [--keep FOLDER]

Each folder holds SWC files of 200 to 500 nodes (neurons of the sample, cut and jittered) in folders of 1,000, one in
fifty with a radius of 0 and one in five hundred an HTML page, and a table of facts. Every run is a process of its own
in a fresh workspace. Memory is what the kernel kept as each process's peak (VmHWM), read ten times a second: of the
process that was started ("parent") and of the largest worker. "Again" is a second run, in which nothing is to be done.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from neuropil.morphology.synthesis.grow import CLASSES, grow_neuron
from neuropil.work.index import Index, write_lines

PROJECT = Path(__file__).parents[2]
A_FOLDER = 1000


def generate(folder: Path, count: int, seed: int = 0) -> None:
    """Write `count` files and a `metadata.jsonl`."""
    rng = np.random.default_rng(seed)
    grown = [grow_neuron(name, number, seed)[0] for name in CLASSES for number in range(2)]
    for number in range(count):
        neuron = grown[number % len(grown)]
        n = min(len(neuron), int(rng.integers(200, 500)))
        points = neuron.points[:n] + rng.normal(0, 0.2, (n, 3))
        radii = neuron.radii[:n].copy()
        if number % 50 == 7:
            radii[n // 2] = 0
        parents = np.where(neuron.parents[:n] < 0, -1, neuron.parents[:n] + 1)
        table = np.column_stack([np.arange(1, n + 1), neuron.types[:n], points, radii, parents])
        file = folder / f"{number // A_FOLDER:04d}" / f"cell_{number:06d}.swc"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = ("%d %d %.2f %.2f %.2f %.3f %d\n" * n) % tuple(table.ravel().tolist())
        file.write_text("<html>404</html>" if number % 500 == 11 else "# generated\n" + text)
    facts = {"species": "mouse", "brain_region": ["neocortex", "layer 4"], "note": "x" * 300}
    write_lines(folder / "metadata.jsonl", ({"neuron_name": f"cell_{number:06d}", **facts} for number in range(count)))


def pack(folder: Path) -> Path:
    """The folder as one zip file."""
    return Path(shutil.make_archive(str(folder), "zip", folder))


@dataclass
class Peaks:
    """Largest resident memory in MiB and CPU seconds, of the parent and of all its workers."""

    parent: float = 0.0
    worker: float = 0.0
    parent_cpu: float = 0.0
    workers_cpu: float = 0.0


class Watch(threading.Thread):
    """Reads the memory of a process and its children until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peaks, self._process, self._cpu = Peaks(), psutil.Process(pid), {}

    def run(self) -> None:
        try:
            while True:
                self._look()
                time.sleep(0.1)
        except psutil.Error:
            return

    def _look(self) -> None:
        self.peaks.parent = max(self.peaks.parent, high_water(self._process.pid))
        times = self._process.cpu_times()
        self.peaks.parent_cpu = times.user + times.system
        for child in self._process.children(recursive=True):
            try:
                self.peaks.worker = max(self.peaks.worker, high_water(child.pid))
                times = child.cpu_times()
                self._cpu[child.pid] = times.user + times.system
            except psutil.Error:
                continue
        self.peaks.workers_cpu = sum(self._cpu.values())


def high_water(pid: int) -> float:
    """The peak resident memory of a process in MiB; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def ingest(path: Path, workspace: Path, workers: int) -> tuple[float, Peaks]:
    """Run ingestion as a person does; seconds and peaks."""
    given = f"workspace={workspace},ingestion.neurons.folder.path={path},compute.workers={workers}"
    command = [sys.executable, "-m", "kedro", "run", "--pipeline", "ingestion", "--env", "folder,laptop"]
    start = time.perf_counter()
    log = workspace.with_suffix(".log")
    with open(log, "w") as output:
        process = subprocess.Popen([*command, "--params", given], cwd=PROJECT, stdout=output, stderr=output)
        watch = Watch(process.pid)
        watch.start()
        if process.wait() != 0:
            raise SystemExit(log.read_text())
    return time.perf_counter() - start, watch.peaks


def measure(folder: Path, count: int, workers: int, archive: bool) -> tuple[float, float]:
    """One line of the report for a first and one for a second run; the peaks of the first, parent and worker."""
    if not (folder / f"{count}" / "metadata.jsonl").exists():
        generate(folder / f"{count}", count)
    source, workspace = folder / f"{count}", folder / f"ws_{count}"
    if archive:
        source = pack(source)
    shutil.rmtree(workspace, ignore_errors=True)
    first = None
    for label in ("first", "again"):
        seconds, peaks = ingest(source, workspace, workers)
        first = first or peaks
        tell(
            f"{count:>8} {label:<6} {seconds:7.1f} s {count / seconds:8.0f} files/s   parent {peaks.parent:6.0f} MiB "
            f"{peaks.parent_cpu:6.1f} s CPU   workers {peaks.worker:6.0f} MiB {peaks.workers_cpu:6.1f} s CPU"
        )
    log = Index.open(workspace / "03_primary" / "neurons" / "repair_log.jsonl")
    assert len(log) == count, f"{len(log)} of {count} files are accounted for"
    return first.parent, first.worker


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[2000, 20000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--archive", action="store_true", help="give the files as one zip file")
    parser.add_argument("--keep", type=Path, help="a folder for the files and workspaces, which stay")
    options = parser.parse_args()
    tell(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {options.workers} workers")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        peaks = [measure(folder, count, options.workers, options.archive) for count in options.files]
    tell(
        f"{options.files[-1]} files against {options.files[0]}: parent {peaks[-1][0] - peaks[0][0]:+.0f} MiB, "
        f"largest worker {peaks[-1][1] - peaks[0][1]:+.0f} MiB"
    )


if __name__ == "__main__":
    main()
