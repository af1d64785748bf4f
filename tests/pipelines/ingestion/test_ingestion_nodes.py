import gzip
import itertools
import json
import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from neuropil.compute import ComputeParameters
from neuropil.datasets import TableDataset
from neuropil.errors import InputError
from neuropil.morphology.profiles import profiles
from neuropil.morphology.swc import load_neuron
from neuropil.pipelines.ingestion import create_pipeline
from neuropil.pipelines.ingestion.nodes import (
    cite_neurons,
    find_duplicates,
    measure_neurons,
    repair_neurons,
    show_neuron,
)
from neuropil.sources.parameters import IngestionParameters
from neuropil.sources.showing import typical
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped
from sources.archived import SWC as MEMBER
from sources.archived import special, tar_with, tarred, zipped
from sources.neuron_intake import gathered

COMPUTE = ComputeParameters()
GOOD = "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n3 3 0 20 0 1 2\n"
CONF = Path(__file__).parents[3] / "conf"


def take_in(tmp_path, sources, workspace="ws", **neurons):
    parameters = IngestionParameters(sources=sources, neurons=neurons)
    ws = tmp_path / workspace
    raw = gathered(parameters.sources, parameters.neurons, ws)
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
    raw, (neurons, metadata, log, _), store = take_in(tmp_path, ["folder"], folder={"path": cells})
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
        "region_path": ["neocortex"],
    }
    assert all((store / record["swc"]).exists() for record in neurons)


def test_neurons_of_one_name_are_both_kept(tmp_path, cells):
    _, (neurons, *_), store = take_in(tmp_path, ["folder"], folder={"path": cells})
    ends = [load_neuron(store / r["swc"]).points[-1, 1] for r in neurons if r["neuron_name"].startswith("good")]
    assert ends == [20, 30]


def test_second_run_repeats_nothing_and_gives_the_same(tmp_path, cells, monkeypatch):
    _, first, store = take_in(tmp_path, ["folder"], folder={"path": cells})
    times = {file: file.stat().st_mtime_ns for file in store.glob("swc/*")}
    _, second, _ = take_in(tmp_path, ["folder"], folder={"path": cells})
    assert [list(one) for one in first] == [list(one) for one in second]
    assert {file: file.stat().st_mtime_ns for file in store.glob("swc/*")} == times


def test_changed_file_is_repaired_anew_and_removed_one_disappears(tmp_path, cells):
    _, (before, *_), store = take_in(tmp_path, ["folder"], folder={"path": cells})
    (cells / "good.CNG.swc").write_text(GOOD.replace("20", "25"))
    (cells / "mended.swc").write_text("")
    _, (after, *_), _ = take_in(tmp_path, ["folder"], folder={"path": cells})
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
    assert all(isinstance(output, Skipped) for output in measure_neurons(outputs[0], store, COMPUTE))
    assert all(isinstance(output, Skipped) for output in find_duplicates(*outputs[:2], "report", COMPUTE, store))
    assert all(isinstance(output, Skipped) for output in cite_neurons(outputs[1]))
    assert isinstance(show_neuron(outputs[0], store, None), Skipped)


def test_sample_and_folder_feed_one_run(tmp_path, cells):
    _, (neurons, metadata, *_), store = take_in(
        tmp_path, ["sample", "folder"], sample={"cells_per_class": 1}, folder={"path": cells}
    )
    assert len(neurons) == 8 + 3
    assert {record["source"] for record in neurons} == {"sample", "folder"}
    measures, profiles = measure_neurons(neurons, store, COMPUTE)
    dataset = TableDataset(str(tmp_path / "m.parquet"))
    dataset.save(measures)
    table = dataset.load()
    assert table["neuron_name"].tolist() == [record["neuron_name"] for record in metadata]
    assert (table["length"] > 0).all() and not table.isna().any().any()
    for row, record in zip(table.to_dict("records"), profiles, strict=True):
        assert row.items() <= record.items() and len(record["sholl_crossings"]) == len(record["sholl_radii"]) > 0


def test_profiles_are_those_of_the_neuron_to_six_digits(tmp_path):
    _, (neurons, *_), store = take_in(tmp_path, ["sample"], sample={"cells_per_class": 1})
    _, measured = measure_neurons(neurons, store, COMPUTE)
    for record in itertools.islice(measured, 2):
        expected = profiles(load_neuron(store / "swc" / f"{record['neuron_name']}.swc"))
        for name, value in expected.items():
            assert np.allclose(record[name], value, rtol=1e-5), name


def test_sample_is_the_same_in_another_workspace(tmp_path):
    digests = [
        [record["digest"] for record in take_in(tmp_path, ["sample"], ws, sample={"cells_per_class": 1})[1][0]]
        for ws in ("one", "two")
    ]
    assert digests[0] == digests[1] and len(set(digests[0])) == 8


def test_summary_counts_repairs_remarks_and_reasons(tmp_path, cells):
    (cells / "empty.swc").write_text("")
    (cells / "page2.swc").write_text("<html></html>")
    (cells / "bad.swc").write_text("1 1 0 0 0 5 -1\n2 3 0 10 0 word 1\n3 3 0 0 0 1 2\n")
    raw, (neurons, _, log, summary), _ = take_in(tmp_path, ["folder"], folder={"path": cells})
    rows = {(row["kind"], row["what"]): row for row in summary}
    assert sum(row["files"] for (kind, _), row in rows.items() if kind == "status") == len(log) == len(raw) == 7
    assert rows["status", "kept"]["nodes"] + rows["status", "repaired"]["nodes"] == sum(r["nodes"] for r in neurons)
    assert rows["repair", "radius"]["files"] == 1 and rows["repair", "radius"]["example"].endswith("mended.swc")
    assert rows["remark", "few_rows"]["files"] == 3
    reasons = {what: row["files"] for (kind, what), row in rows.items() if kind == "quarantine"}
    assert sorted(reasons.values()) == [1, 1, 2] and sum("HTML" in what for what in reasons) == 1
    assert not any("swc" in what.lower().replace("not an swc file", "") and "/" in what for what in reasons)
    assert "2 kept, 1 repaired (radius 1), 4 quarantined" in log.note


def test_every_file_of_a_hostile_folder_is_accounted_for_and_nothing_leaves_the_store(tmp_path):
    folder = tmp_path / "cells"
    folder.mkdir()
    names = ["CON", "a" * 250, "细胞" * 40, "tail. ", "bell\x07", "\x1b[31m", "semi;colon", "~", "-rf", "A", "a"]
    for name in [*names, os.fsdecode(b"\xff")]:
        (folder / f"{name}.swc").write_text(GOOD)
    zipped(folder / "x.zip", {"../../climbs.swc": MEMBER, "fine.swc": MEMBER, "a.swc": MEMBER, "in.zip": b"PK"})
    tar_with(folder / "x.tar", special("link.swc", tarfile.SYMTYPE, "/etc/passwd"))
    (folder / "torn.tar.gz").write_bytes(b"\x1f\x8b junk")
    (folder / "loop.swc").symlink_to(folder / "loop.swc")
    os.mkfifo(folder / "pipe.swc")
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "ws")}
    raw, (neurons, metadata, log, _), store = take_in(tmp_path, ["folder"], folder={"path": folder})
    for number, index in enumerate((raw, neurons, metadata, log)):  # all can be written and read
        index.save(tmp_path / "ws" / f"{number}.jsonl")
        assert list(Index.open(tmp_path / "ws" / f"{number}.jsonl")) == list(index)
    status = Counter(line["status"] for line in log)
    assert status == {"kept": 12 + 2 + 1, "quarantined": 2 + 1 + 1 + 1 + 1} and len(log) == len(raw)
    assert all(line["reason"] for line in log if line["status"] == "quarantined")
    written = {f"{record['neuron_name']}.swc" for record in neurons}
    assert {path.name for path in (store / "swc").iterdir()} == written and len(written) == 15
    assert len({name.casefold() for name in written}) == 15
    after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "ws")}
    assert after == before
    headers = [(store / record["swc"]).read_text().splitlines()[:5] for record in neurons]
    assert not any("\x1b" in line or "\x07" in line for header in headers for line in header)


def test_members_are_repaired_like_files_and_name_their_archive(tmp_path):
    (tmp_path / "in").mkdir()
    zipped(tmp_path / "in" / "x.zip", {"one.swc": GOOD.encode(), "two.swc": GOOD.replace("20 0 1", "20 0 0").encode()})
    _, (neurons, _, log, _), store = take_in(tmp_path, ["folder"], folder={"path": tmp_path / "in"})
    assert [(line["member"], line["status"]) for line in log] == [("one.swc", "kept"), ("two.swc", "repaired")]
    assert all(line["file"].endswith("x.zip") for line in log)
    assert "x.zip, one.swc" in (store / "swc" / "one.swc").read_text()
    times = {file: file.stat().st_mtime_ns for file in store.glob("swc/*")}
    take_in(tmp_path, ["folder"], folder={"path": tmp_path / "in"})
    assert {file: file.stat().st_mtime_ns for file in store.glob("swc/*")} == times
    zipped(tmp_path / "in" / "x.zip", {"one.swc": GOOD.replace("20", "25").encode()})
    _, (neurons, *_), _ = take_in(tmp_path, ["folder"], folder={"path": tmp_path / "in"})
    assert [load_neuron(store / record["swc"]).points[-1, 1] for record in neurons] == [25]


def test_members_before_the_tear_of_a_packed_tar_are_kept(tmp_path):
    (tmp_path / "in").mkdir()
    plain = tarred(tmp_path / "plain.tar", {f"{n}.swc": MEMBER for n in range(5)}).read_bytes()
    (tmp_path / "in" / "x.tar.gz").write_bytes(gzip.compress(plain[: 3 * 1024 + 100]))
    _, (neurons, _, log, _), _ = take_in(tmp_path, ["folder"], folder={"path": tmp_path / "in"})
    assert [record["neuron_name"] for record in neurons] == ["0", "1", "2"]
    assert [line["status"] for line in log] == ["kept"] * 3 + ["quarantined"]
    assert "damaged" in list(log)[-1]["reason"] and "3 files before that are read" in list(log)[-1]["reason"]


def test_neuron_to_show_is_of_median_size_among_the_most_complete(tmp_path):
    records = [("a", 10, [1, 3]), ("b", 50, [1, 2, 3]), ("c", 20, [1, 2, 3]), ("d", 90, [1, 2, 3, 7])]
    neurons = Index([{"neuron_name": name, "nodes": nodes, "types": types} for name, nodes, types in records])
    assert typical(neurons) == "b"
    assert typical(Index(list(reversed(list(neurons))))) == "b"


def test_neuron_is_drawn_by_name_or_by_choice(tmp_path):
    _, (neurons, *_), store = take_in(tmp_path, ["sample"], sample={"cells_per_class": 1})
    chosen = show_neuron(neurons, store, None)
    name = list(neurons)[-1]["neuron_name"]
    drawn = show_neuron(neurons, store, name)
    for figure in (chosen, drawn):
        assert figure["data"] and json.dumps(figure, allow_nan=False)
    assert name in json.dumps(drawn) and typical(neurons) in json.dumps(chosen)
    with pytest.raises(InputError, match=r"ingestion\.neurons\.show=nobody: no neuron has this name"):
        show_neuron(neurons, store, "nobody")


def test_conf_base_holds_every_default():
    written = yaml.safe_load((CONF / "base" / "parameters_ingestion.yml").read_text())["ingestion"]
    assert IngestionParameters(**written) == IngestionParameters()
    assert IngestionParameters.model_validate(written).model_fields_set == set(IngestionParameters.model_fields)


def test_catalog_has_every_dataset_of_the_pipeline():
    catalog = yaml.safe_load((CONF / "base" / "catalog_ingestion.yml").read_text())
    wanted = {name for name in create_pipeline().datasets() if not name.startswith("params:")}
    assert set(catalog) == wanted
    assert all(entry["metadata"]["kedro-viz"]["layer"] for entry in catalog.values())
