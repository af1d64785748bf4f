"""Every format opens to the same voxels and the same voxel size, whatever its axes, chunks and packing."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from neuropil.em.formats.streams import GzipBytes
from neuropil.em.formats.units import nanometres_per, stated
from neuropil.em.volume import find_volumes, open_volume, volume_digest, volume_name
from neuropil.errors import InputError
from volume_files import FORMATS, NM, RAW, WITHOUT_SIZE, hdf5, imagej, nifti, ome_zarr, sections, tiff, zarr_group

WHERE = [np.s_[:], np.s_[3], np.s_[-1], np.s_[2:9, 5:20, 7:30], np.s_[::3, 4, ...], np.s_[..., 1:2], np.s_[4:4, 2:5]]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_voxels_and_their_size(tmp_path: Path, name: str) -> None:
    path = FORMATS[name](tmp_path / name)
    with open_volume(path, resolution_nm=(1, 1, 1)) as volume:  # what the file states comes first
        assert volume.resolution_nm == NM and volume.shape == RAW.shape
        assert volume.raw.dtype == RAW.dtype and volume.raw.ndim == 3
        for where in WHERE:
            assert np.array_equal(volume.raw[where], RAW[where])
    assert find_volumes(path) == [path]


@pytest.mark.parametrize("name", WITHOUT_SIZE)
def test_a_missing_voxel_size_is_asked_for_in_one_line(tmp_path: Path, name: str) -> None:
    path = WITHOUT_SIZE[name](tmp_path / name)
    with pytest.raises(InputError, match=r"no voxel size.*folder\.resolution_nm=30x6x6") as error, open_volume(path):
        pass
    assert str(path) in str(error.value) and "\n" not in str(error.value)
    with open_volume(path, resolution_nm=NM) as volume:
        assert volume.resolution_nm == NM
        for where in WHERE:
            assert np.array_equal(volume.raw[where], RAW[where])


def test_a_declared_voxel_size_wins_over_the_files(tmp_path: Path) -> None:
    with open_volume(hdf5(tmp_path / "a.h5"), declared_nm=(16, 16, 16)) as volume:
        assert volume.resolution_nm == (16, 16, 16) and volume.stated_nm == NM


@pytest.mark.parametrize("dtype", ["<u2", ">u2", ">i4", "<f4", ">f8"])
def test_byte_order_and_type_are_kept(tmp_path: Path, dtype: str) -> None:
    values = RAW.astype(dtype) * 3
    for path in (nifti(tmp_path / "a.nii.gz", values), tiff(tmp_path / "a.tif", values, byteorder=dtype[0])):
        with open_volume(path, resolution_nm=NM) as volume:
            assert volume.raw.dtype == np.dtype(dtype).newbyteorder("=") and np.array_equal(volume.raw[:], values)


def test_grey_values_of_nifti_are_scaled_as_its_header_says(tmp_path: Path) -> None:
    import nibabel

    image = nibabel.Nifti1Image(RAW.T, np.diag([6, 6, 30, 1.0]))
    image.header.set_slope_inter(2.0, -5.0)
    nibabel.save(image, tmp_path / "a.nii.gz")
    header = bytearray(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    header[112:120] = np.array([2.0, -5.0], "<f4").tobytes()  # nibabel itself writes them as no scaling
    (tmp_path / "a.nii").write_bytes(header)
    with open_volume(tmp_path / "a.nii") as volume:
        expected = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj).T
        assert np.array_equal(volume.raw[2:4], expected[2:4]) and not np.array_equal(expected, RAW)


def test_going_back_in_a_gzipped_file_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuropil.em.formats.streams._SPACING", 10_000)
    rng = np.random.default_rng(1)
    data = rng.integers(0, 64, 400_000).astype(np.uint8).tobytes()
    path = tmp_path / "members.gz"  # several members, as bgzip and cat make them, behind something else
    path.write_bytes(b"header" + gzip.compress(data[:150_000]) + gzip.compress(data[150_000:]))
    stream = GzipBytes(path, 6)
    assert stream.read_at(0, len(data)) == data
    assert len(stream._marks) > 2
    for start in rng.integers(0, len(data) - 5000, 200).tolist():
        assert stream.read_at(start, 5000) == data[start : start + 5000]
    with pytest.raises(InputError, match="cut off"):
        stream.read_at(len(data) - 10, 11)
    stream.close()


def test_labels_of_groups_come_with_them(tmp_path: Path) -> None:
    ids = RAW.astype(np.uint64) + 2**60
    for path in (zarr_group(tmp_path / "a.zarr", labels={"neuron_ids": ids}),):
        with open_volume(path) as volume:
            assert list(volume.labels) == ["neuron_ids"] and np.array_equal(volume.labels["neuron_ids"][:], ids)
    with open_volume(ome_zarr(tmp_path / "b.ome.zarr", labels=True)) as volume:
        assert np.array_equal(volume.labels["neuron_ids"][:], RAW.astype(np.uint64) + 2**40)


def test_sections_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    many = np.arange(12, dtype=np.uint16)[:, None, None] * np.ones((1, 5, 6), np.uint16) + 300
    with open_volume(sections(tmp_path / "png", raw=many), resolution_nm=NM) as volume:
        assert np.array_equal(volume.raw[:], many)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: tiff(path / "one.tif", RAW[0]), "one section"),
        (lambda path: tifffile.imwrite(path / "rgb.tif", np.zeros((4, 9, 9, 3), np.uint8), photometric="rgb"), "grey"),
        (lambda path: ome_zarr(path / "two.ome.zarr", channels=2), "one channel"),
        (lambda path: nifti(path / "four.nii", np.zeros((2, 3, 4, 5), np.uint8)), "three axes"),
        (lambda path: (path / "page.nii.gz").write_text("<html>" * 200), "NIfTI"),
        (lambda path: (path / "page.nrrd").write_text("<html>"), "no NRRD"),
        (lambda path: (path / "page.tif").write_text("<html>"), "no TIFF"),
        (lambda path: (path / "zarr.json").write_text("<html>"), "Zarr"),
    ],
)
def test_what_is_no_volume_is_said_in_one_line(tmp_path: Path, write: object, words: str) -> None:
    write(tmp_path)  # type: ignore[operator]
    (path,) = find_volumes(tmp_path)
    with pytest.raises(InputError, match=words) as error, open_volume(path, resolution_nm=NM):
        pass
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["x_first.nii.gz", "plain.nii", "plain.nrrd", "packed.nrrd", "imagej.tif", "zip.tif"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, name: str) -> None:
    write = FORMATS.get(name, lambda path: tiff(path, compression="zlib"))
    path = write(tmp_path / name)
    path.write_bytes(path.read_bytes()[: -RAW[0].nbytes * 2])
    with pytest.raises(InputError) as error, open_volume(path, resolution_nm=NM) as volume:
        volume.raw[:]
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_sections_of_another_shape_are_named(tmp_path: Path) -> None:
    from PIL import Image

    folder = sections(tmp_path / "png")
    Image.fromarray(RAW[0, :10]).save(folder / "s4.png")
    with open_volume(folder, resolution_nm=NM) as volume, pytest.raises(InputError, match=r"s4\.png.*alike"):
        volume.raw[:]


def test_a_name_is_that_of_the_file_without_what_tells_the_format(tmp_path: Path) -> None:
    for name, wanted in {"a.b.nii.gz": "a.b", "x.ome.tif": "x", "y.h5": "y", "of_my.day.nrrd": "of_my.day"}.items():
        (tmp_path / name).touch()
        assert volume_name(tmp_path / name) == wanted
    assert volume_name(zarr_group(tmp_path / "z.zarr")) == "z"
    assert volume_name(sections(tmp_path / "run.3")) == "run.3"


def test_a_digest_is_that_of_the_content(tmp_path: Path) -> None:
    one, two = zarr_group(tmp_path / "a.zarr"), zarr_group(tmp_path / "b.zarr")
    assert volume_digest(one) == volume_digest(two) != volume_digest(hdf5(tmp_path / "a.h5"))
    next(file for file in two.rglob("c/0/0/0")).write_bytes(b"other")
    assert volume_digest(one) != volume_digest(two)


@pytest.mark.parametrize("unit", ["nm", "nanometers", "um", "µm", "μm", "micron", "Micrometre", "mm", "m", "Å", "inch"])
def test_units_are_known_by_symbol_and_name(unit: str) -> None:
    assert nanometres_per(unit) and nanometres_per("furlong") is None and nanometres_per(None) is None


def test_numbers_that_are_no_voxel_size_in_their_unit_are_nanometres() -> None:
    assert stated((30, 8, 8), "mm") == (30, 8, 8) == stated((0.03, 0.008, 0.008), "um") == stated((30, 8, 8), None)
    assert stated((0.00003, 0.000008, 0.000008), "mm") == (30, 8, 8)
    assert stated((1, 1, 1), "mm") is None and stated((1, 1, 1), None) is None and stated((1, 1, 1), "nm") == (1, 1, 1)
    assert stated((0, 8, 8), "nm") is None and stated((1e9, 8, 8), "nm") is None


def test_an_imagej_stack_in_pixels_states_no_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no voxel size"), open_volume(imagej(tmp_path / "a.tif", unit="pixel")):
        pass


def test_one_of_several_arrays_is_chosen_by_its_key(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["first"], file["second"] = RAW, RAW[::-1]
    with pytest.raises(InputError, match="it holds first, second"), open_volume(tmp_path / "a.h5", resolution_nm=NM):
        pass
    with open_volume(tmp_path / "a.h5", resolution_nm=NM, key="second") as volume:
        assert np.array_equal(volume.raw[:], RAW[::-1])
    with pytest.raises(InputError, match="no array third"), open_volume(tmp_path / "a.h5", key="third"):
        pass
