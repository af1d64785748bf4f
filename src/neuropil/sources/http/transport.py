"""Requests on the wire: pooled connections, TLS as each host can do it, and an end to what is under way."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from neuropil import __version__
from neuropil.errors import InputError
from neuropil.sources.http import faults
from neuropil.sources.http.hosts import host_of
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.http.trust import tls_context

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

_NO_CIPHER_MATTER = (ssl.SSLCertVerificationError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


class Transport:
    """The clients of httpx: one for all hosts, and one with the ciphers for old servers where a host needs it.

    Args:
        http: timeouts, the size of the pool and trust.

    Raises:
        InputError: the certificates or the proxy that the environment names cannot be used.
    """

    def __init__(self, http: HttpParameters) -> None:
        self._http = http
        self._clients: dict[bool, httpx.Client] = {}
        self._old: set[str] = set()  # hosts that need the ciphers for old servers
        self._open: set[httpx.Response] = set()
        self._lock = threading.Lock()
        self._client(old=False)

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()

    def break_off(self) -> None:
        """End the bodies that other threads are receiving."""
        with self._lock:
            under_way = list(self._open)
        for response in under_way:
            with suppress(Exception):  # it may have ended by itself just now
                response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def send(self, method: str, url: str, headers: Mapping[str, str] | None, body: Any) -> httpx.Response:
        """The answer's head; where TLS fails for want of a common cipher, once more with those for old servers."""
        import httpx

        host = host_of(url)
        old = host in self._old
        try:
            response = self._attempt(old, method, url, headers, body)
        except httpx.ConnectError as error:
            handshake = faults.caused_by(error, ssl.SSLError)
            if old or handshake is None or isinstance(handshake, _NO_CIPHER_MATTER):
                raise
            response = self._attempt(True, method, url, headers, body)
            if host not in self._old:
                self._old.add(host)
                logger.info("%s is an old server: it is asked with the ciphers it can do", host)
        with self._lock:
            self._open.add(response)
        return response

    def _attempt(
        self, old: bool, method: str, url: str, headers: Mapping[str, str] | None, body: Any
    ) -> httpx.Response:
        client = self._client(old=old)
        return client.send(client.build_request(method, url, headers=headers, json=body), stream=True)

    def end(self, response: httpx.Response) -> None:
        """Let go of an answer; its connection is kept where its body was read to the end."""
        with self._lock:
            self._open.discard(response)
        with suppress(Exception):  # a connection that broke cannot be closed any better
            response.close()

    def _client(self, *, old: bool) -> httpx.Client:
        with self._lock:
            if old not in self._clients:
                self._clients[old] = _connected(self._http, old)
            return self._clients[old]


def user_agent(http: HttpParameters) -> str:
    """How we name ourselves to servers."""
    return f"neuropil/{__version__}" + (f" (+{http.contact})" if http.contact else "")


def _connected(http: HttpParameters, old: bool) -> httpx.Client:
    """A client of httpx; proxies come from the environment (HTTPS_PROXY, NO_PROXY)."""
    import httpx

    if logging.getLogger("httpx").level == logging.NOTSET:  # it would tell of every request
        logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return httpx.Client(
            verify=tls_context(http, old=old),
            timeout=httpx.Timeout(http.read_timeout_s, connect=http.connect_timeout_s, pool=None),
            limits=httpx.Limits(max_connections=http.concurrency, max_keepalive_connections=http.concurrency),
            headers={"User-Agent": user_agent(http)},
            follow_redirects=False,
        )
    except (ImportError, ValueError) as error:
        why = str(error).partition(". ")[0]
        raise InputError(
            f"the proxy that the environment names (HTTPS_PROXY, ALL_PROXY) cannot be used: {why}"
        ) from error
