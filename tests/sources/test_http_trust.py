"""TLS: servers are verified, old ones too; what is not verified was asked for and is warned of."""

import logging
import shutil

import pytest

from certificates import make_certificate, make_weak_dh
from loopback import Loopback
from neuropil.errors import InputError
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.faults import RequestError
from neuropil.sources.http.parameters import HttpParameters

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two certificates and weak Diffie-Hellman parameters."""
    folder = tmp_path_factory.mktemp("tls")
    return make_certificate(folder), make_certificate(folder, "other"), make_weak_dh(folder)


def http(**fields):
    return HttpParameters(backoff_s=0.01, backoff_most_s=0.02, attempts=3, **fields)


def asked(server, parameters):
    with HttpClient(parameters) as client:
        return client.json(server.url("/a")), client.json(server.url("/a"))


@pytest.mark.parametrize("old", [False, True])
def test_server_with_a_trusted_certificate_is_believed(made, old, caplog):
    caplog.set_level(logging.INFO)
    certificate, _, dh = made
    with Loopback({"/a": b"1"}, certificate=certificate, weak_dh=dh if old else None) as server:
        assert asked(server, http(ca_bundle=certificate[0])) == (1, 1)
        assert server.connections == (2 if old else 1)  # refused once, then remembered
    assert ("is an old server" in caplog.text) is old


@pytest.mark.parametrize("old", [False, True])
def test_server_with_another_certificate_is_refused_and_the_field_named(made, old):
    certificate, other, dh = made
    with Loopback({"/a": b"1"}, certificate=certificate, weak_dh=dh if old else None) as server:
        with pytest.raises(RequestError, match=r"certificate is not trusted .*ingestion\.http\.ca_bundle"):
            asked(server, http(ca_bundle=other[0]))
        with pytest.raises(RequestError, match="not trusted"):
            asked(server, http())
        assert server.requests == []


def test_server_that_can_do_nothing_better_is_refused(made):
    certificate, _, dh = made
    with (
        Loopback({"/a": b"1"}, certificate=certificate, weak_dh=dh, only_dh=True) as server,
        pytest.raises(RequestError, match="no secure connection"),
    ):
        asked(server, http(ca_bundle=certificate[0]))


def test_insecure_is_asked_for_and_warned_of(made, caplog):
    certificate, _, _ = made
    with Loopback({"/a": b"1"}, certificate=certificate) as server:
        assert asked(server, http(insecure=True)) == (1, 1)
    assert caplog.text.count("no server's certificate was verified") == 1
    assert http().warning is None and "insecure" in http(insecure=True).warning


def test_certificate_of_another_name_is_refused(tmp_path):
    certificate = make_certificate(tmp_path, "named", hosts="DNS:localhost")
    with (
        Loopback({"/a": b"1"}, certificate=certificate) as server,
        HttpClient(http(ca_bundle=certificate[0])) as client,
    ):
        assert client.json(server.url("/a", host="localhost")) == 1
        with pytest.raises(RequestError, match="not trusted"):
            client.json(server.url("/a", host="127.0.0.1"))


def test_bundle_that_is_none_is_one_line(tmp_path):
    (tmp_path / "empty.pem").write_text("no certificate")
    for name, words in (("none.pem", "No such file"), ("empty.pem", "no certificates in PEM form")):
        with pytest.raises(InputError, match=rf"ingestion\.http\.ca_bundle: .*{name} .*{words}"):
            HttpClient(http(ca_bundle=tmp_path / name))
