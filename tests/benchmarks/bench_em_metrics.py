"""Counting pairs of ids, beside numpy; and the memory that scoring a large held-out part takes.

    python tests/benchmarks/bench_em_metrics.py [--file VOLUME.h5] [--shape 64x512x512] [--rounds 5]
    python tests/benchmarks/bench_em_metrics.py --large 256x1024x1024

The first form counts the contingency table of two segmentations by `Contingency.of` and by `numpy.unique` on pairs,
alternated in one process, in processor time of one thread; both tables must agree. Truth is a volume's own labels
(--file) or generated cells; the prediction is the truth shifted and cut, so that there are many pairs.

The second form writes a volume of that shape, a segmentation and its held-out part to a temporary folder and states the
peak resident memory and processor time of preparing and of scoring, each in a process of its own, beside those of a
part an eighth as large.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from neuropil.em.metrics import Contingency, adapted_rand, variation_of_information

Ids = NDArray[np.uint64]


def cells(shape: tuple[int, ...], seed: int = 0, pitch: int = 24) -> Ids:
    """Neurites as bent columns through the volume: a grid of about `pitch` voxels, displaced smoothly along z."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.arange(size) for size in shape], indexing="ij", sparse=True)
    phase = rng.uniform(0, 6, 4)
    rows = y + 9 * np.sin(z / 17 + phase[0]) + 5 * np.sin(x / 31 + phase[1])
    columns = x + 9 * np.sin(z / 13 + phase[2]) + 5 * np.sin(y / 29 + phase[3])
    across = shape[2] // pitch + 4
    return ((rows // pitch + 2) * across + columns // pitch + 2).astype(np.uint64) + 1


def with_numpy(truth: Ids, predicted: Ids) -> tuple[Ids, NDArray[np.int64]]:
    """Pairs and their counts, the usual way."""
    return np.unique(np.stack([truth.ravel(), predicted.ravel()], 1), axis=0, return_counts=True)


def rates(truth: Ids, predicted: Ids, rounds: int) -> dict[str, Any]:
    """Million voxels a second of each way, and their ratio."""
    table = Contingency.of(truth, predicted)
    pairs, counts = with_numpy(truth[:8], predicted[:8])
    small = Contingency.of(truth[:8], predicted[:8])
    np.testing.assert_array_equal(np.stack([small.truth, small.predicted], 1), pairs)
    np.testing.assert_array_equal(small.voxels, counts)
    times: dict[str, list[float]] = {"neuropil": [], "numpy": [], "measures": []}
    part = max(1, truth.shape[0] // 16)  # numpy sorts all voxels: a sixteenth of them is enough
    for _ in range(rounds):
        start = time.process_time()
        Contingency.of(truth, predicted)
        times["neuropil"].append(truth.size / (time.process_time() - start))
        start = time.process_time()
        with_numpy(truth[:part], predicted[:part])
        times["numpy"].append(truth[:part].size / (time.process_time() - start))
        start = time.process_time()
        adapted_rand(table), variation_of_information(table)
        times["measures"].append(time.process_time() - start)
    found = {name: float(np.median(values)) for name, values in times.items()}
    return {
        "voxels": truth.size,
        "pairs": len(table.voxels),
        "neuropil_mvoxel_per_s": round(found["neuropil"] / 1e6, 1),
        "numpy_mvoxel_per_s": round(found["numpy"] / 1e6, 2),
        "times_quicker": round(found["neuropil"] / found["numpy"], 1),
        "rand_and_voi_s": round(found["measures"], 5),
    }


def write_volume(folder: Path, shape: tuple[int, ...]) -> None:
    """A volume with labels, and a segmentation of it, section by section."""
    rng = np.random.default_rng(0)
    slab = 16
    with h5py.File(folder / "volume.h5", "w") as volume, h5py.File(folder / "found.h5", "w") as found:
        chunks = tuple(min(a, b) for a, b in zip(shape, (16, 128, 128), strict=True))
        options: dict[str, Any] = {"shape": shape, "chunks": chunks, "compression": "gzip", "compression_opts": 1}
        raw = volume.create_dataset("volumes/raw", dtype="uint8", **options)
        labels = volume.create_dataset("volumes/labels/neuron_ids", dtype="uint64", **options)
        predicted = found.create_dataset("volumes/labels/neuron_ids", dtype="uint64", **options)
        for dataset in (raw, labels):
            dataset.attrs["resolution"] = (30.0, 8.0, 8.0)
        truth = cells((slab, *shape[1:]))
        border = (truth != np.roll(truth, 1, 1)) | (truth != np.roll(truth, 1, 2))
        other = np.roll(truth, 3, 2) + np.where(np.arange(shape[1]) < shape[1] // 2, 0, 10**6)[:, None].astype(
            np.uint64
        )
        for z in range(0, shape[0], slab):
            depth = min(slab, shape[0] - z)
            grey = np.where(border, 60, 190) + rng.integers(-20, 20, truth.shape)
            raw[z : z + depth] = grey[:depth].astype(np.uint8)
            labels[z : z + depth] = truth[:depth]
            predicted[z : z + depth] = other[:depth]


def step(folder: Path, shape: tuple[int, ...], which: str) -> None:
    """Prepare or score the whole volume as a held-out part; print peak memory and time."""
    from types import SimpleNamespace

    from neuropil.compute import ComputeParameters
    from neuropil.em.scoring import connect_held_out, open_held_out, prepare, score, score_volumes
    from neuropil.work.index import Index

    extra = {"baseline": {"quantile": 0.35, "seed_nm": 20.0}, "split": "s"}
    for module in (prepare, score):
        module.load_checkpoint = lambda path: SimpleNamespace(extra=extra)  # type: ignore[attr-defined,assignment]
    record = {"name": "volume", "path": "volume.h5", "digest": "d", "labels": ["neuron_ids"], "shape": list(shape)}
    split = {"hash": "s", "volumes": {"volume": {"test": [[0, size] for size in shape]}}}
    made = {"name": "volume", "path": "found.h5", "digest": "d"}
    start = time.process_time()
    index = folder / "index.jsonl"
    if which == "prepare":
        found = connect_held_out(
            [record], folder, split, [made], folder, folder, folder / "store", compute=ComputeParameters(workers=1)
        )
        Index(list(found)).save(index)
    else:
        score_volumes(open_held_out(Index.open(index), folder / "store", folder, folder), folder, split, seed=0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"peak_mib": round(peak), "cpu_s": round(time.process_time() - start, 1)}) + "\n")


def large(shape: tuple[int, ...]) -> dict[str, Any]:
    """Peak memory and time of both steps, for the shape and for half of it along each axis."""
    result: dict[str, Any] = {}
    for size in (tuple(length // 2 for length in shape), shape):
        name = "x".join(map(str, size))
        with tempfile.TemporaryDirectory() as folder:
            write_volume(Path(folder), size)
            result[name] = {"mvoxel": round(float(np.prod(size)) / 1e6, 1)}
            for which in ("prepare", "score"):
                command = [sys.executable, __file__, "--step", which, "--folder", folder, "--shape", name]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                result[name][which] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--shape", default="64x512x512")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large")
    parser.add_argument("--step", choices=("prepare", "score"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    shape = tuple(int(size) for size in given.shape.split("x"))
    if given.step:
        step(given.folder, shape, given.step)
        return
    if given.large:
        result = large(tuple(int(size) for size in given.large.split("x")))
    else:
        if given.file:
            with h5py.File(given.file) as file:
                truth = file["volumes/labels/neuron_ids"][:].astype(np.uint64)
        else:
            truth = cells(shape)
        predicted = (
            np.roll(truth, 3, 2) * np.uint64(2) + (np.arange(truth.shape[1]) // 64 % 2).astype(np.uint64)[:, None]
        )
        result = rates(truth, predicted, given.rounds)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
