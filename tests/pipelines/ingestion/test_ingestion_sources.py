"""Several sources in one run, one of them a server: one store each, one name each, one record, copies told."""

from pathlib import Path

from loopback import Loopback
from neuromorpho_site import Site
from neuropil.compute import ComputeParameters
from neuropil.pipelines.ingestion.nodes import cite_neurons, find_duplicates, repair_neurons
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.parameters import NeuronSources
from sources.neuron_intake import gathered

COMPUTE = ComputeParameters()
HTTP = HttpParameters(backoff_s=0.01, attempts=3)
COUNT = 12


def asked(server: Loopback, **fields: object) -> dict[str, object]:
    return {"query": "species:mouse", "site": server.url("").rstrip("/"), **fields}


def test_server_and_folder_in_one_run(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    with Loopback() as server:
        site = Site(server, COUNT)
        first = site.records[0]
        (own / f"{first['neuron_name']}.swc").write_bytes(site.swc(first))  # the same cell under the same name
        (own / "metadata.csv").write_text(f"name,species\n{first['neuron_name']},rat\n")
        neurons = NeuronSources(neuromorpho=asked(server), folder={"path": own})
        raw = gathered(["neuromorpho", "folder"], neurons, tmp_path / "ws", http=HTTP)
        requests = len(server.requests)
        again = gathered(["neuromorpho", "folder"], neurons, tmp_path / "ws", http=HTTP)
        assert list(again) == list(raw) and len(server.requests) == requests
    names = [record["neuron_name"] for record in raw]
    assert len({name.casefold() for name in names}) == len(names) == COUNT + 1
    assert names[-1] == f"{first['neuron_name']}__folder"
    files = [Path(record["swc"]) for record in raw]
    assert all(file.is_absolute() and file.exists() for file in files)
    assert all(file.parent == tmp_path / "ws" / "neuromorpho" / "swc" for file in files[:COUNT])
    repaired, facts, log, _ = repair_neurons(raw, tmp_path / "ws" / "raw", COMPUTE, tmp_path / "ws" / "neurons")
    assert len(log) == COUNT + 1
    kept, metadata, duplicates = find_duplicates(repaired, facts, "drop_later", COMPUTE, tmp_path / "ws" / "neurons")
    assert [(row["neuron_name"], row["duplicate_of"]) for row in duplicates] == [(names[-1], names[0])]
    assert [record["neuron_name"] for record in kept] == names[:-1]
    records = {record["neuron_name"]: record for record in metadata}
    assert set(records) == set(names[:-1])
    assert all(record["repository"] == "NeuroMorpho.Org" for record in records.values())
    page, bibtex = cite_neurons(metadata)
    assert f"| NeuroMorpho.Org | {COUNT} |" in page and "tecuatl_2024" in bibtex


def test_counting_ends_calmly_and_fetches_nothing(tmp_path: Path) -> None:
    with Loopback() as server:
        site = Site(server, COUNT)
        neurons = NeuronSources(neuromorpho=asked(server, count_only=True))
        raw = gathered(["neuromorpho"], neurons, tmp_path / "ws", http=HTTP)
        assert len(server.requests) == 1 == sum(site.asked().values())
    assert raw.reason == "no neurons: ingestion.neurons.neuromorpho.count_only is set"
    outputs = repair_neurons(raw, tmp_path / "ws" / "raw", COMPUTE, tmp_path / "ws" / "neurons")
    assert {output.reason for output in outputs} == {raw.reason}


def test_reasons_of_all_sources_are_told(tmp_path: Path) -> None:
    neurons = NeuronSources(allen={"path": tmp_path, "metadata_only": True, "table": tmp_path / "t.csv"})
    (tmp_path / "t.csv").write_text("specimen__id,nrwkf__id\n7,8\n")
    (tmp_path / "7.swc").write_text("1 1 0 0 0 1 -1\n2 3 0 0 9 1 1\n")
    raw = gathered(["folder", "allen"], neurons, tmp_path / "ws")
    assert raw.reason == (
        "no neurons: ingestion.neurons.folder.path is not set; ingestion.neurons.allen.metadata_only is set"
    )


def test_insecure_is_told_where_neurons_are_fetched(tmp_path: Path) -> None:
    with Loopback() as server:
        Site(server, 2)
        neurons = NeuronSources(neuromorpho=asked(server))
        http = HTTP.model_copy(update={"insecure": True})
        assert "insecure" in (gathered(["neuromorpho"], neurons, tmp_path / "ws", http=http).note or "")
    sample = NeuronSources(sample={"cells_per_class": 1})
    assert gathered(["sample"], sample, tmp_path / "other", http=http).note is None
