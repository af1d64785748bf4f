"""Neurons that repeat an earlier one are found over all sources, told with how they lie, and dropped where asked."""

import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuropil.compute import ComputeParameters
from neuropil.datasets import TableDataset
from neuropil.morphology.swc import write_swc
from neuropil.sources.duplicates import find_duplicates
from neuropil.sources.neuron_intake import FINGERPRINT, LEDGER, take_in_neurons
from neuropil.work.index import Index
from neuropil.work.ledger import Entry, Ledger
from rendering.neurons import grown

COMPUTE = ComputeParameters()


def taken_in(folder, neurons):
    """Neurons, each with its source, through repair: the two indexes and the store."""
    raw = []
    for source, neuron in neurons:
        file = folder / "raw" / f"{neuron.name}.swc"
        write_swc(neuron, file)
        raw.append({"neuron_name": neuron.name, "swc": file.name, "source": source, "metadata": {"archive": source}})
    intake = take_in_neurons(Index(raw), folder / "raw", folder / "store", COMPUTE)
    return intake.neurons, intake.metadata, folder / "store"


def cells():
    first, second = grown(1, name="a1"), grown(2, name="b1")
    turned = replace(first, name="a2", points=np.round(first.points[:, [1, 2, 0]] + 500, 2))
    return [
        ("neuromorpho", first),
        ("neuromorpho", second),
        ("allen", turned),
        ("allen", grown(3, name="c1")),
        ("allen", replace(second, name="b2", points=second.points + 10)),
        ("folder", replace(first, name="a3")),
    ]


def test_copies_are_named_with_what_they_repeat_and_all_neurons_go_on(tmp_path):
    neurons, metadata, store = taken_in(tmp_path, cells())
    kept, facts, duplicates = find_duplicates(neurons, metadata, store, "report", COMPUTE)
    assert list(kept) == list(neurons) and list(facts) == list(metadata) and len(kept) == 6
    pairs = [(row["neuron_name"], row["duplicate_of"], row["across_sources"]) for row in duplicates]
    assert pairs == [("a2", "a1", True), ("b2", "b1", True), ("a3", "a1", True)]
    rows = {row["neuron_name"]: row for row in duplicates}
    assert rows["a2"]["turned_degrees"] == pytest.approx(120, abs=0.01) and rows["a2"]["kind"] == "same nodes"
    assert rows["b2"]["moved_um"] == pytest.approx(10 * 3**0.5, abs=0.01) and not rows["b2"]["dropped"]
    assert "3 neurons repeat an earlier one, 3 across sources" in duplicates.note


def test_later_ones_are_dropped_only_where_asked_and_stand_in_the_table(tmp_path):
    neurons, metadata, store = taken_in(tmp_path, cells())
    kept, facts, duplicates = find_duplicates(neurons, metadata, store, "drop_later", COMPUTE)
    assert [record["neuron_name"] for record in kept] == ["a1", "b1", "c1"] and len(kept) == 3
    assert [record["neuron_name"] for record in facts] == ["a1", "b1", "c1"]
    assert all(row["dropped"] for row in duplicates) and "dropped" in duplicates.note
    assert (store / "swc" / "a2.swc").exists(), "the repaired file stays, so that another choice costs nothing"


def test_first_in_the_order_of_the_sources_is_the_one_that_stays(tmp_path):
    neurons, metadata, store = taken_in(tmp_path, list(reversed(cells())))
    kept, _, _ = find_duplicates(neurons, metadata, store, "drop_later", COMPUTE)
    assert [record["neuron_name"] for record in kept] == ["a3", "b2", "c1"]


def test_no_copy_is_an_empty_table_without_a_note(tmp_path):
    neurons, metadata, store = taken_in(tmp_path, [("allen", grown(n, name=f"n{n}")) for n in range(4)])
    kept, _, duplicates = find_duplicates(neurons, metadata, store, "drop_later", COMPUTE)
    assert len(kept) == 4 and len(duplicates) == 0 and duplicates.note is None
    dataset = TableDataset(str(tmp_path / "duplicates.parquet"))
    dataset.save(duplicates)
    assert dataset.load().empty and dataset.preview()["data"] == []


def test_second_run_compares_nothing_again(tmp_path, monkeypatch):
    neurons, metadata, store = taken_in(tmp_path, cells())
    first = find_duplicates(neurons, metadata, store, "report", COMPUTE)
    monkeypatch.setattr("neuropil.morphology.likeness.likeness", None)
    monkeypatch.setattr("neuropil.morphology.likeness.fingerprint", None)
    second = find_duplicates(neurons, metadata, store, "report", COMPUTE)
    assert list(first.duplicates) == list(second.duplicates) != []


def test_store_of_an_older_version_is_read_anew(tmp_path):
    neurons, metadata, store = taken_in(tmp_path, cells())
    (store / LEDGER).unlink()
    assert len(find_duplicates(neurons, metadata, store, "report", COMPUTE).duplicates) == 3


def test_copies_of_every_name_are_found_among_many(tmp_path):
    """Brute force: of many neurons in groups of copies every one but the first of a group is a row."""
    made = [replace(grown(n, steps=60), name=f"{n}_{copy}") for copy in range(3) for n in range(10)]
    neurons, metadata, store = taken_in(tmp_path, [("folder", neuron) for neuron in made])
    rows = list(find_duplicates(neurons, metadata, store, "report", COMPUTE).duplicates)
    assert {(row["neuron_name"], row["duplicate_of"]) for row in rows} == {
        (f"{n}_{copy}", f"{n}_0") for copy in (1, 2) for n in range(10)
    }


def test_memory_does_not_hold_fingerprints(tmp_path):
    count = 3_000
    ledger = Ledger(tmp_path / LEDGER)
    rng = np.random.default_rng(0)
    records = []
    for number, lengths in enumerate(rng.uniform(1, 500, (count, 5)).tolist()):
        values = dict(zip(("long", "middle", "short", "mean", "farthest"), lengths, strict=True))
        result = {"digest": "d", FINGERPRINT: {"landmarks": 40, "tips": 21, **values}}
        ledger.add(Entry(f"n{number}", "k", "done", result))
        records.append({"neuron_name": f"n{number}", "source": "s", "swc": "none", "digest": "d", "nodes": 9})
    neurons = Index(iter(records))
    del records, ledger
    tracemalloc.start()
    duplicates = find_duplicates(neurons, neurons, tmp_path, "report", COMPUTE).duplicates
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(duplicates) == 0
    assert peak < count * 400, "bytes: the names and places of the ledger, not the fingerprints"


def test_file_that_went_after_repair_is_told_and_the_rest_goes_on(tmp_path, caplog):
    neurons, metadata, store = taken_in(tmp_path, cells())
    Path(store / "swc" / "a2.swc").unlink()
    rows = list(find_duplicates(neurons, metadata, store, "report", COMPUTE).duplicates)
    assert [row["neuron_name"] for row in rows] == ["b2", "a3"] and "a2" in caplog.text
    shutil.rmtree(store)
