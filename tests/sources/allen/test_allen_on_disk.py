"""Neurons of the Allen Institute on disk: joined with their tables, without a network; which parameters are refused."""

import json
import os
from pathlib import Path

import pytest

from neuropil.errors import InputError
from neuropil.sources.allen.neurons import allen_neurons
from neuropil.sources.allen.parameters import AllenNeurons
from neuropil.sources.http.parameters import HttpParameters
from sources.allen.allen_server import TYPES, as_csv, specimens, swc

DATA = Path(os.environ.get("NEUROPIL_DATA", "/none")) / "swc" / "allen_v1"
OFFLINE = HttpParameters(attempts=1, connect_timeout_s=0.1)


def neurons(store, **parameters):
    return list(allen_neurons(AllenNeurons(**parameters), OFFLINE, store))


@pytest.fixture
def folder(tmp_path):
    """A table of 10 specimens, 5 of them with a file; a Patch-seq cell and a stranger."""
    home = tmp_path / "mine"
    (home / "swc").mkdir(parents=True)
    (home / "cell_types_specimen_details.csv").write_bytes(as_csv(specimens(10)))
    for n in range(5):
        (home / "swc" / f"{1000 + n}.swc").write_bytes(swc(n))
    (home / "swc" / "700_transformed.swc").write_bytes(swc(70))
    (home / "swc" / "700_raw.swc").write_bytes(swc(71))
    (home / "swc" / "stranger.swc").write_bytes(swc(72))
    (tmp_path / "types.csv").write_text(TYPES + "700,Pvalb,,,VISp4,\n701,Vip,,,,\n")
    return home


def on_disk(tmp_path, folder, **more):
    listings = {"visp": {"url": "http://127.0.0.1:9/", "table": tmp_path / "types.csv"}}
    parameters = {"path": folder, "patch_seq": {"listings": listings}, "csv": "http://127.0.0.1:9/"} | more
    return {record["neuron_name"]: record for record in neurons(tmp_path / "raw", **parameters)}


def test_files_on_disk_are_joined_without_a_network(tmp_path, folder, caplog):
    for place in (folder, folder / "swc"):
        found = on_disk(tmp_path, place)
        assert list(found) == ["700", "1000", "1001", "1002", "1003", "1004", "stranger"]
        assert found["700"]["swc"] == str(folder / "swc" / "700_transformed.swc")
        assert found["700"]["metadata"]["t_type"] == "Pvalb" and "metadata" not in found["stranger"]
        assert found["1004"]["metadata"]["specimen__id"] == "1004"  # its file counts, though the table has no nrwkf__id
    assert "1 of 8 SWC files are in no table" in caplog.text
    log = {one["neuron_name"]: one for one in map(json.loads, (tmp_path / "raw/download_log.jsonl").open())}
    assert log["1005"]["status"] == "skipped" and log["1000"]["status"] == "present" and log["1000"]["attempts"] == 0


def test_filters_hold_on_disk_too(tmp_path, folder):
    assert list(on_disk(tmp_path, folder, databases=["cell_types"], filters={"donor__species": ["Homo Sapiens"]})) == [
        "1000",
        "1003",
    ]
    (folder / "cell_types_specimen_details.csv").unlink()
    with pytest.raises(InputError, match=r"no cell_types_specimen_details\.csv .*filters"):
        on_disk(tmp_path, folder, filters={"donor__species": ["Homo Sapiens"]})
    assert len(on_disk(tmp_path, folder)) == 7


def test_link_out_of_the_folder_is_told_and_not_read(tmp_path, folder):
    (tmp_path / "secret").write_bytes(swc(0))
    (folder / "swc" / "1006.swc").symlink_to(tmp_path / "secret")
    assert "link" in on_disk(tmp_path, folder)["1006"]["problem"]


@pytest.mark.parametrize(
    ("name", "words"), [("none", "no such folder"), ("file", "not a folder"), ("empty", "no .swc")]
)
def test_folder_that_is_none_is_one_line(tmp_path, name, words):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=rf"ingestion\.neurons\.allen\.path=.*{words}"):
        neurons(tmp_path / "raw", path=tmp_path / name)


@pytest.mark.skipif(not DATA.is_dir(), reason="NEUROPIL_DATA is not set")
def test_the_hundred_real_neurons_are_all_joined(tmp_path):
    records = neurons(tmp_path, path=DATA, csv="http://127.0.0.1:9/")
    assert len(records) == 100
    assert all(record["metadata"]["specimen__id"] == record["neuron_name"] for record in records)
    assert {record["metadata"]["donor__species"] for record in records} <= {"Mus musculus", "Homo Sapiens"}


def test_values_of_filters_may_be_written_as_on_the_command_line():
    given = AllenNeurons(filters={"structure__layer": 5, "tag__dendrite_type": "spiny+aspiny", "donor__species": None})
    assert given.filters["structure__layer"] == ("5",) and given.filters["tag__dendrite_type"] == ("spiny", "aspiny")
    assert AllenNeurons.model_validate(given.model_dump(mode="json")) == given


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("reconstruction", "https://x/download", "write {id}"),
        ("csv", "ftp://x", "pattern"),
        ("databases", ["cells"], "cell_types"),
        ("patch_seq", {"listings": {"a": {"url": "http://x", "file_name": "("}}}, "no regular expression"),
        ("patch_seq", {"listings": {"a": {"url": "http://x", "file_name": "x"}}}, "<id>"),
    ],
)
def test_parameters_that_cannot_work_are_refused(field, value, words):
    with pytest.raises(ValueError, match=words):
        AllenNeurons(**{field: value})
