"""Milliseconds to read a random 64 x 128 x 128 patch of 100 x 1024 x 1024 voxels, and to make a training item of it.

    python tests/benchmarks/bench_em_patches.py [--rounds 200]
    python tests/benchmarks/bench_em_patches.py --large [--shape 1000x2000x2000] [--folder FOLDER]

The first alternates, in one process of one thread, the memory maps of a decoded part with the same box read from HDF5:
in chunks, plain and compressed, and in whole sections. All files are in the page cache. Medians.

The second makes a volume of four gigavoxels (8 GB of disk, and 24 more when it is decoded), decodes it and makes
training patches of it, each in a process of its own whose peak resident memory is told.
"""

from __future__ import annotations

import argparse
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from neuropil.em.arrays import Part, prepare_part
from neuropil.em.offsets import affinity_offsets
from neuropil.em.parameters import EmDataParameters, EmLossParameters
from neuropil.em.part_reader import PartReader
from neuropil.em.patches import PatchDataset

PATCH = (64, 128, 128)
LAYOUTS: dict[str, dict[str, Any]] = {
    "HDF5 16x64x64": {"chunks": (16, 64, 64)},
    "HDF5 16x64x64, lzf": {"chunks": (16, 64, 64), "compression": "lzf"},
    "HDF5 16x128x128, gzip": {"chunks": (16, 128, 128), "compression": "gzip", "compression_opts": 1, "shuffle": True},
    "HDF5, a section a chunk": {"chunks": (1, 1024, 1024), "compression": "gzip", "compression_opts": 1},
}


def grown(shape: tuple[int, int, int], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Grey values that compress as tissue does, and ids of cells of some 16 x 32 x 32 voxels."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, 2**40, [-(-n // b) for n, b in zip(shape, (16, 32, 32), strict=True)], dtype=np.uint64)
    for axis, times in enumerate((16, 32, 32)):
        ids = ids.repeat(times, axis)
    ids = np.ascontiguousarray(ids[tuple(slice(n) for n in shape)])
    raw = ((ids % 97) + 60).astype(np.uint8) + rng.integers(0, 40, shape, dtype=np.uint8)
    return raw, ids


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def record_of(path: Path, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"name": path.stem, "path": path.name, "digest": str(shape), "labels": ["neuron_ids"]}


def read_patches(rounds: int) -> None:
    shape = (100, 1024, 1024)
    raw, ids = grown(shape)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {}
        for number, (layout, options) in enumerate(LAYOUTS.items()):
            with h5py.File(folder / f"{number}.h5", "w") as file:
                file.create_dataset("volumes/raw", data=raw, **options).attrs["resolution"] = (30, 6, 6)
                if not number:
                    file.create_dataset("volumes/labels/neuron_ids", data=ids, **options)
            files[layout] = h5py.File(folder / f"{number}.h5")["volumes/raw"]
        start = time.process_time()
        part = prepare_part(record_of(folder / "0.h5", shape), folder, [[0, n] for n in shape], folder / "parts")
        decoding = time.process_time() - start
        reader, rng = PartReader([part]), np.random.default_rng(1)
        found: dict[str, list[float]] = {"memory map": [], **{layout: [] for layout in LAYOUTS}}
        for number in range(rounds):
            start_at = [int(rng.integers(n - m + 1)) for n, m in zip(shape, PATCH, strict=True)]
            box = tuple(slice(a, a + m) for a, m in zip(start_at, PATCH, strict=True))
            found["memory map"].append(milliseconds(lambda box=box: reader.read(0, "raw", box)))
            for layout, dataset in files.items():
                if "section" not in layout or number % 20 == 0:
                    found[layout].append(milliseconds(lambda box=box, dataset=dataset: dataset[box]))
        base = statistics.median(found["memory map"])
        say(
            f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}, h5py {h5py.__version__}"
        )
        say(f"decoding 105 megavoxels: {decoding:.1f} s of CPU\n{'64x128x128 from':<26}{'ms':>9}{'times':>9}")
        for layout, values in found.items():
            middle = statistics.median(values)
            say(f"{layout:<26}{middle:>9.2f}{middle / base:>9.1f}")
        for title, options in (
            ("item, not augmented", {"augmentation": {"enabled": False}}),
            ("item, augmented", {}),
            ("item, resampled from 30x6x6 to 40x8x8", {"augmentation": {"enabled": False}, "voxel_nm": (40, 8, 8)}),
        ):
            dataset = items(part, **options)
            dataset[0]
            before = time.process_time()
            for index in range(1, 9):
                dataset[index]
            say(f"{title:<40}{1e3 * (time.process_time() - before) / 8:>7.0f} ms of CPU")


def items(part: Part, **options: Any) -> PatchDataset:
    data = EmDataParameters(slice_mode=False, patch_size=PATCH, **options)
    return PatchDataset(
        [part],
        offsets=affinity_offsets((30.0, 60.0, 120.0), part.resolution_nm, 3),
        data=data,
        loss=EmLossParameters(),
        seed=1,
        validation=False,
        spacing_nm=data.voxel_nm,
    )


def generate(path: Path, shape: tuple[int, int, int]) -> None:
    """A volume in the project's own layout, 16 sections at a time."""
    options: dict[str, Any] = {"chunks": (16, 128, 128), "compression": "gzip", "compression_opts": 1, "shuffle": True}
    with h5py.File(path, "w") as file:
        raw = file.create_dataset("volumes/raw", shape, "u1", **{**options, "compression": None, "shuffle": False,
                                                                 "compression_opts": None})  # fmt: skip
        raw.attrs["resolution"] = (30, 6, 6)
        ids = file.create_dataset("volumes/labels/neuron_ids", shape, "u8", **options)
        for z in range(0, shape[0], 16):
            slab = slice(z, min(z + 16, shape[0]))
            raw[slab], ids[slab] = grown((slab.stop - z, *shape[1:]), seed=z)


def large(step: str, path: Path, shape: tuple[int, int, int], patches: int) -> None:
    """One step in this process; tells its seconds and its peak."""
    start = time.perf_counter()
    part = None
    if step == "generate":
        generate(path, shape)
    else:
        part = prepare_part(record_of(path, shape), path.parent, [[0, n] for n in shape], path.parent / "parts")
    if step == "patches" and part is not None:
        dataset = items(part, sampling={"uniform": 1, "classes": 1, "instances": 1})
        start = time.perf_counter()
        for index in range(patches):
            dataset[index]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    disk = f", {part.size_bytes / 1e9:.1f} GB on disk" if part else ""
    say(f"{step:<10}{time.perf_counter() - start:>8.0f} s, peak resident {peak:.0f} MiB{disk}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--shape", default="1000x2000x2000")
    parser.add_argument("--patches", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--step", choices=["generate", "decode", "patches"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.large:
        read_patches(arguments.rounds)
        return
    z, y, x = (int(n) for n in arguments.shape.split("x"))
    if arguments.step:
        large(arguments.step, arguments.folder / "large.h5", (z, y, x), arguments.patches)
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        say(f"{z} x {y} x {x} = {z * y * x / 1e9:.2f} gigavoxels")
        for step in ("generate", "decode", "patches"):
            subprocess.run([sys.executable, __file__, "--large", "--shape", arguments.shape, "--folder", folder,
                            "--patches", str(arguments.patches), "--step", step], check=True)  # fmt: skip


if __name__ == "__main__":
    main()
