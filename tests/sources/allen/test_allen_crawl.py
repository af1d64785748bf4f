"""Files below a directory of a web server: all within the depth, each page asked for once."""

import pytest

from loopback import Html, Loopback, Redirect, Reply, Status
from neuropil.errors import InputError
from neuropil.sources.allen.crawl import Crawl, crawl
from neuropil.sources.http.client import HttpClient
from neuropil.work.ledger import Ledger
from sources.allen.allen_server import HTML, QUICK, apache, serve_tree

TREE = {"top.swc": b"0", "a/one.swc": b"1", "a/b/two.swc": b"2", "a/b/c/three.swc": b"3", "a/b/c/d/four.swc": b"4"}


def found(server, folder, depth=3, most=100, path="/bil/"):
    with HttpClient(QUICK) as client:
        what = Crawl(server.url(path), "the field", depth, most)
        return [url.removeprefix(server.url("/bil/")) for url in crawl(what, client, Ledger(folder / "l.jsonl"))]


@pytest.mark.parametrize("depth", range(5))
def test_files_are_found_to_the_depth(tmp_path, depth):
    with Loopback() as server:
        serve_tree(server, TREE)
        expected = sorted(path for path in TREE if path.count("/") <= depth)
        assert found(server, tmp_path, depth) == expected
        assert {logged.request.path for logged in server.requests} <= {
            "/bil/",
            "/bil/a/",
            "/bil/a/b/",
            "/bil/a/b/c/",
        } | ({"/bil/a/b/c/d/"} if depth == 4 else set())


def test_second_crawl_asks_for_nothing_and_a_broken_one_goes_on(tmp_path):
    with Loopback() as server:
        serve_tree(server, TREE)
        server.fail("/bil/a/b/", *[Status(500)] * QUICK.attempts)
        with pytest.raises(InputError, match="500"):
            found(server, tmp_path)
        before = len(server.requests)
        first = found(server, tmp_path)
        assert [one.request.path for one in server.requests[before:]] == ["/bil/a/b/", "/bil/a/b/c/"]
        asked = len(server.requests)
        assert found(server, tmp_path) == first and len(server.requests) == asked


def test_crawl_goes_through_faults_that_pass(tmp_path):
    with Loopback() as server:
        serve_tree(server, TREE)
        server.fail("/bil/a/", Status(503), Html(), Status(429, retry_after="0"))
        server.fail("/bil/", Status(502))
        assert found(server, tmp_path) == sorted(path for path in TREE if path.count("/") <= 3)


def test_page_that_is_no_listing_is_no_empty_directory(tmp_path):
    with Loopback() as server:
        serve_tree(server, TREE)
        server.fail("/bil/a/", Html(), Html())
        with pytest.raises(InputError, match=r"no listing of a directory.*the field"):
            found(server, tmp_path)


def test_folder_that_is_not_shown_is_passed_over_but_not_the_directory_itself(tmp_path, caplog):
    with Loopback() as server:
        serve_tree(server, TREE | {"hidden/x.swc": b"x"})
        server.fail("/bil/hidden/", Status(403), times=5)
        assert "top.swc" in found(server, tmp_path) and "403" in caplog.text
        with pytest.raises(InputError, match=r"404.*the field"):
            found(server, tmp_path, path="/gone/")


def test_redirect_out_of_the_directory_is_refused(tmp_path):
    with Loopback() as server:
        serve_tree(server, TREE)
        serve_tree(server, {"x.swc": b"x"}, "/other/")
        server.fail("/bil/a/", Redirect("/other/"))
        with pytest.raises(InputError, match="out of the directory"):
            found(server, tmp_path)


def test_tree_without_end_ends(tmp_path):
    with Loopback() as server:
        server.answer("/bil/*", lambda request: Reply(apache(request.path, ["a", "b", "c"]), headers=HTML))
        assert found(server, tmp_path, depth=2) == [] and len(server.requests) == 1 + 3 + 9
        with pytest.raises(InputError, match=r"more than 30 folders.*most_folders"):
            found(server, tmp_path / "other", depth=9, most=30)
