"""Volumes are found with their labels; those that cannot be used are refused in one line that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from neuropil.em.convert import convert_volume
from neuropil.em.listing import GENERIC, list_volumes
from neuropil.em.volume import find_volumes, open_volume
from neuropil.errors import InputError, MachineError
from volume_files import sections, tiff


def _write(
    path: Path, *, raw: Any = None, labels: Any = None, name: str = "volumes/raw", resolution: Any = (30, 8, 8)
) -> Path:
    with h5py.File(path, "w") as file:
        if raw is not None:
            file[name] = raw
            if resolution is not None:
                file[name].attrs["resolution"] = resolution
        if labels is not None:
            file["volumes/labels/neuron_ids"] = labels
    return path


RAW = np.random.default_rng(0).integers(0, 256, (6, 10, 12)).astype(np.uint8)


def test_a_volume_opens_with_its_shape_resolution_and_labels(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5", raw=RAW, labels=np.ones(RAW.shape, np.uint32))
    with open_volume(path) as volume:
        assert volume.shape == (6, 10, 12)
        assert volume.resolution_nm == (30.0, 8.0, 8.0)
        assert list(volume.labels) == ["neuron_ids"]


def test_raw_data_may_lie_in_main(tmp_path: Path) -> None:
    with open_volume(_write(tmp_path / "a.h5", raw=RAW, name="main")) as volume:
        assert volume.shape == RAW.shape and not volume.labels


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"raw": None}, ["no dataset volumes/raw", "put the grey values"]),
        (
            {"raw": RAW, "labels": np.ones((6, 10, 11), np.uint32)},
            ["neuron_ids", "(6, 10, 11)", "(6, 10, 12)", "crop or pad"],
        ),
        ({"raw": RAW, "resolution": None}, ["no attribute `resolution`", "nanometres"]),
        ({"raw": RAW, "resolution": (30, 8)}, ["`resolution`", "three lengths"]),
        ({"raw": RAW, "resolution": (30, 0, 8)}, ["`resolution`", "above 0"]),
        ({"raw": RAW[0]}, ["three axes"]),
        ({"raw": RAW, "labels": np.ones(RAW.shape, np.float32)}, ["neuron_ids", "integers"]),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, options: dict[str, Any], words: list[str]) -> None:
    path = _write(tmp_path / "bad.h5", **options)
    with pytest.raises(InputError) as error, open_volume(path):
        pass
    assert "\n" not in str(error.value)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_a_truncated_file_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = _write(tmp_path / "cut.h5", raw=np.zeros((40, 64, 64), np.uint8))
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(InputError, match="cut off"):
        convert_volume(path, tmp_path / "out" / "cut.h5", name="cut")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_hdf5_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.h5").write_text("<html>")
    with pytest.raises(InputError, match="not HDF5"), open_volume(tmp_path / "page.h5"):
        pass


def test_a_damaged_chunk_is_the_inputs_fault_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rot.h5"
    with h5py.File(path, "w") as file:
        noise = np.random.default_rng(0).integers(0, 256, (16, 64, 64)).astype(np.uint8)
        dataset = file.create_dataset("volumes/raw", data=noise, chunks=(16, 64, 64), compression="gzip")
        dataset.attrs["resolution"] = (30, 8, 8)
        offset = dataset.id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset : offset + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        convert_volume(path, tmp_path / "out.h5", name="rot")
    assert not (tmp_path / "out.h5").exists()


def test_conversion_keeps_grey_values_and_64_bit_ids(tmp_path: Path) -> None:
    ids = np.arange(RAW.size, dtype=np.uint64).reshape(RAW.shape) + 2**40
    path = _write(tmp_path / "a.h5", raw=RAW, labels=ids)
    record = convert_volume(path, tmp_path / "b.h5", name="b")
    assert record["shape"] == [6, 10, 12] and record["labels"] == ["neuron_ids"] and record["path"] == "b.h5"
    with open_volume(tmp_path / "b.h5") as volume:
        assert volume.raw.dtype == np.uint8 and (volume.raw[:] == RAW).all()
        assert volume.labels["neuron_ids"].dtype == np.uint64 and (volume.labels["neuron_ids"][:] == ids).all()


def test_conversion_scales_other_types_and_is_reproducible(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.h5", raw=RAW.astype(np.float32) / 100 - 1)
    first = convert_volume(path, tmp_path / "b.h5", name="b")
    second = convert_volume(path, tmp_path / "c.h5", name="b")
    with open_volume(tmp_path / "b.h5") as volume:
        assert volume.raw[:].min() == 0 and volume.raw[:].max() == 255
    assert first["digest"] == second["digest"]


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.h5", raw=RAW)

    def full(*_: Any) -> None:
        raise OSError("Can't write data (file write failed: errno = 28, error message = 'No space left on device')")

    monkeypatch.setattr("neuropil.em.convert._copy_raw", full)
    with pytest.raises(MachineError, match="disk is full"):
        convert_volume(path, tmp_path / "out" / "b.h5", name="b")
    assert not list((tmp_path / "out").iterdir())


def test_volumes_are_found_in_folders_and_refused_by_suffix(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.h5", "deep/a.hdf", ".hidden.h5", "note.txt", "c.nii.gz", "preview.png", "deep/d.nrrd"):
        (tmp_path / name).touch()
    assert [path.name for path in find_volumes(tmp_path)] == ["b.h5", "c.nii.gz", "a.hdf", "d.nrrd"]
    with pytest.raises(InputError, match="no such file"):
        find_volumes(tmp_path / "none")
    with pytest.raises(InputError, match="not a volume"):
        find_volumes(tmp_path / "note.txt")


def _listed(folder: Path, *files: str) -> dict[str, tuple[str, dict[str, str]]]:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return {
        found.name: (
            found.raw.relative_to(folder).as_posix(),
            {kind: path.relative_to(folder).as_posix() for kind, path in found.labels.items()},
        )
        for found in list_volumes(folder)
    }


@pytest.mark.parametrize(
    ("raw", "labels", "name", "kind"),
    [
        ("AC3_inputs.h5", "AC3_labels.h5", "AC3", GENERIC),
        ("x.nii.gz", "x_labels.nii.gz", "x", GENERIC),
        ("image/train-input.tif", "seg/train-labels.tif", "train", GENERIC),
        ("imagesTr/jurkat_0000.nii.gz", "labelsTr/jurkat.nii.gz", "jurkat", GENERIC),
        ("raw/a.tif", "labels/a.tif", "a", GENERIC),
        ("cell.nrrd", "cell_mito.nrrd", "cell", "mitochondria"),
        ("cell_em.tif", "cell.clefts.tif", "cell", "clefts"),
        ("cell.tif", "cell_semantic.tif", "cell", "semantic"),
        ("one_raw.h5", "one_neuron_ids.tif", "one", "neuron_ids"),
    ],
)
def test_labels_are_found_beside_their_volume(tmp_path: Path, raw: str, labels: str, name: str, kind: str) -> None:
    assert _listed(tmp_path, raw, labels) == {name: (raw, {kind: labels})}


def test_several_labels_and_splits_are_kept_apart(tmp_path: Path) -> None:
    listed = _listed(
        tmp_path, "a.tif", "a_mito.tif", "a_neurons.tif", "b.tif", "lonely_labels.tif",
        "imagesTr/c_0000.nii", "labelsTr/c.nii", "imagesTs/d_0000.nii",
    )  # fmt: skip
    assert listed["a"] == ("a.tif", {"mitochondria": "a_mito.tif", "neuron_ids": "a_neurons.tif"})
    assert listed["b"] == ("b.tif", {}) and listed["lonely_labels"] == ("lonely_labels.tif", {})
    assert listed["d_0000"] == ("imagesTs/d_0000.nii", {})


def test_folders_of_sections_are_paired(tmp_path: Path) -> None:
    for folder in ("rat/im", "rat/mito", "plain", "EM30-R-im"):
        sections(tmp_path / folder)
    found = {one.name: (one.raw, one.labels) for one in list_volumes(tmp_path)}
    assert found == {
        "rat": (tmp_path / "rat/im", {"mitochondria": tmp_path / "rat/mito"}),
        "plain": (tmp_path / "plain", {}),
        "EM30-R-im": (tmp_path / "EM30-R-im", {}),
    }


def test_figures_of_different_sizes_are_no_sections(tmp_path: Path) -> None:
    sections(tmp_path / "figures", raw=RAW[:2])
    assert [path.name for path in find_volumes(tmp_path)] == ["figures"]
    Image.fromarray(RAW[0, :5]).save(tmp_path / "figures" / "s1.png")
    assert find_volumes(tmp_path) == []


def test_a_volume_of_its_own_is_no_labels_of_another(tmp_path: Path) -> None:
    _write(tmp_path / "retina.h5", raw=RAW)
    _write(tmp_path / "retina_mito.h5", raw=RAW)
    assert [path.name for path in find_volumes(tmp_path)] == ["retina.h5", "retina_mito.h5"]


def test_stacks_in_a_folder_are_volumes_and_single_images_are_sections(tmp_path: Path) -> None:
    sections(tmp_path / "tif", ".tif")
    (tmp_path / "stacks").mkdir()
    for name in "ab":
        tiff(tmp_path / "stacks" / f"{name}.tif")
    found = {path.relative_to(tmp_path).as_posix() for path in find_volumes(tmp_path)}
    assert found == {"tif", "stacks/a.tif", "stacks/b.tif"}
