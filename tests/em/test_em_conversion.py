"""Conversion ends in the same HDF5 whatever the format; blocks cover every voxel once, within their memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cc3d
import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.em.components import write_components
from neuropil.em.container import CHUNK
from neuropil.em.convert import Source, convert_volume
from neuropil.em.streaming import block_shape, pieces, storage_blocks
from neuropil.em.volume import LabelSource, open_volume
from neuropil.errors import InputError
from published_layouts import CREMI_NM, NO_CLEFT, tissue, write_cremi
from volume_files import FORMATS, NM, RAW, WITHOUT_SIZE, hdf5, nifti, tiff

ONE = tissue((20, 48, 56))


def read(path: Path) -> dict[str, Any]:
    """All datasets of a file, by name."""
    found: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, node: found.update({name: node[:]}) if hasattr(node, "shape") else None)
    return found


@pytest.mark.parametrize("name", [*FORMATS, *WITHOUT_SIZE])
def test_every_format_ends_in_the_same_hdf5(tmp_path: Path, name: str) -> None:
    path = {**FORMATS, **WITHOUT_SIZE}[name](tmp_path / name)
    record = convert_volume(path, tmp_path / "out.h5", name="v", resolution_nm=NM)
    assert record["shape"] == list(RAW.shape) and record["resolution_nm"] == list(NM) and record["labels"] == []
    assert record["provenance"]["resolution_in_file"] == (list(NM) if name in FORMATS else None)
    made = read(tmp_path / "out.h5")
    assert list(made) == ["volumes/raw"] and np.array_equal(made["volumes/raw"], RAW)
    with h5py.File(tmp_path / "out.h5") as file:
        assert tuple(file["volumes/raw"].attrs["resolution"]) == NM and file["volumes/raw"].dtype == np.uint8


def test_labels_of_a_padded_file_lie_where_its_offset_says(tmp_path: Path) -> None:
    (padded,) = write_cremi(tmp_path, {"A": ONE}, "padded", padding=(3, 8, 5))
    (cropped,) = write_cremi(tmp_path, {"A": ONE}, "cropped")
    record = convert_volume(padded, tmp_path / "padded.h5", name="A")
    other = convert_volume(cropped, tmp_path / "cropped.h5", name="A")
    box = [[3, 23], [8, 56], [5, 61]]
    assert record["annotated_box"] == box and other["annotated_box"] == [[0, 20], [0, 48], [0, 56]]
    assert record["annotated"] == other["annotated"] == [0, 1, 2] and record["instances"] == other["instances"]
    inside = tuple(slice(*span) for span in box)
    large, small = read(tmp_path / "padded.h5"), read(tmp_path / "cropped.h5")
    assert small["volumes/labels/neuron_ids"].any() and small["volumes/labels/clefts"].any()
    for name, values in small.items():
        assert np.array_equal(large[name][inside], values)
        if "labels" in name:
            assert np.count_nonzero(large[name]) == np.count_nonzero(values)  # nothing outside the box
    with open_volume(tmp_path / "padded.h5") as volume:  # the project's own file keeps it
        assert volume.annotated_box == tuple(map(tuple, box)) and volume.annotated == (0, 1, 2)
        assert volume.resolution_nm == CREMI_NM


def test_an_offset_out_of_the_image_or_none_is_one_line(tmp_path: Path) -> None:
    (padded,) = write_cremi(tmp_path, {"A": ONE}, "padded", padding=(3, 8, 5))
    with h5py.File(padded, "a") as file:
        file["volumes/labels/clefts"].attrs["offset"] = (4000.0, 0, 0)
    with pytest.raises(InputError, match=r"begin at voxel \(100, 0, 0\).*not inside"):
        convert_volume(padded, tmp_path / "out.h5", name="A")
    with h5py.File(padded, "a") as file:
        del file["volumes/labels/clefts"].attrs["offset"]
    with pytest.raises(InputError, match=r"clefts.*write the attribute `offset`"):
        convert_volume(padded, tmp_path / "out.h5", name="A")


def test_transposed_labels_are_said_to_be(tmp_path: Path) -> None:
    raw, labels = hdf5(tmp_path / "raw.h5"), hdf5(tmp_path / "ids.h5", RAW.T.astype(np.uint16), key="main")
    source = Source(raw, labels={"neuron_ids": LabelSource(labels)})
    with pytest.raises(InputError, match="seem to be transposed"):
        convert_volume(source, tmp_path / "out.h5", name="v")


def test_ids_of_64_bits_stay_and_the_mark_of_no_instance_becomes_zero(tmp_path: Path) -> None:
    ids = ONE.neurons + np.uint64(2**63)
    ids[:, :10] = NO_CLEFT
    source = Source(
        hdf5(tmp_path / "raw.h5", ONE.raw), labels={"neuron_ids": LabelSource(hdf5(tmp_path / "i.h5", ids))}
    )
    record = convert_volume(source, tmp_path / "out.h5", name="v")
    made = read(tmp_path / "out.h5")["volumes/labels/neuron_ids"]
    assert made.dtype == np.uint64 and np.array_equal(made, np.where(ids == NO_CLEFT, 0, ids))
    assert record["instances"] == {"neuron_ids": len(np.unique(made)) - 1}


def test_a_mask_of_classes_becomes_classes_and_components(tmp_path: Path) -> None:
    semantic = ONE.semantic
    labels = {"semantic": LabelSource(nifti(tmp_path / "s.nii.gz", semantic))}
    source = Source(nifti(tmp_path / "r.nii.gz", ONE.raw), labels=labels, classes={"semantic": {1: 3, 2: 4}})
    record = convert_volume(source, tmp_path / "out.h5", name="v")
    made = read(tmp_path / "out.h5")
    assert record["labels"] == ["classes", "mitochondria"] and record["annotated"] == [3, 4]
    assert np.array_equal(made["volumes/labels/classes"], np.array([0, 3, 4], np.uint64)[semantic])
    expected, count = cc3d.connected_components(semantic == 1, connectivity=6, return_N=True)
    assert record["instances"] == {"mitochondria": count} and count > 2
    ids = made["volumes/labels/mitochondria"]
    pairs = np.unique(np.stack([ids.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == count + 1 and np.array_equal(ids > 0, expected > 0)


@pytest.mark.parametrize("block", [1, 50_000])
def test_components_do_not_depend_on_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr("neuropil.em.components._BLOCK_BYTES", block)
    rng = np.random.default_rng(0)
    for share in (0.32, 0.6):  # near the percolation threshold the components are long and wound
        mask = rng.random((40, 140, 30)) < share
        target = np.zeros(mask.shape, np.uint64)
        count = write_components(np.where(mask, 3, 1), 3, target)
        expected, wanted = cc3d.connected_components(mask, connectivity=6, return_N=True)
        assert count == wanted == target.max()
        assert np.unique(np.stack([target.ravel(), expected.ravel()]), axis=1).shape[1] == count + 1


def test_labels_stored_as_floats_are_ids_only_where_they_are_whole(tmp_path: Path) -> None:
    raw = hdf5(tmp_path / "raw.h5", ONE.raw)
    for scale, good in ((1.0, True), (0.5, False), (2.0**25, False)):
        labels = nifti(tmp_path / "ids.nii", (ONE.neurons * scale).astype(np.float32) + np.float32(scale == 0.5) / 2)
        source = Source(raw, labels={"neuron_ids": LabelSource(labels)})
        if good:
            convert_volume(source, tmp_path / "out.h5", name="v")
            assert np.array_equal(read(tmp_path / "out.h5")["volumes/labels/neuron_ids"], ONE.neurons)
        else:
            with pytest.raises(InputError, match="ids must be integers"):
                convert_volume(source, tmp_path / "out.h5", name="v")


def test_what_is_told_of_annotation_wins_and_stands_in_the_file(tmp_path: Path) -> None:
    (file,) = write_cremi(tmp_path, {"A": ONE})
    provenance = {"licence": "CC0", "url": "https://example.org", "citation": "Somebody"}
    record = convert_volume(Source(file, annotated=(1,), provenance=provenance), tmp_path / "out.h5", name="v")
    assert record["annotated"] == [1] and record["provenance"]["files"] == ["sample_A_20160501.hdf"]
    assert {key: record["provenance"][key] for key in provenance} == provenance
    with h5py.File(tmp_path / "out.h5") as made:
        assert list(made.attrs["annotated"]) == [1] and made.attrs["licence"] == "CC0"


def test_damage_met_while_reading_leaves_nothing(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif", RAW.repeat(40, axis=2), compression="zlib")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.tif.*section"):
        convert_volume(path, tmp_path / "out" / "v.h5", name="v", resolution_nm=NM)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("name", ["two.zarr", "three.zarr"])
def test_a_damaged_chunk_of_zarr_is_named_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    path = FORMATS[name](tmp_path / name)
    chunk = next(file for file in sorted(path.rglob("*")) if file.is_file() and file.name in ("0.0.0", "0"))
    chunk.write_bytes(b"<html>" + chunk.read_bytes()[6:])
    with pytest.raises(InputError, match=r"\.zarr.*damaged"):
        convert_volume(path, tmp_path / "out" / "v.h5", name="v")
    assert not list((tmp_path / "out").glob("*"))


@settings(max_examples=200, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 700)] * 3),
    chunks=st.one_of(st.none(), st.tuples(*[st.integers(1, 700)] * 3)),
    order=st.permutations((0, 1, 2)),
    itemsize=st.sampled_from([1, 2, 8]),
    most=st.integers(1, 1 << 24),
)
def test_blocks_are_whole_chunks_within_their_memory(
    shape: tuple[int, int, int], chunks: Any, order: Any, itemsize: int, most: int
) -> None:
    size = block_shape(shape, itemsize, chunks, order, most)
    least = [min(length, own) for length, own in zip(shape, CHUNK, strict=True)]
    for length, own, one in zip(shape, CHUNK, size, strict=True):
        assert one == length or (one % own == 0 and one < length)
    assert np.prod(size) * itemsize <= max(most, np.prod(least) * itemsize)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_blocks_and_pieces_cover_every_voxel_once(order: tuple[int, int, int]) -> None:
    class Array:
        shape, dtype, chunks, axis_order = (40, 300, 290), np.dtype("u8"), (7, 100, 30), order

    counts = np.zeros(Array.shape, int)
    blocks = list(storage_blocks(Array(), most=6 << 20))
    for block in blocks:
        whole = np.arange(counts[block].size).reshape(counts[block].shape)
        for outer, inner in pieces(block, 8, most=1 << 20):
            assert counts[outer].shape == whole[inner].shape
            counts[outer] += 1
    assert (counts == 1).all() and len(blocks) > 4
    first = blocks[0]
    assert first[order[-1]] == slice(0, Array.shape[order[-1]])  # what lies together is read together
