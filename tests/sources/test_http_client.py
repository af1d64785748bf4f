"""The kept client: bounded, patient, polite; records come whole or as an error with its status."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from loopback import PAGE, Cut, Drip, Drop, Endless, Html, Loopback, Redirect, Reply, Silent, Status, Wait
from neuropil import __version__
from neuropil.errors import InputError
from neuropil.sources.http import faults
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.faults import AttemptError, RequestError, StoppedError, of_status, retry_after
from neuropil.sources.http.hosts import check_redirect, host_of, shown
from neuropil.sources.http.ordered import as_done, in_order
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.http.patience import Patience

QUICK = HttpParameters(backoff_s=0.01, backoff_most_s=0.02, connect_timeout_s=2, read_timeout_s=0.5, attempts=4)
PAGES = 23


def changed(**fields):
    return QUICK.model_copy(update=fields)


def paged(request):
    """A listing as NeuroMorpho gives it: 23 records by 5, the last page partial."""
    number, size = int(request.query["page"][0]), int(request.query["size"][0])
    records = [{"id": n} for n in range(PAGES)][number * size : (number + 1) * size]
    page = {"number": number, "size": size, "totalElements": PAGES, "totalPages": -(-PAGES // size)}
    return Reply(json.dumps({"_embedded": {"neuronResources": records}, "page": page}).encode(), etag=None)


def test_pages_come_in_order_through_faults_and_none_is_lost_or_twice():
    with Loopback() as server, HttpClient(QUICK) as client:
        server.answer("/select", paged)
        server.fail("/select", Status(503), Cut(20), Status(429, "0"), Html(), Drop(), Silent(2))
        urls = (server.url(f"/select?page={n}&size=5") for n in range(5))
        ids = [r["id"] for page in in_order(client, client.json, urls) for r in page["_embedded"]["neuronResources"]]
        assert ids == list(range(PAGES))
        assert len(server.requests) == 5 + 6


@pytest.mark.parametrize("http", [changed(concurrency=6, per_host=2), changed(concurrency=3, per_host=5)])
def test_requests_in_flight_never_exceed_the_limits(http):
    most = min(http.concurrency, http.per_host)
    with Loopback() as server, HttpClient(http) as client:
        server.answer("/*", lambda _: Reply(b"{}"))
        server.fail("*", Wait(0.03), times=24)
        threads = [threading.Thread(target=client.json, args=(server.url(f"/{n}"),)) for n in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.requests) == 24 and server.in_flight_most == most
        assert server.connections == most  # they are kept


def test_limits_hold_over_hosts_and_through_redirects_between_them():
    http = changed(concurrency=3, per_host=2)
    with Loopback() as server, HttpClient(http) as client:
        server.answer("/*", lambda _: Reply(b"1"))
        hosts = ("127.0.0.1", "localhost")
        for n in range(30):
            other = server.url(f"/end/{n}", hosts[(n + 1) % 2])
            server.fail(f"/{n}", Redirect(other))
        urls = [server.url(f"/{n}", hosts[n % 2]) for n in range(30)]
        found = list(as_done(client, lambda url: client.json(url, hosts=hosts), urls))
        assert found == [1] * 30 and server.in_flight_most <= 3


def test_rate_is_kept():
    with Loopback({"/a": b"1"}) as server, HttpClient(changed(requests_per_s=20)) as client:
        list(in_order(client, client.json, [server.url("/a")] * 8))
        times = [logged.time for logged in server.requests]
        assert max(times) - min(times) >= 7 / 20 - 0.05


def test_host_that_wants_a_rest_gets_it_from_all_threads():
    with Loopback({"/a": b"1", "/b": b"2"}) as server, HttpClient(QUICK) as client:
        server.fail("/a", Status(429, "1"))
        first = threading.Thread(target=client.json, args=(server.url("/a"),))
        first.start()
        while not server.requests or not server.requests[0].status:
            time.sleep(0.005)
        time.sleep(0.1)
        client.json(server.url("/b"))
        first.join()
        assert server.asked("/b")[0].time - server.requests[0].time > 0.8


def test_missing_record_is_told_from_a_missing_server():
    with Loopback() as server, HttpClient(QUICK) as client:
        with pytest.raises(RequestError) as missing:
            client.json(server.url("/a"))
        assert missing.value.status == 404 and len(server.requests) == 1
        port = server.port
    with HttpClient(QUICK) as client, pytest.raises(RequestError) as gone:
        client.json(f"http://127.0.0.1:{port}/a?token=secret")
    assert gone.value.status is None and "cannot be reached (Connection refused) (4 attempts)" in str(gone.value)
    assert "secret" not in str(gone.value)


@pytest.mark.parametrize(
    ("fault", "words", "asked"),
    [
        (Html(), "a web page instead of records", 2),
        (Cut(5), "the connection broke off (4 attempts)", 4),
        (Status(500), "500 Internal Server Error (4 attempts)", 4),
        (Status(403), "403 Forbidden", 1),
        (Status(418), "418", 1),
        (Silent(5), "silent for 0.5 s (4 attempts)", 4),
        (Endless(), "more than 1,000,000 bytes", 1),
        (Redirect("ftp://127.0.0.1/a"), "no web address", 1),
        (Redirect("http://[::1/a"), "no web address", 1),
        (Redirect("https://example.org/a"), "another host, example.org", 1),
    ],
)
def test_record_that_cannot_be_had_is_one_line(fault, words, asked):
    with Loopback({"/a": b'{"long": "enough"}'}) as server, HttpClient(QUICK) as client:
        server.fail("/a", *[fault] * 9)
        with pytest.raises(RequestError) as caught:
            client.json(server.url("/a"), most_bytes=1_000_000, advice="set ingestion.x")
        line = str(caught.value)
        assert words in line and line.startswith(server.url("/a")) and line.endswith("set ingestion.x")
        assert len(server.requests) == asked


def test_dripping_record_is_asked_for_again():
    body = json.dumps(list(range(200))).encode()
    with Loopback({"/a": body}) as server, HttpClient(changed(slowest_bytes_per_s=5000)) as client:
        server.fail("/a", Drip(2))
        assert client.json(server.url("/a")) == list(range(200)) and len(server.requests) == 2


def test_body_is_sent_as_json_and_sent_again_after_a_fault():
    with Loopback() as server, HttpClient(QUICK) as client:
        server.answer("/a", lambda request: Reply(request.body))
        server.fail("/a", Status(503), Redirect("/a", 307))
        query = {"species": ["mouse"]}
        assert client.json(server.url("/a"), method="POST", body=query) == query
        assert [logged.request.method for logged in server.requests] == ["POST"] * 3


def test_check_decides_what_is_content():
    def listing(answer):
        if b"<a href" not in answer.content:
            raise AttemptError("no listing", "content")
        return answer.text.count("<a href")

    with Loopback({"/": PAGE + b'<a href="x.swc">'}) as server, HttpClient(QUICK) as client:
        server.fail("/", Html())
        assert client.get(server.url("/"), listing) == 1 and len(server.requests) == 2


def test_servers_are_told_who_we_are():
    with Loopback({"/a": b"1"}) as server, HttpClient(changed(contact="me@example.org")) as client:
        client.json(server.url("/a"))
        assert server.requests[0].request.headers["user-agent"] == f"neuropil/{__version__} (+me@example.org)"


def test_proxy_comes_from_the_environment(monkeypatch):
    with Loopback({"/a": b"1"}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("NO_PROXY", "")
        with HttpClient(QUICK) as client:
            assert client.json("http://neuromorpho.example/a") == 1
        request = proxy.requests[0].request
        assert request.absolute and request.host == "neuromorpho.example"


def test_proxy_that_cannot_be_used_is_one_line(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "gopher://nowhere")
    with pytest.raises(InputError, match="the proxy that the environment names"):
        HttpClient(QUICK)


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/x", "http://", "http://[::1/x", "https://exa mple/"])
def test_address_that_is_none_is_one_line(url):
    with HttpClient(QUICK) as client, pytest.raises(RequestError, match=r"correct|begin with|reached"):
        client.json(url)


def test_stop_ends_what_others_wait_for():
    http = changed(read_timeout_s=30.0)
    with Loopback({"/a": b"12345678"}) as server, HttpClient(http) as client:
        server.fail("/a", Silent(30, after=1))
        seen = []

        def ask():
            with pytest.raises(StoppedError):
                client.json(server.url("/a"))
            seen.append(time.monotonic())

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.3)
        start = time.monotonic()
        client.stop()
        thread.join(5)
        assert seen and seen[0] - start < 2


def test_streams_of_work_take_little_ahead_and_end_early_without_the_rest():
    with HttpClient(changed(concurrency=2)) as client:
        taken = []
        stream = in_order(client, lambda n: n * n, (taken.append(n) or n for n in range(1000)))
        assert [next(stream) for _ in range(3)] == [0, 1, 4] and len(taken) < 10
        stream.close()
        assert len(taken) < 10


def test_error_in_one_thread_comes_to_the_one_who_asked():
    with HttpClient(QUICK) as client, pytest.raises(ZeroDivisionError):
        list(as_done(client, lambda n: 1 / n, [3, 2, 1, 0]))


def test_waits_double_with_jitter_up_to_the_longest():
    http = HttpParameters(attempts=9, backoff_s=1, backoff_most_s=20)
    rows = []
    for _ in range(200):
        patience = Patience("u", http)
        rows.append([patience.bear(AttemptError("x")) for _ in range(8)])
    for n, waits in enumerate(zip(*rows, strict=True)):
        longest = min(20, 2**n)
        assert longest / 2 <= min(waits) and max(waits) <= longest and len(set(waits)) > 100
    with pytest.raises(RequestError, match="9 attempts"):
        patience.bear(AttemptError("x"))


def test_retry_after_is_a_number_or_a_date():
    soon = datetime.now(UTC) + timedelta(seconds=100)
    assert retry_after("7") == 7 and retry_after(None) is None and retry_after("soon") is None
    assert 97 < retry_after(format_datetime(soon, usegmt=True)) <= 100
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert Patience("u", QUICK).bear(of_status(503, {"retry-after": "7"})) == 7


@pytest.mark.parametrize(
    ("target", "hosts", "allowed"),
    [
        ("https://a.org/y", (), True),
        ("https://A.ORG:8443/y", (), True),
        ("https://b.org/y", (), False),
        ("https://b.org/y", ("b.org",), True),
        ("https://x.b.org/y", ("b.org",), False),
        ("https://x.b.org/y", ("*.b.org",), True),
        ("https://xb.org/y", ("*.b.org",), False),
        ("https://a.org@evil.org/y", (), False),
        ("http://a.org/y", (), False),
        ("file:///etc/passwd", (), False),
        ("https:///y", (), False),
    ],
)
def test_redirects_are_checked_by_host_and_never_leave_encryption(target, hosts, allowed):
    if allowed:
        check_redirect("https://a.org/x", "https://a.org/x", target, hosts)
    else:
        with pytest.raises(AttemptError) as caught:
            check_redirect("https://a.org/x", "https://a.org/x", target, hosts)
        assert caught.value.kind == "final"


def test_address_in_messages_has_no_secrets():
    assert shown("https://me:pass@a.org/x?signature=s#f") == "https://a.org/x"
    assert host_of("https://me:pass@A.org:1/x") == "a.org" and host_of("http://[bad") == ""


def test_faults_of_the_library_are_told_in_our_words():
    told = faults.of_error(httpx.ReadTimeout("x"), 60)
    assert told.reason == "silent for 60 s" and told.tired
    assert faults.of_error(httpx.ConnectTimeout("x"), 60).reason == "no connection in time"
    assert faults.of_error(httpx.RemoteProtocolError("x"), 60).kind == "passing"
