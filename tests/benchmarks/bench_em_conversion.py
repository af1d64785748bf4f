"""Peak memory of taking in, inspecting and training on a volume of 4 gigavoxels: at most 2 GB, all processes together.

    python tests/benchmarks/bench_em_conversion.py [--shape 1024x2048x2048] [--format hdf5|transposed|nifti|sections]
        [--folder PATH] [--workers 1] [--loaders 0] [--stages inspect+train]

A volume with labels is generated block by block (cells of noise, about 20 in each cube of 64 voxels, every one with an
id of its own above 2^40). Then each stage runs in a process of its own, with the functions that the pipelines call:
- take in: hashed, converted to HDF5 in the CREMI layout, hashed again;
- inspect: the pass of the defect report and the data card over the converted volume;
- train: the parts decoded to disk, and a few steps on random patches of 32 x 96 x 96.
For each stage: seconds, processor seconds, and at the peak the memory of all its processes together (what several share
counts once: PSS, with the pages of mapped files) and the resident memory of the largest. At the end: bytes on disk.

The limit is meant for one process that converts and none that loads patches (as in the environment laptop); each more
costs its own libraries and what it keeps of the maps, whatever the size of the volume.

Formats: hdf5, chunked as published; transposed, HDF5 whose z lies together; nifti, gzipped and x first; sections, PNG
images with labels in 16 bits (fewer ids). Disk for 4 gigavoxels: some 40 GB.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

LIMIT = 2048  # MB, all processes of a stage together
CUBE = 64
NM = (16.0, 8.0, 8.0)
Shape = tuple[int, int, int]


def take_in(folder: str, workers: int) -> None:
    """Convert the raw volume."""
    from neuropil.compute import ComputeParameters
    from neuropil.sources.folder_volumes import folder_volumes
    from neuropil.sources.volume_intake import take_in_volumes
    from neuropil.sources.volume_parameters import FolderVolumes
    from neuropil.work.index import Index

    raw = Index(list(folder_volumes(FolderVolumes(path=Path(folder, "raw"), resolution_nm=NM))))
    volumes, log = take_in_volumes(raw, Path(folder), Path(folder, "volumes"), ComputeParameters(workers=workers))
    assert [line["state"] for line in log] == ["done"], list(log)
    volumes.save(Path(folder, "volumes.jsonl"))


def inspect(folder: str, workers: int) -> None:
    """Read the converted volume once."""
    from neuropil.compute import ComputeParameters
    from neuropil.em.inspection.inspect import inspect_volumes
    from neuropil.work.index import Index

    volumes = Index.open(Path(folder, "volumes.jsonl"))
    assert len(inspect_volumes(volumes, Path(folder, "volumes"), ComputeParameters(workers=workers))) == 1


def train(folder: str, loaders: int) -> None:
    """Decode the parts, and train for a few steps."""
    from neuropil.em.parameters import EmDataParameters, EmLossParameters, EmModelParameters, EmOptimizerParameters
    from neuropil.em.train import train_network
    from neuropil.statistics.volumes import split_volumes
    from neuropil.training.parameters import TrainingParameters
    from neuropil.work.index import Index

    volumes = list(Index.open(Path(folder, "volumes.jsonl")))
    split = split_volumes(volumes, val_fraction=0.15, test_fraction=0.15, gap_nm=200.0)
    train_network(
        volumes,
        Path(folder, "volumes"),
        split,
        model=EmModelParameters(
            type="vista3d", encoder_name="residual_unet", feature_size=8, num_classes=5, emb_dim=8
        ),
        data=EmDataParameters(
            slice_mode=False, patch_size=(32, 96, 96), batch_size=1, num_workers=loaders, samples_per_epoch=24,
            validation_samples=4,
        ),
        loss=EmLossParameters(),
        optimizer=EmOptimizerParameters(),
        training=TrainingParameters(max_epochs=1, accelerator="cpu"),
        folder=Path(folder, "training"),
        seed=17,
    )  # fmt: skip


def measured(function: Callable[..., None], *arguments: Any) -> dict[str, float]:
    """Run the function in a fresh process; the peaks of it and its children, megabytes, and its seconds."""
    context = multiprocessing.get_context("spawn")
    queue: Any = context.Queue()
    start = time.perf_counter()
    process = context.Process(target=_watched, args=(queue, function, arguments))
    process.start()
    while queue.empty() and process.is_alive():
        time.sleep(0.1)
    if queue.empty():
        process.join()
        sys.exit(f"{function.__name__} failed")
    found: dict[str, float] = queue.get()
    process.join()
    return {**found, "seconds": time.perf_counter() - start}


def _watched(queue: Any, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    peaks = {"together": 0.0, "largest": 0.0}
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(peaks, ended), daemon=True)
    watch.start()
    function(*arguments)
    ended.set()
    watch.join()
    times = os.times()
    queue.put({**peaks, "processor": times.user + times.system + times.children_user + times.children_system})


def _watch(peaks: dict[str, float], ended: threading.Event) -> None:
    me = psutil.Process()
    while not ended.wait(0.1):
        together = 0.0
        for one in (me, *me.children(recursive=True)):
            try:
                found = one.memory_full_info()
            except psutil.Error:
                continue
            together += found.pss / 2**20
            peaks["largest"] = max(peaks["largest"], found.rss / 2**20)
        peaks["together"] = max(peaks["together"], together)


def generate(folder: Path, shape: Shape, kind: str) -> None:
    """Write the raw volume and its labels, a layer of cubes at a time."""
    folder.mkdir(parents=True)
    cube = _cube()
    writer = {"hdf5": _to_hdf5, "transposed": _to_transposed, "nifti": _to_nifti, "sections": _to_sections}[kind]
    writer(folder, shape, (_layer(cube, shape, z, np.uint16 if kind == "sections" else np.uint64)
                           for z in range(0, shape[0], CUBE)))  # fmt: skip


def _cube() -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Grey values and ids (1 to 20, 0 between them) of one cube."""
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(0)
    grid = np.indices((CUBE,) * 3).reshape(3, -1).T
    distances, nearest = cKDTree(rng.random((20, 3)) * CUBE).query(grid, k=2)
    ids = np.where(distances[:, 1] - distances[:, 0] > 2, nearest[:, 0] + 1, 0).reshape((CUBE,) * 3)
    grey = np.where(ids > 0, 170, 70) + rng.normal(0, 15, ids.shape)
    return np.clip(grey, 0, 255).astype(np.uint8), ids.astype(np.uint64)


def _layer(cube: Any, shape: Shape, z: int, dtype: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    depth = min(CUBE, shape[0] - z)
    grey, ids = np.empty((depth, *shape[1:]), np.uint8), np.empty((depth, *shape[1:]), dtype)
    number = z // CUBE * math.ceil(shape[1] / CUBE) * math.ceil(shape[2] / CUBE)
    for y in range(0, shape[1], CUBE):
        for x in range(0, shape[2], CUBE):
            place = np.s_[:, y : y + CUBE, x : x + CUBE]
            inner = np.s_[:depth, : shape[1] - y, : shape[2] - x]
            grey[place] = cube[0][inner]
            base = np.uint64(number * 20 % 65_000 if dtype == np.uint16 else number * 20 + 2**40)
            ids[place] = np.where(cube[1][inner] > 0, cube[1][inner] + base, np.uint64(0)).astype(dtype)
            number += 1
    return grey, ids


Layers = Iterator[tuple[NDArray[Any], NDArray[Any]]]


def _to_hdf5(folder: Path, shape: Shape, layers: Layers) -> None:
    import h5py

    with h5py.File(folder / "large.h5", "w") as file:
        options = {"shape": shape, "chunks": (64, 64, 64)}
        raw = file.create_dataset("volumes/raw", dtype="u1", **options)
        ids = file.create_dataset(
            "volumes/labels/neuron_ids", dtype="u8", compression="gzip", compression_opts=1, **options
        )
        raw.attrs["resolution"] = ids.attrs["resolution"] = NM
        for number, (grey, labels) in enumerate(layers):
            raw[number * CUBE : number * CUBE + len(grey)] = grey
            ids[number * CUBE : number * CUBE + len(grey)] = labels


def _to_transposed(folder: Path, shape: Shape, layers: Layers) -> None:
    import h5py

    with h5py.File(folder / "large.h5", "w") as file:
        raw = file.create_dataset("volumes/raw", dtype="u1", shape=shape[::-1], chunks=(16, 16, shape[0]))
        ids = file.create_dataset("volumes/labels/neuron_ids", dtype="u8", shape=shape[::-1], chunks=(16, 16, shape[0]),
                                  compression="gzip", compression_opts=1)  # fmt: skip
        for dataset in (raw, ids):
            dataset.attrs["resolution"] = NM
            for place, axis in enumerate("xyz"):
                dataset.dims[place].label = axis
        # Chunks through all sections are written column by column, so the layers are gathered for a strip of y.
        gathered = list(layers)
        for y in range(0, shape[1], CUBE):
            for dataset, which in ((raw, 0), (ids, 1)):
                strip = np.concatenate([layer[which][:, y : y + CUBE] for layer in gathered])
                dataset[:, y : y + CUBE] = strip.T


def _to_nifti(folder: Path, shape: Shape, layers: Layers) -> None:
    import gzip

    import nibabel

    with gzip.open(folder / "large.nii.gz", "wb", 1) as raw, gzip.open(folder / "large_labels.nii.gz", "wb", 1) as ids:
        for file, dtype in ((raw, np.uint8), (ids, np.uint64)):
            header = nibabel.Nifti1Header()
            header.set_data_dtype(dtype)
            header.set_data_shape(shape[::-1])
            header.set_zooms(NM[::-1])
            header["vox_offset"], header["magic"] = 352, b"n+1"
            file.write(header.binaryblock + bytes(4))
        for grey, labels in layers:
            raw.write(grey.tobytes())
            ids.write(labels.tobytes())


def _to_sections(folder: Path, shape: Shape, layers: Layers) -> None:
    from PIL import Image

    (folder / "im").mkdir()
    (folder / "labels").mkdir()
    number = 0
    for grey, labels in layers:
        for section, ids in zip(grey, labels, strict=True):
            Image.fromarray(section).save(folder / "im" / f"im{number:05}.png", compress_level=1)
            Image.fromarray(ids).save(folder / "labels" / f"seg{number:05}.png", compress_level=1)
            number += 1


def size_gb(folder: Path) -> float:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9


def main() -> None:
    """Generate, run the stages, print the table; exits with 1 where a stage needs more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", default="1024x2048x2048")
    parser.add_argument("--format", choices=("hdf5", "transposed", "nifti", "sections"), default="hdf5")
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder otherwise")
    parser.add_argument("--workers", type=int, default=1, help="compute.workers")
    parser.add_argument("--loaders", type=int, default=0, help="em_segmentation.data.num_workers")
    parser.add_argument("--stages", default="inspect+train", help="what follows taking in")
    given = parser.parse_args()
    z, y, x = (int(size) for size in given.shape.split("x"))
    folder = Path(tempfile.mkdtemp(prefix="bench-em-", dir=given.folder))
    try:
        start = time.perf_counter()
        generate(folder / "raw", (z, y, x), given.format)
        tell(f"{z} x {y} x {x} = {z * y * x / 1e9:.2f} gigavoxels, {given.format}: {size_gb(folder / 'raw'):.1f} GB, "
             f"generated in {time.perf_counter() - start:.0f} s")  # fmt: skip
        worst = run(folder, ["take in", *filter(None, given.stages.split("+"))], given.workers, given.loaders)
        tell(f"on disk: converted {size_gb(folder / 'volumes'):.1f} GB, parts {size_gb(folder / 'training'):.1f} GB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell(f"processes of a stage together {worst:.0f} MB, limit {LIMIT} MB: {'held' if worst < LIMIT else 'EXCEEDED'}")
    sys.exit(worst >= LIMIT)


def run(folder: Path, names: list[str], workers: int, loaders: int) -> float:
    """Run the stages, a line for each; the largest peak."""
    stages = {"take in": (take_in, workers), "inspect": (inspect, workers), "train": (train, loaders)}
    tell(f"{'stage':10}{'seconds':>10}{'processor':>11}{'MB together':>13}{'MB largest':>12}")
    worst = 0.0
    for name in names:
        function, processes = stages[name]
        found = measured(function, str(folder), processes)
        worst = max(worst, found["together"])
        tell(f"{name:10}{found['seconds']:10.0f}{found['processor']:11.0f}{found['together']:13.0f}"
             f"{found['largest']:12.0f}")  # fmt: skip
    return worst


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
