"""NeuroMorpho.org through its faults: none lost, none twice, nothing asked for again, all of it told."""

import json
import logging
import random
import shutil

import pytest

from certificates import make_certificate, make_weak_dh
from loopback import PAGE, Cut, Drip, Drop, Endless, Html, Loopback, Redirect, Reply, Silent, Status, Wait
from neuromorpho_site import Site
from neuropil.errors import InputError
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.neuromorpho.neurons import count_line, neuromorpho_neurons
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons

HTTP = HttpParameters(
    backoff_s=0.01,
    backoff_most_s=0.02,
    connect_timeout_s=2,
    read_timeout_s=2.0,  # a crowded machine stands still for a second now and then
    slowest_bytes_per_s=3000,
    attempts=8,
    concurrency=6,
    per_host=5,
)


def fetch(server, store, http=HTTP, **fields):
    fields = {"query": "species:mouse", "page_size": 60, "site": server.url("")} | fields
    if "filters" in fields:
        del fields["query"]
    found = list(neuromorpho_neurons(NeuromorphoNeurons(**fields), http, store))
    assert all((store / record["swc"]).is_file() is ("problem" not in record) for record in found)
    return [record for record in found if "problem" not in record]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def outputs(store, *more):
    """What must be the same however the run went: files, facts, measures."""
    names = ["metadata.jsonl", "morphometry.jsonl", *more]
    kept = {name: (store / name).read_bytes() for name in names if (store / name).exists()}
    return kept | {path.name: path.read_bytes() for path in sorted((store / "swc").iterdir())}


def test_five_hundred_neurons_arrive_through_faults_once_each_and_the_log_says_what_happened(tmp_path):
    rng = random.Random(1)
    with Loopback() as server:
        site = Site(server, 503, overlapping=1)  # three of them cannot be had
        server.fail("/api/neuron/select", Status(503), Cut(200), Status(429, "0"), Html(), Drop(), Drip(3))
        kinds = [
            [Status(503)] * 3,
            [Status(429, "0"), Status(500)],
            [Cut(300), Drop()],
            [Html()],
            [Drip(3)],
            [Silent(6, after=100)],
            [Wait(0.05)],
        ]
        broken = rng.sample([record for record in site.records if record["neuron_id"] not in site.elsewhere], 70)
        hurt = {}
        for number, record in enumerate(broken[:35]):
            faults = kinds[number % len(kinds)]
            server.fail(site.path(record), *faults)
            hurt[record["neuron_id"]] = [fault for fault in faults if not isinstance(fault, Wait)]
        for number, record in enumerate(broken[35:]):
            server.fail(site.measures_path(record), *kinds[number % len(kinds)])
        missing, foreign, endless = (record["neuron_id"] for record in broken[-3:])
        server.serve(site.path(site.records[missing - 1]), Reply(PAGE, 404, {"Content-Type": "text/html"}, etag=None))
        server.fail(site.path(site.records[foreign - 1]), *[Redirect(server.url("/x.swc", "localhost"))] * 3)
        server.fail(site.path(site.records[endless - 1]), *[Endless()] * 3)
        found = fetch(server, tmp_path, fetch_morphometry=True, find=True, most_mb=1)

        lost = {missing, foreign, endless}
        assert [r["metadata"]["neuron_id"] for r in found] == [n for n in range(1, 504) if n not in lost]
        for record in found:
            assert (tmp_path / record["swc"]).read_bytes() == site.swc(record["metadata"])
        assert len({record["swc"].casefold() for record in found}) == len(found) == 500
        assert server.asked("/x.swc") == []

        log = {line["neuron_id"]: line for line in lines(tmp_path / "download_log.jsonl")}
        assert len(log) == 503 == len(lines(tmp_path / "download_log.jsonl"))
        assert {n for n, line in log.items() if line["status"] == "failed"} == lost
        assert "404" in log[missing]["reason"]
        assert "another host, localhost" in log[foreign]["reason"]
        assert "more than the 1,000,000 bytes" in log[endless]["reason"]
        for number, faults in hurt.items():
            assert len(log[number]["faults"]) == len(faults), (number, faults, log[number])
            assert log[number]["attempts"] == len(faults) + 1 and log[number]["status"] == "downloaded"
        assert all(log[n]["url"].startswith(server.url("/other%20files/")) for n in site.elsewhere)
        assert [line["neuron_id"] for line in lines(tmp_path / "morphometry.jsonl")] == list(range(1, 504))
        assert found[0]["metadata"]["morphometry"] == {
            "soma_Surface": 101.5,
            "n_stems": 4.0,
            "eucDistance": 1.5,
            "fractal_Dim": None,
        }
        assert [path.name for path in (tmp_path / "swc").iterdir() if path.name.startswith(".")] == []

        before = site.asked()
        assert fetch(server, tmp_path, fetch_morphometry=True, find=True, most_mb=1) != []
        again = site.asked() - before
        assert again["list"] == again["measures"] == 0 and again["file"] <= 3 * HTTP.attempts  # what is missing only


def test_second_run_makes_no_request_and_yields_the_same(tmp_path):
    with Loopback() as server:
        Site(server, 130)
        first = fetch(server, tmp_path, fetch_morphometry=True, find=True)
        count, kept = len(server.requests), outputs(tmp_path, "query.json")
        assert fetch(server, tmp_path, fetch_morphometry=True, find=True) == first and len(first) == 130
        assert len(server.requests) == count and outputs(tmp_path, "query.json") == kept
        assert {line["status"] for line in lines(tmp_path / "download_log.jsonl")} == {"present"}
        assert {line["attempts"] for line in lines(tmp_path / "download_log.jsonl")} == {1}


def test_requests_in_flight_never_exceed_the_limit(tmp_path):
    http = HTTP.model_copy(update={"concurrency": 4, "per_host": 3})
    with Loopback() as server:
        site = Site(server, 60)
        for record in site.records:
            server.fail(site.path(record), Status(503), Wait(0.01), Cut(100))
            server.fail(site.measures_path(record), Wait(0.01))
        assert len(fetch(server, tmp_path, http, fetch_morphometry=True, find=True, page_size=7)) == 60
        assert server.in_flight_most == 3


def test_refresh_learns_of_new_neurons_and_fetches_only_those(tmp_path):
    with Loopback() as server:
        Site(server, 21)
        fetch(server, tmp_path)
        site = Site(server, 23)
        before = site.asked()
        assert len(fetch(server, tmp_path)) == 21 and site.asked() == before
        assert len(fetch(server, tmp_path, refresh=True, page_size=10)) == 23
        assert site.asked() - before == {"list": 3, "file": 2}


def test_overwrite_fetches_everything_again_and_changed_files_take_the_place_of_old_ones(tmp_path):
    with Loopback() as server:
        Site(server, 20)
        fetch(server, tmp_path, fetch_morphometry=True)
        site = Site(server, 20, seed=1)
        before = site.asked()
        found = fetch(server, tmp_path, fetch_morphometry=True, overwrite=True)
        assert site.asked() - before == {"list": 1, "file": 20, "measures": 20}
        assert all((tmp_path / r["swc"]).read_bytes() == site.swc(r["metadata"]) for r in found)
        assert len(lines(tmp_path / "metadata.jsonl")) == len(lines(tmp_path / "morphometry.jsonl")) == 20


def test_count_only_asks_once_says_the_count_and_makes_no_file(tmp_path, capsys):
    with Loopback() as server:
        site = Site(server, 321)
        parameters = NeuromorphoNeurons(query="species:mouse", count_only=True, site=server.url(""))
        assert list(neuromorpho_neurons(parameters, HTTP, tmp_path / "store")) == []
        assert "has 321 neurons with species:mouse" in capsys.readouterr().err
        assert site.asked() == {"list": 1} and not (tmp_path / "store").exists()
        assert server.requests[0].request.query["size"] == ["1"]
        assert count_line(parameters, HTTP) == "NeuroMorpho.org has 321 neurons with species:mouse"


def test_metadata_only_asks_for_no_file(tmp_path):
    with Loopback() as server:
        site = Site(server, 70)
        assert fetch(server, tmp_path, metadata_only=True) == []
        assert site.asked() == {"list": 2} and len(lines(tmp_path / "metadata.jsonl")) == 70
        assert {line["status"] for line in lines(tmp_path / "download_log.jsonl")} == {"skipped"}


def test_filters_are_posted_with_their_values_whole(tmp_path):
    filters = {"species": "mouse", "domain": ["Dendrites, Soma, Axon", "Dendrites, Soma"]}
    with Loopback() as server:
        site = Site(server, 70)
        assert len(fetch(server, tmp_path, filters=filters)) == 68 + 1  # one is elsewhere, and find is off
        posted = {"species": ["mouse"], "domain": ["Dendrites, Soma, Axon", "Dendrites, Soma"]}
        assert site.bodies == [posted] * 2
        requests = server.asked("/api/neuron/select")
        assert {logged.request.method for logged in requests} == {"POST"}
        assert {logged.request.query["sort"][0] for logged in requests} == {"neuron_id,asc"}


def test_query_of_several_words_arrives_as_it_was_written(tmp_path):
    with Loopback() as server:
        site = Site(server, 3)
        fetch(server, tmp_path, query="brain_region:neocortex,hippocampus AND species:mouse & rat")
        assert site.bodies == ["brain_region:neocortex,hippocampus AND species:mouse & rat"]


def test_max_pages_limits_the_list_and_more_pages_keep_what_is_there(tmp_path):
    with Loopback() as server:
        site = Site(server, 49)
        assert len(fetch(server, tmp_path, page_size=10, max_pages=2)) == 20
        assert site.asked() == {"list": 2, "file": 20}
        assert len(fetch(server, tmp_path, page_size=10)) == 49
        assert site.asked() == {"list": 7, "file": 49}


def test_page_that_the_server_makes_smaller_loses_no_neuron(tmp_path):
    with Loopback() as server:
        site = Site(server, 45)
        select = site._select

        def capped(request):
            request.query["size"][0] = str(min(20, int(request.query["size"][0])))
            return select(request)

        server.answer("/api/neuron/select", capped)
        assert len(fetch(server, tmp_path, page_size=500)) == 45 and site.asked()["list"] == 3


def test_list_that_changes_while_it_is_read_is_read_from_the_start(tmp_path):
    with Loopback() as server:
        site = Site(server, 40)
        select, late = site._select, site.records.pop()

        def growing(request):
            if request.query["page"] == ["2"] and late not in site.records:
                site.records.append(late)
            return select(request)

        server.answer("/api/neuron/select", growing)
        assert [r["metadata"]["neuron_id"] for r in fetch(server, tmp_path, page_size=10)] == list(range(1, 41))


def test_neurons_that_the_list_never_shows_are_told(tmp_path, caplog):
    with Loopback() as server:
        Site(server, 25, overlapping=99)
        assert len(fetch(server, tmp_path, page_size=10)) == 15
        assert "counts 25 neurons with species:mouse but lists 15" in caplog.text
        about = json.loads((tmp_path / "query.json").read_text())
        assert (about["counted"], about["listed"]) == (25, 15)


def test_another_question_keeps_the_files_of_the_first(tmp_path):
    with Loopback() as server:
        site = Site(server, 12)
        fetch(server, tmp_path)
        fetch(server, tmp_path, query="species:rat")
        assert site.asked() == {"list": 2, "file": 12} and len(lines(tmp_path / "metadata.jsonl")) == 12


def test_record_without_a_name_is_in_the_log_and_the_others_arrive(tmp_path):
    with Loopback() as server:
        site = Site(server, 6)
        del site.records[1]["neuron_name"], site.records[2]["neuron_id"]
        assert len(fetch(server, tmp_path)) == 4
        failed = [line for line in lines(tmp_path / "download_log.jsonl") if line["status"] == "failed"]
        assert sorted(line["reason"] for line in failed) == [
            "its record has no neuron_id",
            "its record has no neuron_name",
        ]


def test_measures_that_cannot_be_had_are_told_and_the_neuron_comes_without(tmp_path):
    with Loopback() as server:
        site = Site(server, 5)
        server.serve(site.measures_path(site.records[1]), Reply(b"{}", 404, etag=None))
        server.serve(site.measures_path(site.records[2]), Reply(b'{"neuron_id": 99, "surface": 1}', etag=None))
        found = fetch(server, tmp_path, fetch_morphometry=True)
        assert ["morphometry" in record["metadata"] for record in found] == [True, False, False, True, True]
        log = lines(tmp_path / "download_log.jsonl")
        assert [line["morphometry"] for line in log] == ["present", "failed", "failed", "present", "present"]


def test_site_that_stops_answering_ends_the_run_in_one_line_and_the_next_run_goes_on(tmp_path):
    quick = HTTP.model_copy(update={"attempts": 1})
    with Loopback() as server:
        site = Site(server, 60)
        for record in site.records[20:]:
            server.fail(site.path(record), Status(503))
        with pytest.raises(InputError, match=r"has stopped answering .*503") as caught:
            fetch(server, tmp_path, quick)
        assert "\n" not in str(caught.value) and site.asked()["file"] < 60
        log = lines(tmp_path / "download_log.jsonl")
        assert len(log) == 60 and {line["status"] for line in log} == {"downloaded", "failed", "skipped"}
        with server.lock:
            server._faults.clear()
        assert len(fetch(server, tmp_path, find=True)) == 60 and len({s.request.path for s in server.requests}) <= 63


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"query": None}, "no neurons are asked for; set ingestion.neurons.neuromorpho.query"),
        ({}, "no neuron with species:mouse"),
    ],
)
def test_question_without_neurons_is_one_line(tmp_path, fields, words):
    with Loopback() as server, pytest.raises(InputError, match=words):
        Site(server, 0)
        fetch(server, tmp_path, **fields)


def test_bad_question_names_the_field(tmp_path):
    with Loopback() as server:
        Site(server, 3)
        server.fail("/api/neuron/select", Status(400))
        with pytest.raises(InputError, match=r"400 Bad Request.*ingestion\.neurons\.neuromorpho\.query.*neuron/fields"):
            fetch(server, tmp_path)


def test_query_and_filters_together_are_refused():
    with pytest.raises(ValueError, match="query or filters, not both"):
        NeuromorphoNeurons(query="species:mouse", filters={"species": ["rat"]})


def test_not_one_file_is_an_error_that_names_the_log(tmp_path):
    with Loopback() as server:
        site = Site(server, 2)
        for record in site.records:
            server.serve(site.path(record), Reply(b'{"error": "no such file"}\n', etag=None))
        with pytest.raises(InputError, match=r"download_log\.jsonl: not one of 2 neurons"):
            fetch(server, tmp_path)
        assert "not an SWC file" in lines(tmp_path / "download_log.jsonl")[0]["reason"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
def test_old_server_is_verified_all_the_same(tmp_path):
    certificate, dh = make_certificate(tmp_path), make_weak_dh(tmp_path)
    with Loopback(certificate=certificate, weak_dh=dh) as server:
        site = Site(server, 8)
        with pytest.raises(InputError, match=r"not trusted .*ingestion\.http\.ca_bundle"):
            fetch(server, tmp_path / "store")
        assert server.requests == []
        trusting = HTTP.model_copy(update={"ca_bundle": certificate[0]})
        assert len(fetch(server, tmp_path / "store", trusting)) == 8 and site.asked() == {"list": 1, "file": 8}


def test_neuron_that_cannot_be_had_comes_with_its_reason(tmp_path):
    with Loopback() as server:
        Site(server, 50)
        parameters = NeuromorphoNeurons(query="species:mouse", site=server.url(""))
        last = list(neuromorpho_neurons(parameters, HTTP, tmp_path))[-1]
        assert last["neuron_name"] == "cell_0050" and "404" in last["problem"] and last["metadata"]["neuron_id"] == 50


def test_rate_and_failures_are_told(tmp_path, caplog, capsys):
    caplog.set_level(logging.INFO)
    with Loopback() as server:
        Site(server, 50)
        fetch(server, tmp_path)
        assert "neurons per second" in capsys.readouterr().err
        assert "NeuroMorpho.org: 49 downloaded, 0 present, 1 failed, 0 skipped; 0.1 MB in" in caplog.text
        assert "1 of 50 neurons of NeuroMorpho.org could not be had" in caplog.text
        assert "find=true" in lines(tmp_path / "download_log.jsonl")[-1]["reason"]
