"""Neurons of the Allen Institute, from servers with faults: none lost, none twice, all accounted for."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from loopback import Cut, Drip, Drop, Endless, Html, Loopback, Redirect, Reply, Status
from neuropil.compute import ComputeParameters
from neuropil.errors import InputError
from neuropil.sources.allen.neurons import allen_neurons
from neuropil.sources.allen.parameters import AllenNeurons
from neuropil.sources.neuron_intake import take_in_neurons
from neuropil.work.index import Index
from sources.allen.allen_server import QUICK, TYPES, as_csv, serve_cells, serve_tree, settings, specimens, swc

HTTP = QUICK.model_copy(update={"concurrency": 6, "per_host": 5, "read_timeout_s": 5.0})


def neurons(store, http=HTTP, **parameters):
    return list(allen_neurons(AllenNeurons(**parameters), http, store))


def lines(path):
    return {line["neuron_name"]: line for line in map(json.loads, path.read_text().splitlines())}


def files(store):
    return {path.stem: path.read_bytes() for path in (store / "swc").iterdir() if not path.name.startswith(".")}


@pytest.fixture
def both():
    """A server with 40 specimens, 32 of them reconstructed, and 12 Patch-seq cells in folders of their own."""
    with Loopback() as server:
        bodies = serve_cells(server, specimens(40))
        tree = {f"batch {n % 2}/{600 + n}/{600 + n}_transformed.swc": swc(600 + n) for n in range(12)}
        tree |= {"batch 0/600/600_raw.swc": swc(1), "batch 0/README.txt": b"read me", "batch 1/601/marker.csv": b"x"}
        serve_tree(server, tree)
        yield server, bodies | {str(600 + n): swc(600 + n) for n in range(12)}


def test_all_arrive_with_facts_and_a_second_run_asks_for_nothing(both, tmp_path):
    server, bodies = both
    table = tmp_path / "types.csv"
    table.write_text(TYPES + "".join(f"{600 + n},Sst {n},MET {n},aspiny,VISp5,Mus musculus\n" for n in range(6)))
    listing = {"url": server.url("/bil/"), "table": table}
    parameters = settings(server, patch_seq={"listings": {"visp": listing}})
    records = neurons(tmp_path, **parameters)
    assert [record["neuron_name"] for record in records] == sorted(bodies, key=int)
    assert files(tmp_path) == bodies and all("problem" not in record for record in records)
    facts = {record["neuron_name"]: record["metadata"] for record in records}
    assert (
        facts["1000"]["donor__species"] == "Homo Sapiens" and facts["1000"]["database"] == "Allen Cell Types Database"
    )
    assert facts["603"]["t_type"] == "Sst 3" and facts["603"]["brain_region"] == ["VISp", "layer 5"]
    assert "t_type" not in facts["609"] and facts["609"]["database"] == "Brain Image Library"
    assert set(lines(tmp_path / "metadata.jsonl")) == set(bodies)
    log = lines(tmp_path / "download_log.jsonl")
    assert Counter(line["status"] for line in log.values()) == {"downloaded": 44, "skipped": 8}
    assert log["600"]["others"] == [server.url("/bil/batch%200/600/600_raw.swc")]
    asked = len(server.requests)
    assert neurons(tmp_path, **parameters) == records and len(server.requests) == asked
    assert Counter(one["status"] for one in lines(tmp_path / "download_log.jsonl").values())["present"] == 44


def test_form_of_several_files_and_unlabelled_cells_are_chosen(both, tmp_path):
    server, bodies = both
    (tmp_path / "t.csv").write_text(TYPES + "600,Sst,,,,\n603,Vip,,,,\n")
    listing = {"url": server.url("/bil/"), "table": tmp_path / "t.csv", "prefer": ["raw", "transformed"]}
    patch_seq = {"listings": {"visp": listing, "mop": None}, "unlabelled": False}
    records = neurons(tmp_path, **settings(server, databases=["patch_seq"], patch_seq=patch_seq))
    assert [record["neuron_name"] for record in records] == ["600", "603"]
    assert files(tmp_path) == {"600": swc(1), "603": bodies["603"]}


def test_count_and_metadata_only_fetch_no_reconstruction(both, tmp_path, caplog):
    server, bodies = both
    caplog.set_level(logging.INFO)
    assert neurons(tmp_path, **settings(server, count_only=True)) == [] and not (tmp_path / "metadata.jsonl").exists()
    assert "44 reconstructions (32 Allen Cell Types Database, 12 Brain Image Library) of 52 cells" in caplog.text
    assert neurons(tmp_path, **settings(server, metadata_only=True)) == [] and not (tmp_path / "swc").exists()
    assert set(lines(tmp_path / "metadata.jsonl")) == set(bodies)
    assert not any("/well_known/" in one.request.path or ".swc" in one.request.path for one in server.requests)
    assert len(neurons(tmp_path, **settings(server, most=3))) == 3 and len(files(tmp_path)) == 3


def test_overwrite_fetches_anew_and_keeps_what_cannot_be_had_again(both, tmp_path):
    server, bodies = both
    neurons(tmp_path, **settings(server))
    server.serve("/well_known/70000", swc(999))
    assert neurons(tmp_path, **settings(server)) and files(tmp_path)["1000"] == bodies["1000"]
    server.fail("/well_known/70001", Status(404), times=9)
    asked = len(server.requests)
    records = neurons(tmp_path, **settings(server, overwrite=True))
    assert len(server.requests) - asked > 44 and files(tmp_path)["1000"] == swc(999)
    assert files(tmp_path)["1001"] == bodies["1001"]
    assert [record["neuron_name"] for record in records if "problem" in record] == ["1001"]


def test_refresh_asks_for_lists_only(both, tmp_path):
    server, bodies = both
    neurons(tmp_path, **settings(server))
    rows = specimens(41)
    rows[40]["nrwkf__id"] = "99999"
    server.serve("/specimens.csv", as_csv(rows))
    server.serve("/well_known/99999", swc(5))
    server.serve("/bil/batch%200/600/600_transformed.swc", swc(6))
    asked = len(server.requests)
    assert len(neurons(tmp_path, **settings(server, refresh=True))) == 45
    paths = [one.request.path for one in server.requests[asked:]]
    assert "/bil/" in paths and "/specimens.csv" in paths and "/well_known/99999" in paths
    assert sum("well_known" in path or path.endswith(".swc") for path in paths) == 1
    assert files(tmp_path)["600"] == bodies["600"]


def test_new_reconstruction_of_a_specimen_replaces_the_old_one(both, tmp_path):
    server, _ = both
    neurons(tmp_path, **settings(server))
    rows = specimens(40)
    rows[0]["nrwkf__id"] = "88888"
    server.serve("/specimens.csv", as_csv(rows))
    server.serve("/well_known/88888", swc(88))
    neurons(tmp_path, **settings(server, refresh=True))
    assert files(tmp_path)["1000"] == swc(88)


def test_neurons_arrive_through_faults_once_each_and_the_log_says_what_happened(tmp_path):
    draw = random.Random(7)
    kinds = [Status(503), Status(429, retry_after="0"), Status(500), Cut(60), Drop()]
    with Loopback() as server:
        rows = specimens(150)
        bodies = serve_cells(server, rows)
        tree = {f"{n}/{n}.swc": swc(n) for n in range(500, 530)}
        serve_tree(server, tree)
        spoiled = {}
        for row in rows:
            if row["nrwkf__id"] and draw.random() < 0.6:
                some = draw.choices(kinds, k=2)
                spoiled[row["specimen__id"]] = some
                server.fail(f"/well_known/{row['nrwkf__id']}", *some)
        server.fail("/bil/510/", Status(503), Drop(), Html())
        server.fail("/specimens.csv", Cut(500), Html(), Status(503))
        parameters = settings(server)
        records = neurons(tmp_path, http=HTTP.model_copy(update={"concurrency": 16, "per_host": 4}), **parameters)
        # One more: to the server an answer is in flight until the thread that sent it is at work again.
        assert 2 <= server.in_flight_most <= 4 + 1
        asked = len(server.requests)
        assert neurons(tmp_path, **parameters) == records and len(server.requests) == asked
    bodies |= {str(n): swc(n) for n in range(500, 530)}
    assert files(tmp_path) == bodies
    assert [record["neuron_name"] for record in records] == sorted(bodies, key=int)
    log = lines(tmp_path / "download_log.jsonl")
    assert {name for name, line in log.items() if line["status"] != "skipped"} == set(bodies)
    assert {name: line["attempts"] for name, line in log.items() if name in spoiled} == dict.fromkeys(spoiled, 3)
    assert all(len(log[name]["sha256"]) == 64 and log[name]["bytes"] == len(body) for name, body in bodies.items())


def test_what_cannot_be_had_is_refused_by_name_and_asked_for_again(both, tmp_path, caplog):
    server, bodies = both
    spoil = {
        "70000": Status(404),
        "70001": Html(),
        "70002": Redirect("http://localhost:1/x"),
        "70003": Endless(),
    }
    for number, fault in spoil.items():
        server.fail(f"/well_known/{number}", fault, times=2)
    server.fail("/well_known/70005", *[Status(503)] * HTTP.attempts)
    server.fail("/well_known/70006", Drip(1), Drip(1))
    http = HTTP.model_copy(update={"slowest_bytes_per_s": 200.0, "read_timeout_s": 1.0})
    raw = Index(neurons(tmp_path, http=http, **settings(server, most_mb=1)))
    bad = {record["neuron_name"]: record["problem"] for record in raw if "problem" in record}
    assert set(bad) == {"1000", "1001", "1002", "1003", "1005"}
    for name, words in zip(sorted(bad), ["404", "web page", "another host", "1,000,000 bytes", "503"], strict=True):
        assert words in bad[name] and "\n" not in bad[name]
    assert "5 of 44 reconstructions could not be had" in caplog.text and set(files(tmp_path)) == set(bodies) - set(bad)
    taken = take_in_neurons(raw, tmp_path, tmp_path / "store", ComputeParameters())
    assert len(taken.neurons) == 39 and "5 quarantined" in taken.log.note
    log = lines(tmp_path / "download_log.jsonl")
    assert {name for name, line in log.items() if line["status"] == "failed"} == set(bad)
    for number in spoil:
        with server.lock:
            server._faults.pop(f"/well_known/{number}", None)
    before = len(server.requests)
    assert all("problem" not in record for record in neurons(tmp_path, http=http, **settings(server, most_mb=1)))
    assert len(server.requests) - before == 5 and files(tmp_path) == bodies


def test_server_that_stopped_answering_ends_the_run_and_the_log_says_so(both, tmp_path):
    server, _ = both
    for number in range(70_000, 70_040):
        server.serve(f"/well_known/{number}", Reply(b"", 503, etag=None))
    http = HTTP.model_copy(update={"attempts": 1})
    with pytest.raises(InputError, match="503"):
        neurons(tmp_path, http=http, **settings(server, databases=["cell_types"]))
    log = lines(tmp_path / "download_log.jsonl")
    assert any("before it was asked for" in str(line["reason"]) for line in log.values()) and len(log) == 40


RUNS = """
import json, os, sys
from pathlib import Path
from neuropil.sources.allen.neurons import allen_neurons
from neuropil.sources.allen.parameters import AllenNeurons
from neuropil.sources.http.parameters import HttpParameters
http = HttpParameters(backoff_s=0.01, backoff_most_s=0.02, concurrency=3)
store, parameters = Path(sys.argv[1]), AllenNeurons(**json.loads(sys.argv[2]))
for _ in sys.stdin:
    pid = os.fork()  # a process of its own for each run, without the second that imports take
    if pid == 0:
        try:
            Path(sys.argv[3]).write_text(json.dumps(list(allen_neurons(parameters, http, store))))
            os._exit(0)
        finally:
            os._exit(1)
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""


class Runs:
    """Runs of the source, one after the other, each a process that can be killed."""

    def __init__(self, store, parameters, records):
        command = [sys.executable, "-c", RUNS, str(store), json.dumps(parameters), str(records)]
        self._pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._parent = subprocess.Popen(command, text=True, **self._pipes)

    def begin(self):
        """Start one; its process."""
        self._parent.stdin.write("run\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())

    def end(self):
        """Wait for it; its status."""
        return int(self._parent.stdout.readline())

    def close(self):
        self._parent.stdin.close()
        self._parent.wait()


def test_run_killed_at_ten_random_moments_ends_in_the_same_bytes(both, tmp_path):
    server, bodies = both
    runs = Runs(tmp_path / "killed", settings(server), tmp_path / "records.json")
    moments, killed = random.Random(2), 0
    for row in list(bodies):
        path = f"/well_known/{int(row) + 69_000}" if int(row) >= 1000 else f"/bil/batch%20{int(row) % 2}/{row}/"
        server.fail(path, *[Drip(150)] * 3)
    for _ in range(10):
        before = len(server.requests)
        pid = runs.begin()
        while len(server.requests) == before:
            time.sleep(0.002)
        time.sleep(moments.uniform(0.0, 0.12))
        os.kill(pid, signal.SIGKILL)
        killed += runs.end() == signal.SIGKILL
    assert killed == 10
    runs.begin()
    assert runs.end() == 0
    whole = neurons(tmp_path / "whole", **settings(server))
    assert json.loads((tmp_path / "records.json").read_text()) == whole
    assert files(tmp_path / "killed") == bodies == files(tmp_path / "whole")
    assert (tmp_path / "killed/metadata.jsonl").read_bytes() == (tmp_path / "whole/metadata.jsonl").read_bytes()
    asked = len(server.requests)
    runs.begin()
    assert runs.end() == 0 and len(server.requests) == asked
    assert not list((tmp_path / "killed").rglob(".*"))
    runs.close()
