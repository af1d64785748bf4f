import logging
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.morphology.swc import load_neuron
from neuropil.pipelines.ingestion import create_pipeline
from neuropil.pipelines.ingestion.nodes import (
    convert_volumes,
    gather_neurons,
    gather_volumes,
    measure_neurons,
    repair_neurons,
)
from neuropil.sources.parameters import IngestionParameters
from neuropil.work.skipped import Skipped

COMPUTE = ComputeParameters()
GOOD = "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n3 3 0 20 0 1 2\n"
CONF = Path(__file__).parents[3] / "conf"


def take_in(tmp_path, sources, workspace="ws", **neurons):
    parameters = IngestionParameters(sources=sources, neurons=neurons)
    ws = tmp_path / workspace
    raw = gather_neurons(list(parameters.sources), parameters.neurons, 17, COMPUTE, ws / "raw")
    return raw, repair_neurons(raw, ws / "raw", COMPUTE, ws / "neurons"), ws / "neurons"


@pytest.fixture
def cells(tmp_path):
    folder = tmp_path / "cells"
    (folder / "sub").mkdir(parents=True)
    (folder / "good.CNG.swc").write_text(GOOD)
    (folder / "sub" / "good.swc").write_text(GOOD.replace("20", "30"))
    (folder / "mended.swc").write_text(GOOD.replace("20 0 1 2", "20 0 0 2"))
    (folder / "page.swc").write_text("<html></html>")
    (folder / "metadata.csv").write_text("name,brain_region,species\ngood,neocortex;layer 4,rat\n")
    return folder


def test_every_file_is_accounted_for(tmp_path, cells):
    raw, (neurons, metadata, log), store = take_in(tmp_path, ["folder"], folder={"path": cells})
    status = {line["neuron_name"]: line["status"] for line in log}
    assert status == {"good": "kept", "good__folder": "kept", "mended": "repaired", "page": "quarantined"}
    assert len(raw) == len(log) == 4
    assert [record["neuron_name"] for record in neurons] == ["good", "mended", "good__folder"]
    assert "HTML" in next(line["reason"] for line in log if line["status"] == "quarantined")
    assert {record["neuron_name"]: record["repairs"] for record in neurons}["mended"] == ["radius"]
    assert next(iter(metadata)) == {
        "neuron_name": "good",
        "source": "folder",
        "brain_region": ["neocortex", "layer 4"],
        "species": "rat",
        "layer": "layer 4",
    }
    assert all((store / record["swc"]).exists() for record in neurons)


def test_neurons_of_one_name_are_both_kept(tmp_path, cells):
    _, (neurons, _, _), store = take_in(tmp_path, ["folder"], folder={"path": cells})
    ends = [load_neuron(store / r["swc"]).points[-1, 1] for r in neurons if r["neuron_name"].startswith("good")]
    assert ends == [20, 30]


def test_second_run_repeats_nothing_and_gives_the_same(tmp_path, cells, monkeypatch):
    _, first, store = take_in(tmp_path, ["folder"], folder={"path": cells})
    times = {file: file.stat().st_mtime_ns for file in store.glob("swc/*")}
    _, second, _ = take_in(tmp_path, ["folder"], folder={"path": cells})
    assert [list(one) for one in first] == [list(one) for one in second]
    assert {file: file.stat().st_mtime_ns for file in store.glob("swc/*")} == times


def test_changed_file_is_repaired_anew_and_removed_one_disappears(tmp_path, cells):
    _, (before, _, _), store = take_in(tmp_path, ["folder"], folder={"path": cells})
    (cells / "good.CNG.swc").write_text(GOOD.replace("20", "25"))
    (cells / "mended.swc").write_text("")
    _, (after, _, _), _ = take_in(tmp_path, ["folder"], folder={"path": cells})
    assert next(iter(before))["digest"] != next(iter(after))["digest"]
    assert sorted(file.stem for file in store.glob("swc/*")) == ["good", "good__folder"]


def test_folder_of_only_bad_files_is_one_clear_line(tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.swc").write_text("<html>")
    with pytest.raises(InputError, match=r"none of the 1 SWC files can be used.*HTML"):
        take_in(tmp_path, ["folder"], folder={"path": tmp_path / "bad"})


def test_no_path_skips_all_that_follows(tmp_path):
    raw, outputs, store = take_in(tmp_path, ["folder"])
    assert "ingestion.neurons.folder.path" in raw.reason
    assert all(isinstance(output, Skipped) for output in outputs)
    assert isinstance(measure_neurons(outputs[0], store, COMPUTE), Skipped)


def test_sample_and_folder_feed_one_run(tmp_path, cells):
    _, (neurons, metadata, _), store = take_in(
        tmp_path, ["sample", "folder"], sample={"cells_per_class": 1}, folder={"path": cells}
    )
    assert len(neurons) == 8 + 3
    assert {record["source"] for record in neurons} == {"sample", "folder"}
    table = measure_neurons(neurons, store, COMPUTE)
    assert table["neuron_name"].tolist() == [record["neuron_name"] for record in metadata]
    assert (table["length"] > 0).all() and not table.isna().any().any()


def test_sample_is_the_same_in_another_workspace(tmp_path):
    digests = [
        [record["digest"] for record in take_in(tmp_path, ["sample"], ws, sample={"cells_per_class": 1})[1][0]]
        for ws in ("one", "two")
    ]
    assert digests[0] == digests[1] and len(set(digests[0])) == 8


def volumes_of(tmp_path, path):
    parameters = IngestionParameters(sources=["folder"], volumes={"folder": {"path": path}})
    raw = gather_volumes(list(parameters.sources), parameters.volumes, 17, COMPUTE, tmp_path / "rv")
    return convert_volumes(raw, tmp_path / "rv", COMPUTE, tmp_path / "v")


def volume(path):
    with h5py.File(path, "w") as file:
        raw = file.create_dataset("volumes/raw", data=np.arange(8 * 9 * 10, dtype=np.uint8).reshape(8, 9, 10))
        raw.attrs["resolution"] = (30.0, 8.0, 8.0)
    return path


def test_volume_is_converted(tmp_path):
    (record,) = volumes_of(tmp_path, volume(tmp_path / "tissue.h5"))
    assert record["name"] == "tissue" and record["shape"] == [8, 9, 10] and record["resolution_nm"] == [30, 8, 8]
    assert (tmp_path / "v" / record["path"]).exists()


def test_corrupt_volume_among_others_is_left_out_with_a_warning(tmp_path, caplog):
    (tmp_path / "in").mkdir()
    volume(tmp_path / "in" / "good.h5")
    (tmp_path / "in" / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"junk" * 99)
    with caplog.at_level(logging.WARNING):
        assert [record["name"] for record in volumes_of(tmp_path, tmp_path / "in")] == ["good"]
    assert "torn" in caplog.text


def test_only_corrupt_volumes_are_one_clear_line(tmp_path):
    (tmp_path / "torn.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"junk" * 99)
    with pytest.raises(InputError, match=r"none of the 1 volumes can be used.*torn"):
        volumes_of(tmp_path, tmp_path / "torn.h5")
    assert not list((tmp_path / "v").glob("*.h5"))


def test_no_volume_path_skips(tmp_path):
    assert isinstance(volumes_of(tmp_path, None), Skipped)


def test_conf_base_holds_every_default():
    written = yaml.safe_load((CONF / "base" / "parameters_ingestion.yml").read_text())["ingestion"]
    assert IngestionParameters(**written) == IngestionParameters()
    assert IngestionParameters.model_validate(written).model_fields_set == set(IngestionParameters.model_fields)


def test_catalog_has_every_dataset_of_the_pipeline():
    catalog = yaml.safe_load((CONF / "base" / "catalog_ingestion.yml").read_text())
    wanted = {name for name in create_pipeline().datasets() if not name.startswith("params:")}
    assert set(catalog) == wanted
    assert all(entry["metadata"]["kedro-viz"]["layer"] for entry in catalog.values())


def test_volumes_of_an_earlier_run_leave_the_store_that_segmentation_reads(tmp_path):
    volumes_of(tmp_path, volume(tmp_path / "before.h5"))
    volumes_of(tmp_path, volume(tmp_path / "after.h5"))
    assert [path.name for path in (tmp_path / "v").glob("*.h5")] == ["after.h5"]
