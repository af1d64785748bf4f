"""Files through a bad network: each arrives once, whole and verified, or one line says why not."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest

from loopback import (
    Cut,
    Drip,
    Drop,
    Endless,
    Garbled,
    Html,
    Loopback,
    Redirect,
    Reply,
    Silent,
    Status,
    Wait,
)
from neuropil.errors import InputError, MachineError
from neuropil.sources.http import receiving
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.download import LEDGER, Asset, fetch, fetch_each
from neuropil.sources.http.faults import RequestError
from neuropil.sources.http.parameters import HttpParameters

QUICK = HttpParameters(backoff_s=0.01, backoff_most_s=0.02, connect_timeout_s=2, read_timeout_s=0.5, attempts=4)
BODY = random.Random(0).randbytes(400_000)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def md5(data):
    return hashlib.md5(data).hexdigest()


def zipped(data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.bin", data)
    return buffer.getvalue()


def get(server, folder, path="/a.bin", http=QUICK, **fields):
    return fetch([Asset(server.url(path), path[1:], **fields)], folder, http, label="test")[0]


def error_of(server, folder, **options):
    with pytest.raises(InputError) as caught:
        get(server, folder, **options)
    line = str(caught.value)
    assert "\n" not in line and server.url("/a.bin") in line and not (folder / "a.bin").exists()
    return line


def ledger(folder):
    lines = [json.loads(line) for line in (folder / LEDGER).read_text().splitlines()]
    return {line["name"]: line for line in lines}


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def statuses(server, path="/a.bin"):
    return [logged.status for logged in server.asked(path)]


def ranges(server, path="/a.bin"):
    return [logged.request.headers.get("range") for logged in server.asked(path)]


def test_second_run_makes_no_request_and_leaves_the_ledger_as_it_is(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        first = get(server, tmp_path)
        book = (tmp_path / LEDGER).read_bytes()
        assert get(server, tmp_path) == first == tmp_path / "a.bin"
        assert first.read_bytes() == BODY and len(server.requests) == 1
        assert (tmp_path / LEDGER).read_bytes() == book and hidden(tmp_path) == []
        done = ledger(tmp_path)["a.bin"]["result"]
        assert (done["size"], done["sha256"], done["faults"]) == (len(BODY), sha256(BODY), [])


@pytest.mark.parametrize(
    "faults",
    [
        [Cut(100_000), Cut(150_000)],
        [Drop()],
        [Status(503), Status(500), Status(502)],
        [Status(429, "0"), Status(503, "0")],
        [Silent(3, after=70_000)],
        [Garbled(7)],
        [Html()],
    ],
)
def test_passing_faults_end_in_the_same_bytes_and_are_told(tmp_path, faults):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", *faults)
        assert get(server, tmp_path, sha256=sha256(BODY)).read_bytes() == BODY
        assert len(server.requests) == len(faults) + 1
        assert len(ledger(tmp_path)["a.bin"]["result"]["faults"]) == len(faults)
        assert hidden(tmp_path) == []


def test_cut_body_is_gone_on_with_where_it_broke_off(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Cut(100_000), Cut(150_000))
        get(server, tmp_path)
        assert ranges(server) == [None, "bytes=100000-", "bytes=250000-"] and statuses(server) == [200, 206, 206]


def test_progress_gives_new_patience(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Cut(30_000), times=12)
        assert get(server, tmp_path).read_bytes() == BODY  # thirteen attempts, though four may fail in a row


def test_server_that_always_cuts_at_one_place_ends_in_one_line(tmp_path):
    with Loopback({"/a.bin": Reply(BODY, ranges=False)}) as server:
        server.fail("/a.bin", Cut(100_000), times=50)
        line = error_of(server, tmp_path)
        assert "the connection broke off (4 attempts)" in line and "goes on where it was" in line
        assert len(server.requests) == 5  # the first brought something


def test_server_without_ranges_begins_anew(tmp_path):
    with Loopback({"/a.bin": Reply(BODY, ranges=False)}) as server:
        server.fail("/a.bin", Cut(100_000))
        assert get(server, tmp_path).read_bytes() == BODY
        assert ranges(server) == [None, "bytes=100000-"] and statuses(server) == [200, 200]


def test_bytes_of_two_versions_are_never_joined(tmp_path):
    new = BODY[::-1]
    with Loopback({"/a.bin": Reply(BODY, etag='"one"')}) as server:
        server.fail("/a.bin", Cut(100_000))
        server.fail("/a.bin", Drop())
        original = server.next_fault

        def change(path):
            fault = original(path)
            if isinstance(fault, Drop):
                server.serve("/a.bin", Reply(new, etag='"two"'))
            return fault

        server.next_fault = change
        assert get(server, tmp_path).read_bytes() == new
        assert statuses(server)[-1] == 200  # If-Range did not hold


def test_server_that_ignores_if_range_is_found_out(tmp_path):
    new = BODY[::-1]
    versions = iter([(BODY, '"one"'), (new, '"two"'), (new, '"two"')])

    def answer(request):
        body, etag = next(versions)
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        if start:
            headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            return Reply(body[start:], 206, headers, etag=etag)
        return Reply(body, etag=etag)

    with Loopback() as server:
        server.answer("/a.bin", answer)
        server.fail("/a.bin", Cut(100_000))
        assert get(server, tmp_path).read_bytes() == new
        assert "changed" in ledger(tmp_path)["a.bin"]["result"]["faults"][1]


@pytest.mark.parametrize(("etag", "modified", "published"), [('W/"a"', None, False), (None, None, False)])
def test_rest_is_not_asked_for_where_nothing_tells_that_it_belongs(tmp_path, etag, modified, published):
    with Loopback({"/a.bin": Reply(BODY, etag=etag, modified=modified)}) as server:
        server.fail("/a.bin", Cut(100_000))
        assert get(server, tmp_path).read_bytes() == BODY
        assert ranges(server) == [None, None]


@pytest.mark.parametrize(("etag", "modified", "fields"), [('W/"a"', 1e9, {}), (None, None, {"md5": md5(BODY)})])
def test_date_or_published_checksum_stands_for_an_etag(tmp_path, etag, modified, fields):
    with Loopback({"/a.bin": Reply(BODY, etag=etag, modified=modified)}) as server:
        server.fail("/a.bin", Cut(100_000))
        assert get(server, tmp_path, **fields).read_bytes() == BODY
        assert ranges(server) == [None, "bytes=100000-"]


def test_complete_partial_is_taken_though_the_server_has_no_more(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Cut(100_000), Status(404))
        with pytest.raises(RequestError):
            get(server, tmp_path)
        part = tmp_path / ".a.bin.download"
        assert part.stat().st_size == 100_000
        part.write_bytes(BODY)
        assert get(server, tmp_path).read_bytes() == BODY
        assert statuses(server)[-1] == 416


def test_web_page_in_place_of_the_rest_costs_nothing_of_what_came(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Cut(100_000), Html(), Html())
        assert get(server, tmp_path).read_bytes() == BODY
        assert ranges(server)[-1] == "bytes=100000-" and statuses(server)[-1] == 206


@pytest.mark.parametrize("fields", [{"sha256": sha256(b"other")}, {"md5": md5(b"other")}])
def test_wrong_checksum_is_refused_after_a_second_look(tmp_path, fields):
    with Loopback({"/a.bin": BODY}) as server:
        line = error_of(server, tmp_path, **fields)
        assert "was published" in line and "set its checksum" in line
        assert len(server.requests) == 2 and hidden(tmp_path) == []
        assert ledger(tmp_path)["a.bin"]["state"] == "failed"


def test_published_checksums_may_be_written_in_capitals(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        assert get(server, tmp_path, sha256=sha256(BODY).upper(), md5=md5(BODY).upper()).read_bytes() == BODY


@pytest.mark.parametrize("kind", ["zip", "hdf5", "nifti", "tiff", "text", "any"])
def test_web_page_is_no_file(tmp_path, kind):
    page = b"\n<!-- hi -->\n<!doctype HTML><html>" + b" " * 100_000
    with Loopback({"/a.bin": page}) as server:
        line = error_of(server, tmp_path, kind=kind)
        assert "a web page came instead" in line and len(server.requests) == 2


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        ("zip", zipped(BODY)),
        ("hdf5", bytes(512) + b"\x89HDF\r\n\x1a\n" + BODY),
        ("nifti", b"\x1f\x8b" + BODY),
        ("nifti", b"\x5c\1\0\0" + bytes(340) + b"n+1\0" + BODY),
        ("tiff", b"II*\0" + BODY),
        ("text", b"1 1 0 0 0 1 -1\n"),
    ],
)
def test_kind_is_known_by_content(tmp_path, kind, good):
    with Loopback({"/a.bin": good, "/b.bin": b"\0\1\2\3 neither" + BODY}) as server:
        assert get(server, tmp_path, kind=kind).read_bytes() == good
        with pytest.raises(RequestError, match="what came is not"):
            get(server, tmp_path, "/b.bin", kind=kind)


def test_truncated_zip_of_unknown_length_is_no_file(tmp_path):
    with Loopback({"/a.bin": Reply(zipped(BODY)[:-30], sized=False)}) as server:
        assert "has no end" in error_of(server, tmp_path, kind="zip")


def test_empty_file_is_no_file(tmp_path):
    with Loopback({"/a.bin": b""}) as server:
        assert "an empty file came" in error_of(server, tmp_path)


def test_missing_file_is_told_at_once_with_its_field(tmp_path):
    with Loopback() as server:
        with pytest.raises(RequestError) as caught:
            get(server, tmp_path, advice="its address is ingestion.volumes.x.url")
        assert caught.value.status == 404 and len(server.requests) == 1
        assert str(caught.value).endswith("; its address is ingestion.volumes.x.url")


def test_endless_body_is_broken_off_at_its_limit(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Endless())
        line = error_of(server, tmp_path, most_bytes=5_000_000)
        assert "more than the 5,000,000 bytes" in line and len(server.requests) == 1 and hidden(tmp_path) == []


def test_announced_length_over_the_limit_is_not_received(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        line = error_of(server, tmp_path, http=QUICK.model_copy(update={"most_gb": 0.0001}))
        assert "more than the 100,000 bytes" in line


def test_dripping_body_is_asked_for_again_and_gone_on_with(tmp_path):
    http = QUICK.model_copy(update={"slowest_bytes_per_s": 10_000})
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Drip(10))
        assert get(server, tmp_path, http=http).read_bytes() == BODY
        assert ranges(server)[1] is not None
        server.fail("/a.bin", *[Drip(10)] * 10)
        (tmp_path / "a.bin").unlink()
        assert "bytes per second (4 attempts)" in error_of(server, tmp_path, http=http)


def test_longer_wait_than_allowed_ends_in_one_line(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Status(503, "86400"))
        assert "asks to wait 86,400 s" in error_of(server, tmp_path) and len(server.requests) == 1


def test_retry_after_is_waited_for(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Status(429, "1"))
        get(server, tmp_path)
        first, second = server.requests
        assert 1.0 <= second.time - first.time < 3


def test_redirect_leads_only_to_expected_hosts(tmp_path):
    with Loopback({"/b.bin": BODY}) as server:
        elsewhere = server.url("/b.bin", host="localhost")
        server.fail("/a.bin", Redirect(elsewhere), times=4)
        line = error_of(server, tmp_path)
        assert "redirects to another host, localhost" in line and server.asked("/b.bin") == []
        assert get(server, tmp_path, hosts=("localhost",)).read_bytes() == BODY


def test_rest_is_asked_for_through_the_redirect(tmp_path):
    with Loopback({"/b.bin": BODY}) as server:
        server.fail("/a.bin", Redirect("/b.bin", 301), Redirect("/b.bin", 307))
        server.fail("/b.bin", Cut(100_000))
        assert get(server, tmp_path).read_bytes() == BODY
        assert ranges(server, "/b.bin") == [None, "bytes=100000-"]


def test_redirects_in_a_circle_end(tmp_path):
    with Loopback() as server:
        server.fail("/a.bin", Redirect("/a.bin"), times=20)
        assert "redirects more than 5 times" in error_of(server, tmp_path) and len(server.requests) == 6


def test_file_put_there_by_hand_is_taken_where_it_is_the_right_one(tmp_path):
    (tmp_path / "a.bin").write_bytes(BODY)
    with Loopback() as server:
        assert get(server, tmp_path, sha256=sha256(BODY)).read_bytes() == BODY
        assert server.requests == []


def test_wrong_file_put_there_by_hand_is_replaced(tmp_path, caplog):
    (tmp_path / "a.bin").write_bytes(b"PK\3\4 half an archive")
    good = zipped(BODY)
    with Loopback({"/a.bin": good}) as server:
        assert get(server, tmp_path, kind="zip").read_bytes() == good
        assert "has no end" in caplog.text


def test_changed_file_is_fetched_anew_and_a_touched_one_is_not(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        path = get(server, tmp_path)
        os.utime(path, (1, 1))
        get(server, tmp_path)
        assert len(server.requests) == 1
        path.write_bytes(BODY[:-1] + b"!")
        assert get(server, tmp_path).read_bytes() == BODY and len(server.requests) == 2


def test_new_address_or_checksum_is_fetched_anew(tmp_path):
    new = BODY[::-1]
    with Loopback({"/a.bin": BODY, "/b.bin": new}) as server:
        get(server, tmp_path)
        asset = Asset(server.url("/b.bin"), "a.bin")
        assert fetch([asset], tmp_path, QUICK, label="x")[0].read_bytes() == new


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", "", "a\\b"])
def test_name_that_climbs_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="no file can be named"):
        fetch([Asset("http://127.0.0.1:1/a", name)], tmp_path, QUICK, label="x")


def test_two_addresses_for_one_name_are_refused_and_twice_the_same_is_one(tmp_path):
    with Loopback({"/a.bin": BODY, "/b.bin": BODY}) as server:
        one, two = Asset(server.url("/a.bin"), "deep/x"), Asset(server.url("/b.bin"), "deep/x")
        assert fetch([one, one], tmp_path, QUICK, label="x") == [tmp_path / "deep" / "x"] * 2
        assert len(server.requests) == 1
        with pytest.raises(InputError, match="the same file"):
            fetch([one, two], tmp_path, QUICK, label="x")


def test_failure_of_one_file_keeps_what_came_of_the_others(tmp_path):
    with Loopback({"/slow.bin": BODY}) as server:
        server.fail("/slow.bin", Silent(20, after=100_000))
        server.fail("/bad.bin", Wait(0.5))
        http = QUICK.model_copy(update={"read_timeout_s": 10.0})
        assets = [Asset(server.url("/slow.bin"), "slow.bin"), Asset(server.url("/bad.bin"), "bad.bin")]
        start = time.monotonic()
        with pytest.raises(RequestError, match="404"):
            fetch(assets, tmp_path, http, label="x")
        assert time.monotonic() - start < 5  # the silent one was not waited for
        server.serve("/bad.bin", BODY)
        fetch(assets, tmp_path, http, label="x")
        assert ranges(server, "/slow.bin") == [None, "bytes=100000-"]


def test_stream_of_files_goes_on_past_those_that_fail(tmp_path):
    with Loopback({f"/{n}": b"%d" % n for n in range(0, 40, 2)}) as server, HttpClient(QUICK) as client:
        assets = (Asset(server.url(f"/{n}"), f"{n}.txt") for n in range(40))
        ended = list(fetch_each(assets, tmp_path, client, label="x"))
        failed = sorted(int(e.asset.name[:-4]) for e in ended if e.error)
        assert failed == list(range(1, 40, 2)) and all(e.error.status == 404 for e in ended if e.error)
        assert all(e.path.read_bytes() == e.asset.name[:-4].encode() for e in ended if not e.error)
        assert server.in_flight_most <= QUICK.per_host and server.connections <= QUICK.per_host + 1
        again = list(fetch_each([e.asset for e in ended if not e.error], tmp_path, client, label="x"))
        assert not any(e.fresh for e in again) and len(server.requests) == 40


def test_file_that_another_run_fetches_is_left_to_it(tmp_path):
    with Loopback({"/a.bin": BODY}) as server:
        server.fail("/a.bin", Wait(1.5))
        http = QUICK.model_copy(update={"read_timeout_s": 5.0})
        thread = threading.Thread(target=get, args=(server, tmp_path), kwargs={"http": http})
        thread.start()
        time.sleep(0.4)
        with pytest.raises(InputError, match="another run is fetching this file"):
            get(server, tmp_path)
        thread.join()
        assert (tmp_path / "a.bin").read_bytes() == BODY


def test_file_without_room_is_not_begun(tmp_path, monkeypatch):
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr(receiving.shutil, "disk_usage", lambda _: usage)
    with Loopback({"/a.bin": BODY}) as server, pytest.raises(MachineError, match="GB of disk are free"):
        get(server, tmp_path)


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_fills_up_is_one_line_and_the_rest_is_fetched_when_there_is_room(small_disk, monkeypatch):
    monkeypatch.setattr(receiving, "_RESERVE", -(1 << 40))
    with Loopback({"/a.bin": BODY}) as server:
        with pytest.raises(MachineError, match="the disk is full"):
            get(server, small_disk)
        subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
        assert get(server, small_disk).read_bytes() == BODY
        assert server.requests[-1].request.headers["range"] is not None


KILLED = """
import sys
from pathlib import Path
from neuropil.sources.http.download import Asset, fetch
from neuropil.sources.http.parameters import HttpParameters
folder, *urls = sys.argv[1:]
assets = [Asset(url, f"{n}.bin") for n, url in enumerate(urls)]
fetch(assets, Path(folder), HttpParameters(backoff_s=0.01), label="killed")
"""


def test_run_killed_at_random_moments_ends_in_the_same_bytes(tmp_path):
    bodies = {f"/{n}": random.Random(n).randbytes(60_000) for n in range(4)}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    moments = random.Random(1)
    with Loopback(bodies) as server:
        for path in bodies:
            server.fail(path, *[Drip(600)] * 3)
        urls = [server.url(path) for path in bodies]
        kills = 0
        for _ in range(3):
            before = len(server.requests)
            process = subprocess.Popen([*command, *urls], stderr=subprocess.DEVNULL)
            while len(server.requests) == before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0.02, 0.25))
            kills += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert kills == 3
        subprocess.run([*command, *urls], check=True, stderr=subprocess.DEVNULL)
        asked = len(server.requests)
        subprocess.run([*command, *urls], check=True, stderr=subprocess.DEVNULL)
        assert len(server.requests) == asked
    assert [(tmp_path / f"{n}.bin").read_bytes() for n in range(4)] == list(bodies.values())
    assert hidden(tmp_path) == []
    assert any(logged.request.headers.get("range") for logged in server.requests)


def test_many_files_arrive_through_random_faults_once_each_and_the_ledger_says_what_happened(tmp_path):
    draw = random.Random(3)
    bodies = {f"/{n}.swc": draw.randbytes(draw.randint(100, 3000)).hex().encode() for n in range(150)}
    spoiled = {path: draw.choices([Status(503), Cut(50), Drop(), Html(), Status(429, "0")], k=2) for path in bodies}
    spoiled = {path: row for path, row in spoiled.items() if row.count(Html()) < 2 and draw.random() < 0.5}
    with Loopback(bodies) as server, HttpClient(QUICK) as client:
        for path, row in spoiled.items():
            server.fail(path, *row)
        assets = [Asset(server.url(path), path[1:], kind="text") for path in bodies]
        ended = list(fetch_each(assets, tmp_path, client, label="x"))
        assert sorted(e.asset.name for e in ended) == sorted(a.name for a in assets)
        assert {e.path.name: e.path.read_bytes() for e in ended} == {p[1:]: body for p, body in bodies.items()}
        assert server.in_flight_most <= QUICK.per_host
    told = {f"/{name}": len(entry["result"]["faults"]) for name, entry in ledger(tmp_path).items()}
    assert told == {path: len(spoiled.get(path, [])) for path in bodies}
