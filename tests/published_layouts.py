"""Small EM volumes in every layout in which SNEMI3D, CREMI, MitoEM and MICrONS are published, or lie on people's disks.

Each writer puts the same `Tissue` down, so that a test can compare what comes out of any two layouts. The names, keys,
types, attributes and axis orders are those of the published files; only the volumes are small.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter
from scipy.spatial import cKDTree

NO_CLEFT = np.uint64(0xFFFFFFFFFFFFFFFF)
SNEMI_NM, CREMI_NM, MITOEM_NM, MICRONS_NM = (30, 6, 6), (40, 4, 4), (30, 8, 8), (40, 8, 8)
FIRST_ROOT_ID = 864_691_135_000_000_000  # ids of MICrONS: far above what float64 tells apart
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Tissue:
    """Grey values (uint8) and, of the same shape (z, y, x), ids of neurons, mitochondria and clefts (uint64)."""

    raw: np.ndarray
    neurons: np.ndarray
    mitochondria: np.ndarray
    clefts: np.ndarray

    @property
    def semantic(self) -> np.ndarray:
        """MitoEM 2.0's mask: 1 = inside of a mitochondrion, 2 = its boundary."""
        filled = self.mitochondria > 0
        inside = np.zeros_like(filled)
        for one in np.unique(self.mitochondria[filled]):
            inside |= binary_erosion(self.mitochondria == one)
        return np.where(inside, 1, np.where(filled, 2, 0)).astype(np.uint8)


def tissue(shape: Shape = (24, 64, 64), seed: int = 0, cells: int = 20) -> Tissue:
    """Cells around random seeds with dark membranes and a gap between them; dark mitochondria; clefts at membranes."""
    rng = np.random.default_rng(seed)
    size = np.array(shape)
    points = rng.random((cells, 3)) * size
    grid = np.indices(shape).reshape(3, -1).T
    distances, nearest = cKDTree(points / size).query(grid / size, k=2)
    neurons = (nearest[:, 0] + 1).reshape(shape).astype(np.uint64)
    margin = (distances[:, 1] - distances[:, 0]).reshape(shape)
    neurons[margin < 0.02] = 0
    mitochondria = np.zeros(shape, np.uint64)
    radii = np.maximum(size / 8, 3)
    for number, centre in enumerate(points[: max(cells // 3, 3)], 1):
        mitochondria[(((np.indices(shape).T - centre) / radii) ** 2).sum(-1).T < 1] = number
    clefts = np.full(shape, NO_CLEFT)
    touching = (margin < 0.04) & (margin >= 0.02)
    for number in range(1, 4):
        clefts[touching & (neurons == np.uint64(number))] = number
    grey = np.where(neurons == 0, 70.0, 180.0) - 60.0 * (mitochondria > 0)
    grey = gaussian_filter(grey, (0, 0.7, 0.7)) + rng.normal(0, 8, shape)
    return Tissue(np.clip(grey, 0, 255).astype(np.uint8), neurons, mitochondria, clefts)


def checksum(file: Path, kind: Literal["md5", "sha256"]) -> str:
    """The checksum of a file, as publishers state it."""
    return hashlib.new(kind, file.read_bytes()).hexdigest()


def zipped(folder: Path, target: Path, *, below: str = "") -> Path:
    """All files below a folder as a zip, under their relative names, with `below` put before them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, below + file.relative_to(folder).as_posix())
    return target


# SNEMI3D ------------------------------------------------------------------------------------------------------------


def write_snemi_folder(folder: Path, train: Tissue, test: Tissue) -> Path:
    """The unpacked zip of Zenodo: stacks `image/train-input.tif`, `seg/train-labels.tif`, `image/test-input.tif`."""
    import tifffile

    for name, stack in (
        ("image/train-input.tif", train.raw),
        ("seg/train-labels.tif", train.neurons.astype(np.uint16)),
        ("image/test-input.tif", test.raw),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(folder / name, stack, photometric="minisblack")
    return folder


def write_snemi_zip(target: Path, train: Tissue, test: Tissue, *, scratch: Path) -> Path:
    """`snemi.zip` of Zenodo."""
    return zipped(write_snemi_folder(scratch / "snemi", train, test), target)


def write_snemi_guide(folder: Path, train: Tissue, test: Tissue) -> Path:
    """The guide's layout: AC4 and AC3, `_inputs.h5` and `_labels.h5` of each, dataset `main`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, one in (("AC4", train), ("AC3", test)):
        _write_hdf5(folder / f"{name}_inputs.h5", {"main": one.raw})
        _write_hdf5(folder / f"{name}_labels.h5", {"main": one.neurons.astype(np.uint32)})
    return folder


def write_snemi_mirror(target: Path, train: Tissue) -> Path:
    """The HDF5 mirror of the training volume."""
    return _write_hdf5(target, {"volumes/raw": train.raw, "volumes/labels/neuron_ids": train.neurons})


# CREMI --------------------------------------------------------------------------------------------------------------

CremiForm = Literal["cropped", "padded", "test", "guide"]
CREMI_NAMES: dict[str, str] = {
    "cropped": "sample_{}_20160501.hdf",
    "padded": "sample_{}_padded_20160501.hdf",
    "test": "sample_{}+_20160601.hdf",
    "guide": "sample{}.h5",
}


def write_cremi(
    folder: Path,
    samples: dict[str, Tissue],
    form: CremiForm = "cropped",
    *,
    padding: Shape = (3, 8, 8),
    resolution_nm: Shape = CREMI_NM,
) -> list[Path]:
    """Samples A, B, C as published. Padded: raw is larger on every side, labels bear their `offset` (nm) within it."""
    return [
        _write_cremi_sample(folder / CREMI_NAMES[form].format(name), one, form, padding, resolution_nm)
        for name, one in samples.items()
    ]


def _write_cremi_sample(target: Path, one: Tissue, form: CremiForm, padding: Shape, resolution_nm: Shape) -> Path:
    import h5py

    raw = np.pad(one.raw, [(pad, pad) for pad in padding], mode="reflect") if form == "padded" else one.raw
    labels = {} if form == "test" else {"neuron_ids": one.neurons, "clefts": one.clefts}
    target.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(target, "w") as file:
        file.attrs["file_format"] = "0.2"
        file.create_dataset("volumes/raw", data=raw, compression="gzip").attrs["resolution"] = _float3(resolution_nm)
        for name, ids in labels.items():
            dataset = file.create_dataset(f"volumes/labels/{name}", data=ids, compression="gzip")
            dataset.attrs["resolution"] = _float3(resolution_nm)
            if form == "padded":
                dataset.attrs["offset"] = _float3([pad * nm for pad, nm in zip(padding, resolution_nm, strict=True)])
        if labels:
            file["annotations/ids"] = np.array([1, 2], np.uint64)
            file["annotations/locations"] = np.array([[40.0, 8.0, 8.0], [40.0, 16.0, 16.0]])
            file["annotations/types"] = np.array([b"presynaptic_site", b"postsynaptic_site"])
            file["annotations/presynaptic_site/partners"] = np.array([[1, 2]], np.uint64)
    return target


def _float3(values: Sequence[float]) -> np.ndarray:
    return np.array(values, float)


# MitoEM -------------------------------------------------------------------------------------------------------------

MITOEM2_FOLDERS = {
    name.lower(): f"Dataset{number:03}_ME2-{name}"
    for number, name in enumerate(("Beta", "Jurkat", "Macro", "Mossy", "Podo", "Pyra", "Sperm", "Stem"), 1)
}


def write_mitoem2(
    folder: Path,
    cases: dict[str, dict[str, Tissue]],
    dataset: str = "beta",
    *,
    spacing: Shape = (16, 16, 16),
    split_form: Literal["object", "list", "splits.json"] = "object",
) -> Path:
    """One of the eight data sets in nnU-Net's layout; NIfTI is (x, y, z). Returns `folder/DatasetNNN_ME2-NAME`.

    Args:
        folder: where it goes.
        cases: tissues by case for "train", "val" and "test".
        dataset: its lower-case name.
        spacing: what the headers say, (z, y, x).
        split_form: `split.json` is an object or a list of one, or it is called `splits.json`; all three are about.
    """
    root = folder / MITOEM2_FOLDERS[dataset]
    for part, tissues in cases.items():
        for case, one in tissues.items():
            ending = "Ts" if part == "test" else "Tr"
            _write_nifti(root / f"images{ending}" / f"{case}_0000.nii.gz", one.raw, spacing)
            _write_nifti(root / f"labels{ending}" / f"{case}.nii.gz", one.semantic, spacing)
    split: Any = {part: sorted(tissues) for part, tissues in cases.items()}
    name = "splits.json" if split_form == "splits.json" else "split.json"
    (root / name).write_text(json.dumps(split if split_form == "object" else [split]))
    labels = {"background": 0, "mitochondria": 1, "boundary": 2}
    count = sum(len(cases.get(part, ())) for part in ("train", "val"))
    described = {"channel_names": {"0": "EM"}, "labels": labels, "numTraining": count, "file_ending": ".nii.gz"}
    (root / "dataset.json").write_text(json.dumps(described))
    return root


def write_mitoem2_zip(root: Path, target_folder: Path) -> Path:
    """`DatasetNNN_ME2-NAME.zip` of a folder that `write_mitoem2` wrote."""
    return zipped(root, target_folder / f"{root.name}.zip", below=f"{root.name}/")


def _write_nifti(target: Path, array: np.ndarray, spacing: Shape) -> None:
    import nibabel

    target.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array.T, np.diag([*spacing[::-1], 1.0]))
    nibabel.save(image, target)


def write_mitoem1(folder: Path, one: Tissue, *, train: int = 12, val: int = 6) -> Path:
    """MitoEM v1: `im/im0000.png` ..., ids in `mito-train-v2/seg0000.tif` ... and `mito-val-v2/`; the rest is the test.

    Args:
        folder: `human` or `rat` in the guide's layout.
        one: all sections.
        train: sections of the training part; `val` follow them.
    """
    import tifffile
    from PIL import Image

    (folder / "im").mkdir(parents=True)
    for number, section in enumerate(one.raw):
        Image.fromarray(section).save(folder / "im" / f"im{number:04}.png")
    for part, numbers in (("train", range(train)), ("val", range(train, train + val))):
        (folder / f"mito-{part}-v2").mkdir()
        for number in numbers:
            ids = one.mitochondria[number].astype(np.uint16)
            tifffile.imwrite(folder / f"mito-{part}-v2" / f"seg{number:04}.tif", ids)
    return folder


def write_mitoem1_zips(folder: Path, target_folder: Path, letter: str) -> tuple[Path, Path]:
    """`EM30-R-im.zip` and `EM30-R-mito-train-val-v2.zip` of a folder that `write_mitoem1` wrote."""
    images = zipped(folder / "im", target_folder / f"EM30-{letter}-im.zip", below="im/")
    labels = target_folder / f"EM30-{letter}-mito-train-val-v2.zip"
    with zipfile.ZipFile(labels, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.glob("mito-*/*.tif")):
            archive.write(file, file.relative_to(folder).as_posix())
    return images, labels


# MICrONS ------------------------------------------------------------------------------------------------------------


def write_precomputed(
    folder: Path,
    one: Tissue,
    *,
    version: int = 943,
    offset: Shape = (0, 0, 0),
    resolution_nm: Shape = MICRONS_NM,
    encoding: Literal["raw", "jpeg"] = "raw",
    block: int = 16,
) -> Path:
    """`em` and `seg_mVERSION` as Neuroglancer precomputed volumes of two scales: all, and every other voxel in y, x.

    Args:
        folder: what the address's last part is put into.
        one: the tissue; ids get `FIRST_ROOT_ID` added.
        version: of the segmentation.
        offset: of the first voxel, (z, y, x).
        resolution_nm: of the first scale.
        encoding: of the grey values; published is jpeg, which loses.
        block: edge of a chunk.
    """
    ids = np.where(one.neurons > 0, one.neurons + np.uint64(FIRST_ROOT_ID), 0).astype(np.uint64)
    for name, array, kind, how in (
        ("em", one.raw, "image", encoding),
        (f"seg_m{version}", ids, "segmentation", "compressed_segmentation"),
    ):
        for mip in (0, 1):
            step = 2**mip
            _write_scale(
                folder / name,
                array[:, ::step, ::step],
                {"type": kind, "data_type": str(array.dtype), "num_channels": 1},
                {
                    "key": f"{mip}",
                    "resolution": [resolution_nm[2] * step, resolution_nm[1] * step, resolution_nm[0]],
                    "encoding": how,
                    "chunk_size": [block] * 3,
                    "voxel_offset": [offset[2] // step, offset[1] // step, offset[0]],
                },
            )
    return folder


def _write_scale(folder: Path, array: np.ndarray, multiscale: dict[str, Any], scale: dict[str, Any]) -> None:
    import tensorstore

    if scale["encoding"] == "compressed_segmentation":
        scale = {**scale, "compressed_segmentation_block_size": [8, 8, 8]}
    store = tensorstore.open(
        {
            "driver": "neuroglancer_precomputed",
            "kvstore": {"driver": "file", "path": f"{folder}/"},
            "multiscale_metadata": multiscale,
            "scale_metadata": {**scale, "size": list(array.shape[::-1])},
        },
        create=True,
        open=True,
    ).result()
    store[..., 0] = array.T


def _write_hdf5(target: Path, arrays: dict[str, np.ndarray]) -> Path:
    import h5py

    target.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(target, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip")
    return target
