"""A server on 127.0.0.1 that serves what a test gives it, with the faults of real ones.

    with Loopback({"/a.zip": data}) as server:
        server.fail("/a.zip", Cut(1000), Status(503), times=2)   # four requests go wrong, then it is served
        ... server.url("/a.zip") ...
        server.requests                                          # what was asked for, with headers and status

A path can also be answered by a function: `server.answer("/api", lambda request: Reply(json.dumps(...).encode()))`.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from certificates import server_context
from replies import (
    PAGE,
    Answering,
    Cut,
    Drip,
    Drop,
    Endless,
    Fault,
    Garbled,
    Html,
    Redirect,
    Reply,
    Request,
    Silent,
    Status,
    Wait,
)

__all__ = [
    "PAGE",
    "Cut",
    "Drip",
    "Drop",
    "Endless",
    "Garbled",
    "Html",
    "Logged",
    "Loopback",
    "Redirect",
    "Reply",
    "Request",
    "Silent",
    "Status",
    "Wait",
]

_DRIP = 0.02  # seconds between the pieces of a slow body
_PIECE = 1 << 16


@dataclass
class Logged:
    """A request as it was answered."""

    request: Request
    status: int
    time: float


class Loopback:
    """The server; a context manager.

    Args:
        files: bodies by path.
        certificate: (certificate, key) files of PEM for https.
        weak_dh: offer Diffie-Hellman of 1024 bits first, as old servers do, over TLS 1.2.
        only_dh: offer nothing else.
    """

    def __init__(
        self,
        files: Mapping[str, bytes | Reply] | None = None,
        *,
        certificate: tuple[Path, Path] | None = None,
        weak_dh: Path | None = None,
        only_dh: bool = False,
    ) -> None:
        self.requests: list[Logged] = []
        self.connections = 0
        self.in_flight = self.in_flight_most = 0
        self.lock = threading.Lock()
        self.ended = threading.Event()
        self._answers: dict[str, Answering] = {}
        self._prefixes: dict[str, Answering] = {}
        self._faults: dict[str, deque[Fault]] = {}
        for path, body in (files or {}).items():
            self.serve(path, body)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._scheme = "http"
        if certificate is not None:
            self._scheme = "https"
            self._server.context = server_context(certificate, weak_dh, only_dh)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a path; `localhost` is another host to a client, though the same server."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes | Reply) -> None:
        """Serve this body, or reply, at this path from now on."""
        reply = body if isinstance(body, Reply) else Reply(body)
        self.answer(path, lambda _: reply)

    def serve_folder(self, folder: Path, prefix: str = "/") -> None:
        """Serve all files below a folder."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.serve(prefix + file.relative_to(folder).as_posix(), file.read_bytes())

    def answer(self, path: str, function: Answering) -> None:
        """Let a function answer a path; with a `*` at its end, all paths that begin so."""
        if path.endswith("*"):
            self._prefixes[path[:-1]] = function
        else:
            self._answers[path] = function

    def fail(self, path: str, *faults: Fault, times: int = 1) -> None:
        """Let the next requests of a path go wrong, one fault each, the row so many times; `*` = of any path."""
        with self.lock:
            self._faults.setdefault(path, deque()).extend(faults * times)

    def asked(self, path: str) -> list[Logged]:
        """The requests of a path so far."""
        with self.lock:
            return [logged for logged in self.requests if logged.request.path == path]

    def next_fault(self, path: str) -> Fault | None:
        with self.lock:
            for row in (self._faults.get(path), self._faults.get("*")):
                if row:
                    return row.popleft()
        return None

    def reply(self, request: Request) -> Reply:
        found = self._answers.get(request.path)
        if found is None:
            prefix = max((p for p in self._prefixes if request.path.startswith(p)), key=len, default=None)
            found = None if prefix is None else self._prefixes[prefix]
        return Reply(PAGE, 404, {"Content-Type": "text/html"}, etag=None) if found is None else found(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    loopback: Loopback
    context: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handshake in the connection's own thread; a client that refuses us is no error of the server."""
        with self.loopback.lock:
            self.loopback.connections += 1
        try:
            if self.context is not None:
                request = self.context.wrap_socket(request, server_side=True)
            super().finish_request(request, client_address)
        except (OSError, ssl.SSLError):
            return

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that break off are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def _handle(self) -> None:
        loopback = self.server.loopback
        with loopback.lock:
            loopback.in_flight += 1
            loopback.in_flight_most = max(loopback.in_flight_most, loopback.in_flight)
        try:
            self._respond(loopback)
        except OSError:
            self.close_connection = True
        finally:
            with loopback.lock:
                loopback.in_flight -= 1

    def _request(self) -> Request:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        host = headers.get("host", "").partition(":")[0]
        return Request(self.command, parts.path, parse_qs(parts.query), headers, body, host, bool(parts.scheme))

    def _respond(self, loopback: Loopback) -> None:
        request = self._request()
        fault = loopback.next_fault(request.path)
        self.logged = Logged(request, 0, time.monotonic())
        with loopback.lock:
            loopback.requests.append(self.logged)
        match fault:
            case Drop():
                self._close()
            case Status(status, retry_after, html):
                headers = {} if retry_after is None else {"Retry-After": retry_after}
                self._plain(Reply(PAGE if html else b"", status, headers, etag=None))
            case Html():
                self._plain(Reply(PAGE, headers={"Content-Type": "text/html; charset=utf-8"}, etag=None))
            case Redirect(to, status):
                self._plain(Reply(b"", status, {"Location": to}, etag=None))
            case Endless():
                self._endless(loopback)
            case Wait(seconds):
                loopback.ended.wait(seconds)
                self._send(loopback, request, loopback.reply(request), None)
            case _:
                self._send(loopback, request, loopback.reply(request), fault)

    def _plain(self, reply: Reply) -> None:
        self._head(reply.status, {**reply.headers, "Content-Length": str(len(reply.body))})
        self.wfile.write(reply.body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.logged.status = status
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _endless(self, loopback: Loopback) -> None:
        self._head(200, {"Connection": "close"})
        while not loopback.ended.is_set():
            self.wfile.write(b"\1" * _PIECE)

    def _send(self, loopback: Loopback, request: Request, reply: Reply, fault: Fault | None) -> None:
        headers = {"Content-Type": "application/octet-stream", **reply.validators(), **reply.headers}
        status, body = reply.status, reply.body
        if reply.ranges and status == 200:
            headers["Accept-Ranges"] = "bytes"
            status, body, more = _part(request, reply)
            headers |= more
        if reply.sized:
            headers["Content-Length"] = str(len(body))
        else:
            headers["Connection"] = "close"
        self._head(status, headers)
        if request.method == "HEAD":
            return
        match fault:
            case Cut(after):
                self.wfile.write(body[:after])
                self._close()
            case Garbled(at) if body:
                at %= len(body)
                self.wfile.write(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
            case Drip(count):
                for start in range(0, len(body), count):
                    self.wfile.write(body[start : start + count])
                    if loopback.ended.wait(_DRIP):
                        return
            case Silent(seconds, after):
                self.wfile.write(body[:after])
                loopback.ended.wait(seconds)
                self._close()
            case _:
                self.wfile.write(body)
        if not reply.sized:
            self.close_connection = True

    def _close(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)


def _part(request: Request, reply: Reply) -> tuple[int, bytes, dict[str, str]]:
    """The part that Range asks for, where If-Range holds; else the whole."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    condition = request.headers.get("if-range")
    if match is None or (condition is not None and condition not in reply.validators().values()):
        return 200, reply.body, {}
    size, start = len(reply.body), int(match[1])
    end = min(size, int(match[2]) + 1) if match[2] else size
    if start >= size:
        return 416, b"", {"Content-Range": f"bytes */{size}"}
    return 206, reply.body[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
