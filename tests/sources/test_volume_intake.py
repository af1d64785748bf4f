"""Taking volumes in: what is done stays done, what cannot be used is told, what is left over goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from neuropil.compute import ComputeParameters
from neuropil.em.volume import open_volume
from neuropil.errors import InputError
from neuropil.sources.folder_volumes import folder_volumes
from neuropil.sources.volume_intake import take_in_volumes
from neuropil.sources.volume_parameters import FolderVolumes
from neuropil.work.index import Index
from published_layouts import tissue, write_cremi
from volume_files import NM, RAW, hdf5, nifti, sections, tiff

HERE = ComputeParameters(workers=1)
DATA = os.environ.get("NEUROPIL_DATA")


def record(path: Path, **more: Any) -> dict[str, Any]:
    """A raw record of a file."""
    return {"name": path.name.split(".")[0], "source": "test", "raw": {"path": str(path), "key": None}, **more}


def test_records_of_both_forms_are_converted_and_all_are_logged(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    hdf5(tmp_path / "raw" / "old.h5")
    tiff(tmp_path / "new.tif")
    raw = Index([
        {"name": "old", "file": "old.h5", "source": "sample"},
        record(tmp_path / "new.tif", default_resolution_nm=[8, 8, 8], split="val", licence="CC0", url="u", labels={}),
        record(tmp_path / "bad.tif"),
        record(tmp_path / "new.tif", name="known", problem="it is noise"),
    ])  # fmt: skip
    volumes, log = take_in_volumes(raw, tmp_path / "raw", tmp_path / "store", HERE)
    by_name = {one["name"]: one for one in volumes}
    assert list(by_name) == ["old", "new"] and by_name["old"]["source"] == "sample"
    assert by_name["new"]["resolution_nm"] == [8, 8, 8] and by_name["new"]["split"] == "val"
    assert by_name["new"]["provenance"] == {
        "licence": "CC0", "url": "u", "files": ["new.tif"], "resolution_in_file": None,
    }  # fmt: skip
    assert [(line["name"], line["state"]) for line in log] == [
        ("old", "done"), ("new", "done"), ("bad", "refused"), ("known", "refused"),
    ]  # fmt: skip
    reasons = [line["reason"] for line in log]
    assert reasons[:2] == [None, None] and "no such file" in reasons[2] and reasons[3] == "it is noise"


def test_a_second_run_converts_only_what_changed(tmp_path: Path) -> None:
    one, two = hdf5(tmp_path / "one.h5"), nifti(tmp_path / "two.nii.gz")
    records = [record(one), record(two)]
    store = tmp_path / "store"

    def times() -> dict[str, int]:
        take_in_volumes(Index(records), tmp_path, store, HERE)
        return {file.name: file.stat().st_mtime_ns for file in store.glob("*.h5")}

    first = times()
    os.utime(one)  # touched, not changed
    assert times() == first
    nifti(two, RAW[::-1])
    second = times()
    assert second["one.h5"] == first["one.h5"] and second["two.h5"] != first["two.h5"]
    records[0] = record(one, annotated=[0, 1])
    assert times()["one.h5"] != first["one.h5"]
    (store / ".three.h5.999999999-00000000.part").touch()  # a killed run's
    del records[0]
    assert list(times()) == ["two.h5"] and not list(store.glob(".*.part"))


def test_a_section_that_changed_is_read_again(tmp_path: Path) -> None:
    folder = sections(tmp_path / "png")
    raw = Index([record(folder, default_resolution_nm=[8, 8, 8])])
    take_in_volumes(raw, tmp_path, tmp_path / "store", HERE)
    (folder / "s3.png").write_bytes((folder / "s4.png").read_bytes())
    take_in_volumes(raw, tmp_path, tmp_path / "store", HERE)
    with open_volume(tmp_path / "store" / "png.h5") as volume:
        assert np.array_equal(volume.raw[3], RAW[4])


def test_no_usable_volume_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the 2 volumes can be used; the first: noise"):
        take_in_volumes(
            Index([record(tmp_path / "a.h5", problem="noise"), record(tmp_path / "b.h5")]),
            tmp_path,
            tmp_path / "s",
            HERE,
        )


def test_processes_make_the_same_files(tmp_path: Path) -> None:
    one = tissue((20, 40, 40))
    files = write_cremi(tmp_path, {"A": one, "B": one}, "padded")
    raw = Index([record(file) for file in files])
    here, _ = take_in_volumes(raw, tmp_path, tmp_path / "here", HERE)
    there, log = take_in_volumes(raw, tmp_path, tmp_path / "there", ComputeParameters(workers=2))
    assert list(here) == list(there) and {line["state"] for line in log} == {"done"}


def test_a_semantic_mask_of_a_record_becomes_classes_and_instances(tmp_path: Path) -> None:
    one = tissue((20, 40, 40))
    raw, labels = nifti(tmp_path / "im.nii.gz", one.raw), nifti(tmp_path / "mask.nii.gz", one.semantic)
    made = {"semantic": {"path": str(labels), "key": None, "classes": {"1": 3, "2": 4}}}
    ((volume,), _) = take_in_volumes(
        Index([record(raw, labels=made, resolution_nm=[16, 16, 16])]), tmp_path, tmp_path / "s", HERE
    )
    assert volume["labels"] == ["classes", "mitochondria"] and volume["annotated"] == [3, 4]
    assert volume["resolution_nm"] == [16, 16, 16] and volume["provenance"]["resolution_in_file"] == list(NM)
    assert volume["instances"]["mitochondria"] > 0


@pytest.mark.skipif(DATA is None, reason="real volumes lie in NEUROPIL_DATA")
def test_real_volumes_keep_their_voxels_and_ids(tmp_path: Path) -> None:
    folder = Path(str(DATA)) / "em"
    volumes, log = take_in_volumes(Index(list(folder_volumes(FolderVolumes(path=folder)))), tmp_path, tmp_path, HERE)
    assert {line["state"] for line in log} == {"done"} and len(volumes) == 2
    for volume in volumes:
        with h5py.File(folder / volume["provenance"]["files"][0]) as old, h5py.File(tmp_path / volume["path"]) as new:
            for name in ("volumes/raw", *(f"volumes/labels/{label}" for label in volume["labels"])):
                assert np.array_equal(old[name][:], new[name][:])
            for label, count in volume["instances"].items():
                assert count == len(set(pd.unique(old[f"volumes/labels/{label}"][:].ravel())) - {0})
    by_name = {volume["name"]: volume for volume in volumes}
    assert by_name["fib25_train"]["annotated"] == [0, 1] and by_name["vnc_train"]["annotated"] == [0, 1, 2, 3]
