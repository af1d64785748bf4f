import gzip
from pathlib import Path

import pytest

from neuropil.errors import InputError
from neuropil.sources.folder import folder_neurons
from neuropil.sources.metadata import normalised
from neuropil.sources.parameters import FolderNeurons
from sources.archived import SWC as MEMBER
from sources.archived import tarred, zipped

SWC = "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n"


def add(path, text=SWC):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(path, store=Path("unused"), **more):
    return list(folder_neurons(FolderNeurons(path=path, **more), store))


def test_files_are_found_at_any_depth_in_order(tmp_path):
    for name in ("b.swc", "deep/er/a.CNG.swc", "c.SWC"):
        add(tmp_path / name)
    add(tmp_path / "notes.txt")
    add(tmp_path / ".hidden.swc")
    assert [record["neuron_name"] for record in found(tmp_path)] == ["b", "c", "a"]


def test_one_file_is_a_folder_of_one(tmp_path):
    assert len(found(add(tmp_path / "a.swc"))) == 1


def test_facts_are_matched_by_name_without_cng(tmp_path):
    add(tmp_path / "swc" / "a.CNG.swc")
    add(tmp_path / "swc" / "b.swc")
    add(tmp_path / "metadata.csv", "neuron_name,species\na,rat\n")
    one, other = found(tmp_path / "swc")
    assert one["metadata"] == {"species": "rat"} and "metadata" not in other


def test_table_given_by_path_wins(tmp_path):
    add(tmp_path / "in" / "a.swc")
    add(tmp_path / "in" / "metadata.csv", "name,species\na,rat\n")
    table = add(tmp_path / "other.csv", "name,species\na,mouse\n")
    assert found(tmp_path / "in", metadata=table)[0]["metadata"] == {"species": "mouse"}


def test_no_path_is_no_neuron():
    assert found(None) == []


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: add(p / "a.txt"), lambda p: add(p)])
def test_nothing_to_read_is_one_clear_line(tmp_path, make):
    path = tmp_path / "cells"
    make(path)
    with pytest.raises(InputError, match=r"ingestion.neurons.folder.path=.*cells"):
        found(path)


def test_missing_table_is_one_clear_line(tmp_path):
    add(tmp_path / "a.swc")
    with pytest.raises(InputError, match=r"ingestion.neurons.folder.metadata=.*gone.csv"):
        found(tmp_path, metadata=tmp_path / "gone.csv")


def test_links_out_of_the_folder_are_refused_and_told(tmp_path):
    secret = add(tmp_path / "outside" / "secret.swc")
    inside = add(tmp_path / "cells" / "a.swc")
    (tmp_path / "cells" / "out.swc").symlink_to(secret)
    (tmp_path / "cells" / "folder").symlink_to(tmp_path / "outside")
    (tmp_path / "cells" / "within.swc").symlink_to(inside)
    problems = {record["neuron_name"]: record.get("problem") for record in found(tmp_path / "cells")}
    assert problems["a"] is None and problems["within"] is None
    assert "out of the folder" in problems["out"] and "out of the folder" in problems["folder"]
    assert "secret" not in problems


def test_folder_without_swc_says_what_it_holds(tmp_path):
    for name in ("a.asc", "b.asc", "c.nwb"):
        add(tmp_path / name)
    with pytest.raises(InputError, match=r"it holds other files \(2 \.asc, 1 \.nwb\)"):
        found(tmp_path)


def test_members_of_archives_stand_among_the_files_in_order(tmp_path):
    add(tmp_path / "a.swc")
    zipped(tmp_path / "b.zip", {"x.CNG.swc": MEMBER, "sub/y.swc": MEMBER, "notes.txt": b"-"})
    tarred(tmp_path / "c.tgz", {"z.swc": MEMBER}, "w:gz")
    (tmp_path / "d.swc.gz").write_bytes(gzip.compress(MEMBER))
    records = found(tmp_path, tmp_path / "raw")
    assert [record["neuron_name"] for record in records] == ["a", "x", "y", "z", "d"]
    assert [record.get("member") for record in records] == [None, "x.CNG.swc", "sub/y.swc", "z.swc", "d.swc"]
    assert {Path(record["swc"]).name for record in records} == {"a.swc", "b.zip", "c.tgz", "d.swc.gz"}


def test_archive_may_be_given_itself(tmp_path):
    path = zipped(tmp_path / "b.zip", {"x.swc": MEMBER})
    add(tmp_path / "metadata.csv", "name,species\nx,rat\n")
    assert [record["metadata"] for record in found(path, tmp_path / "raw")] == [{"species": "rat"}]


@pytest.mark.parametrize("folder", ["", "cells/"])
def test_table_in_an_archive_holds_for_its_members(tmp_path, folder):
    zipped(
        tmp_path / "b.zip",
        {f"{folder}metadata.csv": b"name,species\nx,rat\n", f"{folder}x.swc": MEMBER, f"{folder}y.swc": MEMBER},
    )
    add(tmp_path / "metadata.csv", "name,species\nx,mouse\ny,mouse\nz,mouse\n")
    add(tmp_path / "z.swc")
    species = {record["neuron_name"]: record["metadata"]["species"] for record in found(tmp_path, tmp_path / "raw")}
    assert species == {"x": "rat", "y": "mouse", "z": "mouse"}


def test_damaged_table_in_an_archive_is_told_and_left_aside(tmp_path, caplog):
    path = zipped(tmp_path / "b.zip", {"metadata.csv": b"name,species\nx,rat\n", "x.swc": MEMBER}, method=0)
    path.write_bytes(path.read_bytes().replace(b"rat", b"cat", 1))
    assert "metadata" not in found(path, tmp_path / "raw")[0]
    assert "metadata.csv: left aside, damaged" in caplog.text


def test_damaged_archive_among_others_is_one_record(tmp_path):
    add(tmp_path / "a.swc")
    add(tmp_path / "b.zip", "<html>")
    zipped(tmp_path / "c.zip", {"notes.txt": b"-"})
    problems = {record["neuron_name"]: record.get("problem") for record in found(tmp_path, tmp_path / "raw")}
    assert problems["a"] is None and problems["c.zip"] == "no .swc file in the archive"
    assert "damaged" in problems["b.zip"]


def test_unpacked_tar_goes_when_its_archive_does(tmp_path):
    store = tmp_path / "raw"
    (tmp_path / "in").mkdir()
    add(tmp_path / "in" / "a.swc")
    path = tarred(tmp_path / "in" / "c.tgz", {"z.swc": MEMBER}, "w:gz")
    found(tmp_path / "in", store)
    (tar,) = (store / "unpacked").iterdir()
    before = tar.stat().st_mtime_ns
    found(tmp_path / "in", store)
    assert tar.stat().st_mtime_ns == before, "it is unpacked once"
    path.unlink()
    found(tmp_path / "in", store)
    assert list((store / "unpacked").iterdir()) == []


def test_table_of_the_allen_institute_is_found_and_understood(tmp_path):
    add(tmp_path / "swc" / "525011903.swc")
    add(
        tmp_path / "cell_types_specimen_details.csv",
        "line_name,specimen__id,structure__name,structure__layer,donor__species,tag__dendrite_type,tag__apical\n"
        '"",525011903,"""Primary visual area, layer 2/3""",2/3,Mus musculus,spiny,NA\n',
    )
    (record,) = found(tmp_path / "swc")
    facts = normalised("525011903", "folder", record["metadata"])
    assert facts["species"] == "mouse" and facts["layer"] == "layer 2-3" and facts["dendrite_type"] == "spiny"
    assert facts["brain_region"] == ["Primary visual area", "layer 2/3"] and "apical" not in facts
