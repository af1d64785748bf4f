import pytest

from neuropil.errors import InputError
from neuropil.sources.folder import folder_neurons, folder_volumes
from neuropil.sources.parameters import FolderNeurons, FolderVolumes

SWC = "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n"


def add(path, text=SWC):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(path, **more):
    return list(folder_neurons(FolderNeurons(path=path, **more)))


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


def test_no_volume_path_is_no_volume():
    assert list(folder_volumes(FolderVolumes())) == []


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_missing_or_empty_volume_folder_is_one_clear_line(tmp_path, make):
    path = tmp_path / "volumes"
    make(path)
    with pytest.raises(InputError, match=r"ingestion.volumes.folder.path=.*volumes"):
        list(folder_volumes(FolderVolumes(path=path)))
