"""Your own volumes: records of every format, labels beside them, and what a table says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from neuropil.errors import InputError
from neuropil.sources.folder_volumes import folder_volumes
from neuropil.sources.volume_parameters import FolderVolumes
from volume_files import NM, hdf5, nifti, sections, tiff, zarr_group


def found(path: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """The records by name."""
    return {record["name"]: record for record in folder_volumes(FolderVolumes(path=path, **options))}


def test_no_volume_path_is_no_volume() -> None:
    assert list(folder_volumes(FolderVolumes())) == []


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_missing_or_empty_volume_folder_is_one_clear_line(tmp_path: Path, make: Any) -> None:
    path = tmp_path / "volumes"
    make(path)
    with pytest.raises(InputError, match=r"ingestion.volumes.folder.path=.*volumes"):
        found(path)


def test_every_format_has_a_record_and_labels_go_with_their_volume(tmp_path: Path) -> None:
    hdf5(tmp_path / "AC3_inputs.h5", key="main")
    hdf5(tmp_path / "AC3_labels.h5", key="main")
    nifti(tmp_path / "cell.nii.gz")
    nifti(tmp_path / "cell_mito.nii.gz")
    nifti(tmp_path / "cell_semantic.nii.gz")
    zarr_group(tmp_path / "own.zarr")
    sections(tmp_path / "deep" / "png")
    records = found(tmp_path, resolution_nm="16x8x8")
    assert sorted(records) == ["AC3", "cell", "own", "png"]
    assert all(record["source"] == "folder" and Path(record["raw"]["path"]).exists() for record in records.values())
    assert all(
        record["default_resolution_nm"] == [16, 8, 8] and not record["resolution_nm"] for record in records.values()
    )
    labels = {name: {kind: Path(one["path"]).name for kind, one in record.get("labels", {}).items()}
              for name, record in records.items()}  # fmt: skip
    assert labels["AC3"] == {"neuron_ids": "AC3_labels.h5"} and "labels" not in records["own"]
    assert labels["cell"] == {"mitochondria": "cell_mito.nii.gz", "semantic": "cell_semantic.nii.gz"}
    assert records["cell"]["labels"]["semantic"]["classes"]["3"] == 3 and records["cell"]["annotated"][-1] == 15


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_table_tells_voxel_size_classes_split_and_kind_of_labels(tmp_path: Path, form: str) -> None:
    tiff(tmp_path / "a.tif")
    tiff(tmp_path / "a_labels.tif")
    tiff(tmp_path / "b.tif")
    table = tmp_path / f"facts.{form}"
    table.write_text(
        "name,resolution_nm,annotated,split,labels,licence\na.tif,30x6x6,0 3,val,mitochondria,CC0\nb,,,,,\n"
        if form == "csv"
        else '{"name": "a", "resolution_nm": [30, 6, 6], "annotated": [3, 0], "split": "val", '
        '"labels": "mitochondria", "licence": "CC0"}\n'
    )
    records = found(tmp_path, metadata=table)
    one = records["a"]
    assert one["resolution_nm"] == list(NM) and one["annotated"] == [0, 3] and one["split"] == "val"
    assert list(one["labels"]) == ["mitochondria"] and one["licence"] == "CC0"
    assert records["b"]["resolution_nm"] is None and records["b"]["split"] is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{"name": "a", "resolution_nm": "30x6"}', "resolution_nm='30x6'.*three lengths"),
        ('{"name": "a", "resolution_nm": [30, 0, 6]}', "three lengths above 0"),
        ('{"name": "a", "annotated": "0 99"}', "annotated='0 99'.*0 to 15"),
        ('{"name": "a", "split": "training"}', "split='training'.*train, val, test"),
        ('{"name": "a", "labels": "axons"}', "labels='axons'.*neuron_ids"),
        ('{"name": "z"}', "none of its 1 rows.*first names z"),
    ],
)
def test_a_table_that_says_what_cannot_be_is_one_line(tmp_path: Path, row: str, words: str) -> None:
    tiff(tmp_path / "a.tif")
    (tmp_path / "facts.jsonl").write_text(row)
    with pytest.raises(InputError, match=words) as error:
        found(tmp_path, metadata=tmp_path / "facts.jsonl")
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    tiff(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"folder\.metadata=.*no such file"):
        found(tmp_path, metadata=tmp_path / "none.csv")
