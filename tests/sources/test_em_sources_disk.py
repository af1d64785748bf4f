"""Published EM volumes that are on disk already: every layout gives the same records, and what is wrong one line."""

import json
import logging
import shutil

import h5py
import numpy as np
import pytest

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.em import looking
from neuropil.sources.em.checksums import check_files, read_checksums
from neuropil.sources.gathering import NeuronStores, gather_neurons, gather_volumes
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import IngestionParameters, NeuronSources, VolumeSources
from published_layouts import (
    CREMI_NAMES,
    checksum,
    tissue,
    write_cremi,
    write_mitoem1,
    write_mitoem1_zips,
    write_mitoem2,
    write_mitoem2_zip,
    write_snemi_folder,
    write_snemi_guide,
    write_snemi_mirror,
    write_snemi_zip,
)

A, B = tissue((12, 24, 24), cells=6), tissue((12, 24, 24), seed=1, cells=6)


def gathered(store, **sources):
    """The records of one source or more, by name."""
    index = gather_volumes(
        list(sources), VolumeSources(**sources), HttpParameters(attempts=1), store, seed=1, compute=ComputeParameters()
    )
    return {record["name"]: record for record in index}


def refusal(store, **sources):
    with pytest.raises(InputError) as caught:
        gathered(store, **sources)
    line = str(caught.value)
    assert "\n" not in line
    return line


def files(record):
    """The base names of images and labels."""
    raw = record["raw"]["path"].rpartition("/")[2]
    return raw, {name: one["path"].rpartition("/")[2] for name, one in record["labels"].items()}


# SNEMI3D ------------------------------------------------------------------------------------------------------------


def test_the_guides_snemi_is_two_volumes_with_labels(tmp_path):
    records = gathered(tmp_path / "raw", snemi3d={"path": write_snemi_guide(tmp_path / "data" / "snemi3d", A, B)})
    assert list(records) == ["AC4", "AC3"]
    assert files(records["AC4"]) == ("AC4_inputs.h5", {"neuron_ids": "AC4_labels.h5"})
    assert [records[name]["split"] for name in ("AC4", "AC3")] == ["train", "test"]
    for record in records.values():
        assert record["annotated"] == [0, 1] and record["default_resolution_nm"] == [30, 6, 6]
        assert record["licence"] == "CC-BY-4.0" and "Kasthuri" in record["citation"] and not record["problem"]


@pytest.mark.parametrize("kind", ["folder", "flat", "zip in a folder", "zip itself"])
def test_snemis_zip_is_read_packed_and_unpacked(tmp_path, kind):
    folder = write_snemi_folder(tmp_path / "unpacked", A, B)
    if kind == "flat":
        for file in folder.glob("*/*.tif"):
            shutil.move(file, folder / file.name)
    archive = write_snemi_zip(tmp_path / "packed" / "snemi.zip", A, B, scratch=tmp_path)
    path = {"zip in a folder": archive.parent, "zip itself": archive}.get(kind, folder)
    records = gathered(tmp_path / "raw", snemi3d={"path": path})
    assert files(records["AC4"]) == ("train-input.tif", {"neuron_ids": "train-labels.tif"})
    assert files(records["AC3"]) == ("test-input.tif", {}) and records["AC3"]["annotated"] == []
    if "zip" in kind:
        assert all((tmp_path / "raw" / record["raw"]["path"]).is_file() for record in records.values())
        assert not records["AC4"]["raw"]["path"].startswith("/")


def test_the_mirrors_one_file_holds_both(tmp_path):
    write_snemi_mirror(tmp_path / "data" / "snemi_train.h5", A)
    (record,) = gathered(tmp_path / "raw", snemi3d={"path": tmp_path / "data"}).values()
    assert record["name"] == "AC4" and record["labels"]["neuron_ids"]["key"] == "volumes/labels/neuron_ids"


def test_one_of_the_two_volumes_is_enough(tmp_path):
    folder = write_snemi_guide(tmp_path / "data", A, B)
    for file in folder.glob("AC4*"):
        file.unlink()
    assert list(gathered(tmp_path / "raw", snemi3d={"path": folder})) == ["AC3"]


def test_labels_without_images_are_told_and_left_aside(tmp_path, caplog):
    folder = write_snemi_guide(tmp_path / "data", A, B)
    (folder / "AC3_inputs.h5").unlink()
    assert list(gathered(tmp_path / "raw", snemi3d={"path": folder})) == ["AC4"]
    assert "labels of AC3 without its images" in caplog.text


def test_a_file_cut_off_is_a_record_with_its_problem(tmp_path):
    folder = write_snemi_guide(tmp_path / "data", A, B)
    file = folder / "AC3_inputs.h5"
    file.write_bytes(file.read_bytes()[:2000])
    records = gathered(tmp_path / "raw", snemi3d={"path": folder})
    assert "AC3_inputs.h5: cannot be opened, it is cut off" in records["AC3"]["problem"]
    assert records["AC4"]["problem"] is None


def test_a_path_that_is_wrong_or_empty_is_one_line(tmp_path):
    assert "ingestion.volumes.snemi3d.path" in refusal(tmp_path / "raw", snemi3d={"path": tmp_path / "none"})
    (tmp_path / "empty").mkdir()
    line = refusal(tmp_path / "raw", snemi3d={"path": tmp_path / "empty"})
    assert "no volume of SNEMI3D in it" in line and "AC4_inputs.h5" in line


# CREMI --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["cropped", "padded", "guide"])
def test_each_sample_of_cremi_is_a_volume_of_its_own(tmp_path, form):
    write_cremi(tmp_path / "data", {"A": A, "B": B, "C": A}, form)
    asked = {"path": tmp_path / "data", "form": "padded" if form == "padded" else "cropped"}
    records = gathered(tmp_path / "raw", cremi3d=asked)
    assert list(records) == ["sample_A", "sample_B", "sample_C"]
    assert files(records["sample_B"])[0] == CREMI_NAMES[form].format("B")
    assert all(record["annotated"] == [0, 1, 2] and record["split"] is None for record in records.values())
    assert records["sample_A"]["labels"]["clefts"]["key"] == "volumes/labels/clefts"


def test_the_form_that_is_asked_for_is_read_where_both_are_there(tmp_path):
    for form in ("cropped", "padded"):
        write_cremi(tmp_path / "data", {"A": A}, form)
    for form in ("cropped", "padded"):
        asked = {"path": tmp_path / "data", "samples": ["A"], "form": form}
        assert files(gathered(tmp_path / "raw", cremi3d=asked)["sample_A"])[0] == CREMI_NAMES[form].format("A")


def test_samples_without_labels_come_only_when_asked_for(tmp_path):
    for form in ("cropped", "test"):
        write_cremi(tmp_path / "data", {"A": A}, form)
    asked = {"path": tmp_path / "data", "samples": ["A"]}
    assert list(gathered(tmp_path / "raw", cremi3d=asked)) == ["sample_A"]
    records = gathered(tmp_path / "raw", cremi3d={**asked, "test": True})
    assert list(records) == ["sample_A", "sample_A+"]
    assert records["sample_A+"]["split"] == "test" and records["sample_A+"]["annotated"] == []


def test_samples_whose_arrays_lie_flat_keep_their_labels(tmp_path):
    with h5py.File(tmp_path / "sampleA.h5", "w") as file:
        file["raw"], file["labels"], file["clefts"] = A.raw, A.neurons, A.clefts
    (record,) = gathered(tmp_path / "raw", cremi3d={"path": tmp_path, "samples": "A"}).values()
    assert {name: one["key"] for name, one in record["labels"].items()} == {"neuron_ids": "labels", "clefts": "clefts"}


def test_a_sample_without_labels_is_told(tmp_path, caplog):
    with h5py.File(tmp_path / "sampleA.h5", "w") as file:
        file["volumes/raw"] = A.raw
    (record,) = gathered(tmp_path / "raw", cremi3d={"path": tmp_path, "samples": "A"}).values()
    assert record["annotated"] == [] and "sampleA.h5: no labels in it" in caplog.text


def test_a_sample_that_is_not_there_is_named(tmp_path):
    write_cremi(tmp_path / "data", {"A": A})
    line = refusal(tmp_path / "raw", cremi3d={"path": tmp_path / "data"})
    assert "no sample B or C" in line and "ingestion.volumes.cremi3d.samples" in line


# MitoEM -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split_form", ["object", "list", "splits.json"])
@pytest.mark.parametrize("packed", [False, True])
def test_mitoem2_keeps_the_published_split_however_it_is_written(tmp_path, split_form, packed):
    cases = {"train": {"low_c1": A}, "val": {"high_c1": B}, "test": {"high_c2": A}}
    root = write_mitoem2(tmp_path / "data", cases, "mossy", split_form=split_form)
    if packed:
        write_mitoem2_zip(root, tmp_path / "packed")
    records = gathered(tmp_path / "raw", mitoem2={"path": tmp_path / ("packed" if packed else "data")})
    parts = {name: record["split"] for name, record in records.items()}
    assert parts == {"mossy_low_c1": "train", "mossy_high_c1": "val", "mossy_high_c2": "test"}
    for record in records.values():
        assert record["labels"]["semantic"]["classes"] == {"1": 3, "2": 4} and record["annotated"] == [3, 4]
        assert record["resolution_nm"] == [30, 8, 8]  # whatever the header says


def test_values_of_labels_are_read_from_dataset_json(tmp_path):
    root = write_mitoem2(tmp_path, {"train": {"a": A}})
    described = {"labels": {"background": 0, "mito-boundary": 1, "mitochondrion": 2}}
    (root / "dataset.json").write_text(json.dumps(described))
    (record,) = gathered(tmp_path / "raw", mitoem2={"path": root}).values()
    assert record["labels"]["semantic"]["classes"] == {"1": 4, "2": 3}


def test_a_split_that_is_no_json_leaves_the_folders_to_tell(tmp_path, caplog):
    root = write_mitoem2(tmp_path, {"train": {"a": A}, "val": {"b": B}, "test": {"c": B}})
    (root / "split.json").write_text("{")
    records = gathered(tmp_path / "raw", mitoem2={"path": tmp_path})
    assert [record["split"] for record in records.values()] == ["train", "train", "test"]
    assert "split.json: not JSON" in caplog.text


def test_data_sets_are_chosen_and_missing_ones_named(tmp_path):
    for dataset in ("beta", "pyra"):
        write_mitoem2(tmp_path / "data", {"train": {"a": A}}, dataset)
    asked = {"path": tmp_path / "data"}
    assert set(gathered(tmp_path / "raw", mitoem2=asked)) == {"beta_a", "pyra_a"}
    assert set(gathered(tmp_path / "raw", mitoem2={**asked, "datasets": "pyra"})) == {"pyra_a"}
    assert "stem" in refusal(tmp_path / "raw", mitoem2={**asked, "datasets": "pyra+stem"})


def test_cases_without_labels_come_only_when_asked_for(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    root = write_mitoem2(tmp_path / "data", {"train": {"a": A}, "test": {"b": B}})
    shutil.rmtree(root / "labelsTs")
    asked = {"path": tmp_path / "data"}
    assert list(gathered(tmp_path / "raw", mitoem2=asked)) == ["beta_a"]
    assert "1 volumes of MitoEM without labels left out" in caplog.text
    records = gathered(tmp_path / "raw", mitoem2={**asked, "unlabelled": True})
    assert records["beta_b"]["annotated"] == [] and records["beta_b"]["split"] == "test"


@pytest.mark.parametrize("layout", ["guide", "zips", "unzipped"])
def test_the_first_mitoem_is_parts_of_sections(tmp_path, layout):
    for name, one, letter in (("human", A, "H"), ("rat", B, "R")):
        folder = write_mitoem1(tmp_path / "guide" / name, one, train=6, val=3)
        write_mitoem1_zips(folder, tmp_path / "zips", letter)
        for part in ("im", "mito-train-v2", "mito-val-v2"):
            above = f"EM30-{letter}-im" if part == "im" else f"EM30-{letter}-mito-train-val-v2"
            shutil.copytree(folder / part, tmp_path / "unzipped" / above / part)
    asked = {"path": tmp_path / layout, "unlabelled": True}
    records = gathered(tmp_path / "raw", mitoem2=asked)
    assert set(records) == {f"{name}_{part}" for name in ("human", "rat") for part in ("train", "val", "test")}
    sections = {
        name: sorted(file.name for file in (tmp_path / "raw" / record["raw"]["path"]).iterdir())
        for name, record in records.items()
    }
    assert sections["rat_train"] == [f"im{number:04}.png" for number in range(6)]
    assert sections["rat_val"] == [f"im{number:04}.png" for number in range(6, 9)]
    assert sections["rat_test"] == [f"im{number:04}.png" for number in range(9, 12)]
    labels = tmp_path / "raw" / records["human_val"]["labels"]["mitochondria"]["path"]
    assert sorted(file.name for file in labels.iterdir()) == [f"seg{number:04}.tif" for number in range(6, 9)]
    assert records["human_val"]["annotated"] == [3] and records["human_test"]["annotated"] == []


@pytest.mark.parametrize("lost", ["im/im0002.png", "mito-train-v2/seg0002.tif"])
def test_a_section_that_is_missing_is_the_problem_of_its_part(tmp_path, lost):
    folder = write_mitoem1(tmp_path / "data" / "rat", A, train=6, val=3)
    (folder / lost).unlink()
    records = gathered(tmp_path / "raw", mitoem2={"path": tmp_path / "data"})
    assert "0002 of its section 2" in records["rat_train"]["problem"] and not records["rat_val"]["problem"]


def test_a_case_that_is_there_packed_and_unpacked_is_read_once(tmp_path, caplog):
    root = write_mitoem2(tmp_path / "data", {"train": {"a": A}})
    write_mitoem2_zip(root, tmp_path / "data" / "packed")
    assert list(gathered(tmp_path / "raw", mitoem2={"path": tmp_path / "data"})) == ["beta_a"]
    assert "beta_a is there twice" in caplog.text


def test_tissues_are_told_by_words_not_by_letters(tmp_path):
    write_mitoem1(tmp_path / "separate" / "human", A, train=6, val=3)
    assert set(gathered(tmp_path / "raw", mitoem2={"path": tmp_path / "separate"})) == {"human_train", "human_val"}


# MICrONS on disk ----------------------------------------------------------------------------------------------------


def test_crops_of_microns_on_disk_are_paired_by_name_and_version(tmp_path):
    for name, array in (
        ("minnie65_mip1_crop_24_volume", A.raw),
        ("minnie65_mip1_crop_24_v343_segmentation", A.neurons),
        ("minnie65_mip1_crop_24_v943_segmentation", B.neurons),
    ):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["main"] = array
    (record,) = gathered(tmp_path / "raw", microns={"path": tmp_path, "version": 343}).values()
    assert record["name"] == "minnie65_mip1_crop_24" and record["default_resolution_nm"] == [40, 16, 16]
    assert files(record)[1] == {"neuron_ids": "minnie65_mip1_crop_24_v343_segmentation.h5"}
    (record,) = gathered(tmp_path / "raw", microns={"path": tmp_path, "version": 1300}).values()
    assert files(record)[1] == {"neuron_ids": "minnie65_mip1_crop_24_v943_segmentation.h5"}
    (tmp_path / "none").mkdir()
    assert "no crop in it" in refusal(tmp_path / "raw", microns={"path": tmp_path / "none"})


# Together -----------------------------------------------------------------------------------------------------------


def test_sources_follow_each_other_under_names_that_differ(tmp_path):
    write_snemi_guide(tmp_path / "snemi3d", A, B)
    write_cremi(tmp_path / "cremi3d", {"A": A})
    (tmp_path / "own").mkdir()
    with h5py.File(tmp_path / "own" / "AC3.h5", "w") as file:
        file["volumes/raw"] = A.raw
        file["volumes/raw"].attrs["resolution"] = (30, 6, 6)
    records = gathered(
        tmp_path / "raw",
        snemi3d={"path": tmp_path / "snemi3d"},
        cremi3d={"path": tmp_path / "cremi3d", "samples": ["A"]},
        folder={"path": tmp_path / "own"},
    )
    assert {name: record["source"] for name, record in records.items()} == {
        "AC4": "snemi3d",
        "AC3": "snemi3d",
        "sample_A": "cremi3d",
        "AC3__folder": "folder",
    }


def test_sources_joined_by_plus_are_read_each(tmp_path):
    write_snemi_guide(tmp_path / "data", A, B)
    sources = VolumeSources(snemi3d={"path": tmp_path / "data"})
    index = gather_volumes(
        "snemi3d+folder", sources, HttpParameters(), tmp_path / "raw", seed=1, compute=ComputeParameters()
    )
    assert [record["name"] for record in index] == ["AC4", "AC3"]


def test_sources_of_volumes_have_no_neurons(tmp_path):
    stores = NeuronStores(tmp_path, tmp_path, tmp_path)
    index = gather_neurons(
        ["snemi3d", "microns"], NeuronSources(), HttpParameters(), stores, seed=1, compute=ComputeParameters()
    )
    assert index.reason == "no neurons: ingestion.sources=snemi3d+microns has none"


def test_sources_of_neurons_have_no_volumes(tmp_path):
    index = gather_volumes(
        "neuromorpho+allen", VolumeSources(), HttpParameters(), tmp_path, seed=1, compute=ComputeParameters()
    )
    assert index.reason == "no volumes: ingestion.sources=neuromorpho+allen has none"


def test_insecure_is_told_only_where_something_is_fetched(tmp_path):
    write_snemi_guide(tmp_path / "data", A, B)
    http = HttpParameters(insecure=True)
    sources = VolumeSources(snemi3d={"path": tmp_path / "data"})
    index = gather_volumes(["snemi3d"], sources, http, tmp_path / "raw", seed=1, compute=ComputeParameters())
    assert index.note is None


def test_every_published_address_is_a_default_of_the_parameters():
    volumes = IngestionParameters().volumes
    assert volumes.snemi3d.zenodo.md5 == "3d25a7025f66698f33c7850ace885939"
    assert set(volumes.cremi3d.sha256_padded) == set(volumes.cremi3d.sha256_cropped) == {"A", "B", "C"}
    assert len(volumes.mitoem2.files) == 8 and volumes.mitoem2.files["stem"] == "Dataset008_ME2-Stem.zip"
    for field in ("url", "checksums"):
        assert "17635006" in getattr(volumes.mitoem2, field)


# Checksums and looking ----------------------------------------------------------------------------------------------


def test_lists_of_checksums_are_read_as_sha256sum_and_bsd_write_them(tmp_path):
    one, two = "a" * 64, "B" * 64
    (tmp_path / "checksums.txt").write_text(f"# SHA-256\n{one}  ./x.zip\n{two} *d/y.txt\nSHA256 (z.zip) = {one}\n\n")
    assert read_checksums(tmp_path / "checksums.txt") == {"x.zip": one, "d/y.txt": two.lower(), "z.zip": one}
    (tmp_path / "page.txt").write_text("nothing of the kind")
    with pytest.raises(InputError, match=r"page\.txt: no line in it is a SHA-256"):
        read_checksums(tmp_path / "page.txt")


def test_files_within_an_archive_are_checked_once(tmp_path):
    root = tmp_path / "unpacked"
    (root / "set" / "images").mkdir(parents=True)
    file = root / "set" / "images" / "a.nii.gz"
    file.write_bytes(b"voxels")
    sums = {"images/a.nii.gz": checksum(file, "sha256"), "other.zip": "0" * 64}
    ledger = tmp_path / "ledger.jsonl"
    assert check_files(root, sums, ledger) == 1
    size = ledger.stat().st_size
    assert check_files(root, sums, ledger) == 1 and ledger.stat().st_size == size
    file.write_bytes(b"VOXELS!")
    with pytest.raises(InputError, match=r"a\.nii\.gz: its SHA-256 is .* was published; remove"):
        check_files(root, sums, ledger)


def test_links_to_scratch_disks_are_followed_and_circles_end(tmp_path):
    write_snemi_guide(tmp_path / "scratch", A, B)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "scratch")
    (tmp_path / "data" / "circle").symlink_to(tmp_path / "data")
    assert "AC4" in gathered(tmp_path / "raw", snemi3d={"path": tmp_path / "data" / "link"})
    assert len(looking.files_below(tmp_path / "data", (".h5",))) == 4


@pytest.mark.parametrize(
    ("name", "labels"),
    [("AC3_labels", True), ("train-labels", True), ("x_v343_segmentation", True), ("AC3_inputs", False),
     ("train-input", False), ("vol_gt", True), ("images", False), ("neuron_ids", True), ("width", False)],
)  # fmt: skip
def test_labels_are_told_by_their_names(name, labels):
    assert looking.holds_labels(name) is labels


def test_tissues_differ_and_ids_are_integers():
    assert (A.raw != B.raw).any() and A.neurons.dtype == np.uint64 and set(np.unique(A.semantic)) == {0, 1, 2}
