"""One label space: what a volume says of a voxel, and what it does not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from neuropil.em.arrays import Part, prepare_part, remove_other_parts
from neuropil.em.labels import (
    CLEFT,
    MITOCHONDRION,
    MITOCHONDRION_BOUNDARY,
    NEURON,
    NO_ID,
    OTHER,
    UNKNOWN,
    annotated_classes,
    annotated_mask,
    class_map,
    id_bases,
    instance_name,
)
from neuropil.errors import InputError, MachineError

HUGE = 2**63 + 11
NEURONS = np.array([[[0, HUGE, HUGE, HUGE, HUGE + 1, HUGE + 1]]], np.uint64)
MITOCHONDRIA = np.array([[[0, 0, 5, 0, 0, 0]]], np.uint64)
CLEFTS = np.array([[[9, NO_ID, NO_ID, 0, 9, 0]]], np.uint64)


def _codes(labels: dict[str, Any], stated: Sequence[int] | None = None) -> list[int]:
    record: dict[str, Any] = {"labels": list(labels)}
    if stated is not None:
        record["annotated"] = stated
    return [int(code) for code in class_map(labels, annotated_classes(record)).ravel()]


def test_background_is_known_where_neurons_are_annotated() -> None:
    assert _codes({"neuron_ids": NEURONS}) == [0, 1, 1, 1, 1, 1]


def test_mitochondria_and_clefts_override_neurons_and_no_cleft_is_none() -> None:
    labels = {"neuron_ids": NEURONS, "mitochondria": MITOCHONDRIA, "clefts": CLEFTS}
    assert _codes(labels) == [CLEFT, NEURON, MITOCHONDRION, NEURON, CLEFT, NEURON]


def test_a_volume_of_mitochondria_says_nothing_of_the_rest() -> None:
    assert _codes({"mitochondria": MITOCHONDRIA}) == [OTHER, OTHER, MITOCHONDRION, OTHER, OTHER, OTHER]


def test_zero_of_a_semantic_mask_is_other_and_not_background() -> None:
    mask = np.array([[[0, 3, 4, 0, 0, 0]]], np.uint64)
    found = _codes({"classes": mask, "mitochondria": (mask == 3).astype(np.uint64)}, [3, 4])
    assert found == [OTHER, MITOCHONDRION, MITOCHONDRION_BOUNDARY, OTHER, OTHER, OTHER]
    assert _codes({"classes": mask}) == [0, 3, 4, 0, 0, 0], "where nothing else is told, the mask is taken as it is"


def test_what_is_no_class_is_refused() -> None:
    with pytest.raises(InputError, match="classes are 0 to 15"):
        _codes({"classes": np.array([[[16]]])})


def test_annotated_classes_are_what_the_record_states_else_what_its_labels_tell() -> None:
    assert annotated_classes({"labels": ["neuron_ids"]}) == (0, 1)
    assert annotated_classes({"labels": ["clefts", "neuron_ids"]}) == (0, 1, 2)
    assert annotated_classes({"labels": ["mitochondria", "membranes"]}) == (3,)
    assert annotated_classes({"labels": ["mitochondria"], "annotated": [4, 3]}) == (3, 4)
    assert annotated_mask((0, 3, 9), 5).tolist() == [True, False, False, True, False]


def test_neurons_are_segmented_where_there_are_any_else_mitochondria() -> None:
    assert instance_name(["mitochondria", "neuron_ids"]) == "neuron_ids"
    assert instance_name(["classes", "mitochondria"]) == "mitochondria"
    assert instance_name(["classes", "clefts"]) is None


def test_no_two_volumes_of_a_data_set_share_an_id() -> None:
    counts = [3, 0, 2**40, 5]
    bases = id_bases(counts)
    spans = [set(range(base + 1, base + min(count, 10) + 1)) for base, count in zip(bases, counts, strict=True)]
    assert sum(map(len, spans)) == len(set().union(*spans))
    assert bases[-1] == 2**40 + 3


def _volume(path: Path, labels: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    shape = next(iter(labels.values())).shape
    raw = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    with h5py.File(path, "w") as file:
        file["volumes/raw"] = raw
        file["volumes/raw"].attrs["resolution"] = (30, 8, 8)
        for name, values in labels.items():
            file[f"volumes/labels/{name}"] = values
    return {"name": path.stem, "path": path.name, "digest": path.stem, "labels": list(labels), **facts}


def _blobs(shape: tuple[int, int, int]) -> dict[str, Any]:
    """Neurons of 64-bit ids with mitochondria and clefts in some of them."""
    neurons = np.zeros(shape, np.uint64)
    for position, x in enumerate(range(0, shape[2] - 8, 8)):
        neurons[:, 1:, x : x + 7] = HUGE + 7 * position
    mitochondria, clefts = np.zeros(shape, np.uint64), np.full(shape, NO_ID, np.uint64)
    mitochondria[2:6, 3:6, 9:12] = HUGE  # the id of a neuron: ids are unique within a dataset only
    clefts[4:5, 1:4, 15:18] = 1
    return {"neuron_ids": neurons, "mitochondria": mitochondria, "clefts": clefts}


@pytest.fixture
def decoded(tmp_path: Path) -> tuple[Part, dict[str, Any]]:
    labels = _blobs((37, 21, 60))
    record = _volume(tmp_path / "blobs.h5", labels)
    return prepare_part(record, tmp_path, [[3, 37], [0, 20], [2, 58]], tmp_path / "parts"), {
        name: values[3:37, :20, 2:58] for name, values in labels.items()
    }


def test_decoding_keeps_64_bit_ids_in_a_table_and_small_numbers_in_the_arrays(
    decoded: tuple[Part, dict[str, Any]],
) -> None:
    part, labels = decoded
    table = np.load(part.folder / "instances.npy")
    ids = np.concatenate([np.zeros(1, np.uint64), table["id"]])
    kinds = np.concatenate([[0], table["class"]])
    assert part.instances == len(table) and part.inner and part.shape == (34, 20, 56)
    assert (ids[part.open("ids")] == labels["neuron_ids"]).all()
    objects = np.array(part.open("objects"))
    inside = (labels["mitochondria"] > 0) | (labels["clefts"] != NO_ID)
    assert (ids[objects][~inside] == labels["neuron_ids"][~inside]).all()
    clefts = labels["clefts"] != NO_ID
    assert (kinds[objects][labels["mitochondria"] > 0][0], kinds[objects][clefts][0]) == (MITOCHONDRION, CLEFT)
    assert len(np.unique(objects[labels["mitochondria"] > 0])) == 1, "an id of two datasets is two instances"
    assert table["voxels"].tolist() == [int((objects == row).sum()) for row in range(1, len(table) + 1)]


def test_a_part_is_decoded_once_and_what_nobody_uses_is_removed(tmp_path: Path) -> None:
    record = _volume(tmp_path / "a.h5", _blobs((16, 20, 40)))
    folder = tmp_path / "parts"
    first = prepare_part(record, tmp_path, [[0, 8], [0, 20], [0, 40]], folder)
    stamp = first.path("raw").stat().st_mtime_ns
    second = prepare_part(record, tmp_path, [[8, 16], [0, 20], [0, 40]], folder)
    assert prepare_part(record, tmp_path, [[0, 8], [0, 20], [0, 40]], folder).path("raw").stat().st_mtime_ns == stamp
    (folder / ".b.999999999-00000000.part").mkdir()
    assert remove_other_parts(folder, [second]) == 2
    assert [place.name for place in folder.iterdir()] == [second.folder.name]


def test_outside_the_box_that_labels_cover_nothing_is_known(tmp_path: Path) -> None:
    labels = {"neuron_ids": np.full((20, 12, 14), 4, np.uint64)}
    record = _volume(tmp_path / "padded.h5", labels, annotated_box=[[5, 15], [0, 12], [3, 10]])
    part = prepare_part(record, tmp_path, [[2, 20], [0, 12], [0, 14]], tmp_path / "parts")
    known = np.zeros(part.shape, bool)
    known[3:13, :, 3:10] = True
    assert (part.open("classes") == np.where(known, NEURON, UNKNOWN)).all()
    assert ((part.open("ids") > 0) == known).all()


def test_a_part_larger_than_the_disk_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _volume(tmp_path / "a.h5", _blobs((16, 20, 40)))
    monkeypatch.setattr("neuropil.em.part_decoding.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(MachineError, match="free some space"):
        prepare_part(record, tmp_path, [[0, 16], [0, 20], [0, 40]], tmp_path / "parts")
    assert not any((tmp_path / "parts").iterdir())
