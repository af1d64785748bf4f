"""The kept client: pooled connections, bounded concurrency, retries, checked redirects, verified TLS.

Everything the project fetches goes through `HttpClient`. It is safe to use from many threads, and bounds them all.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from neuropil.sources.http import faults
from neuropil.sources.http.content import is_html
from neuropil.sources.http.faults import AttemptError, StoppedError
from neuropil.sources.http.hosts import Gate, check_redirect, host_of, shown
from neuropil.sources.http.parameters import HttpParameters
from neuropil.sources.http.patience import Patience
from neuropil.sources.http.transport import Transport, user_agent

if TYPE_CHECKING:
    import httpx

__all__ = ["Answer", "HttpClient", "as_json", "user_agent"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_REDIRECTS = 5
_REDIRECT = (301, 302, 303, 307, 308)
_PAGE_MOST = 1 << 16  # bytes of a page about a fault that is read
_RECORDS_MOST = 64 << 20  # bytes of one answer that is held in memory


@dataclass(frozen=True)
class Answer:
    """An answer that is held in memory: the address it came from at last, its headers (lower-case) and its body."""

    url: str
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The body as UTF-8; bytes that are none are replaced."""
        return self.content.decode(errors="replace")


class HttpClient:
    """A client that is kept for as long as a source is read.

    Args:
        http: limits, waits and trust.

    Raises:
        InputError: the certificates or the proxy that the environment names cannot be used.
    """

    def __init__(self, http: HttpParameters) -> None:
        self.http = http
        self._slots = threading.BoundedSemaphore(http.concurrency)
        self._gates: dict[str, Gate] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._transport = Transport(http)
        if http.warning:
            logger.warning("%s", http.warning)

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def stop(self) -> None:
        """End what other threads are waiting for or receiving; each gets a `StoppedError`."""
        self._stop.set()
        self._transport.break_off()

    def pause(self, seconds: float) -> None:
        """Wait. Raises StoppedError where the client was told to stop."""
        if self._stop.wait(max(0.0, seconds)):
            raise StoppedError

    def patience(self, url: str, advice: str | None = None) -> Patience:
        """What decides how often this address is tried."""
        return Patience(shown(url), self.http, advice)

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        hosts: Collection[str] = (),
        passed: Collection[int] = (),
    ) -> Iterator[httpx.Response]:
        """One attempt: the answer with its body still to be read (`received`), redirects followed where allowed.

        Args:
            url: what is asked for.
            method: GET, or POST with `body`.
            headers: besides the usual ones.
            body: sent as JSON.
            hosts: that redirects may lead to, besides the one of `url` (`*.name`: all below it).
            passed: statuses of 400 and above that are no fault here.

        Raises:
            AttemptError: there is no such answer.
            StoppedError: the client was told to stop.
        """
        import httpx

        address = url
        for _ in range(_REDIRECTS + 1):
            gate = self._gate(address)
            # The slots are taken anew for every step: one who held some and waited for others could wait for ever.
            with ExitStack() as stack:
                stack.enter_context(gate.passing(self.pause))
                stack.enter_context(self._slots)
                self.pause(0)
                try:
                    response = self._transport.send(method, address, headers, body)
                    stack.callback(self._transport.end, response)
                    if response.status_code in _REDIRECT and "location" in response.headers:
                        target = _joined(address, response.headers["location"])
                        check_redirect(url, address, target, hosts)
                        self._drain(response)
                        if response.status_code == 303 or (response.status_code < 303 and method == "POST"):
                            method, body = "GET", None
                        address = target
                        continue
                    if response.status_code not in passed and not 200 <= response.status_code < 300:
                        fault = faults.of_status(response.status_code, response.headers)
                        if fault.wait is not None:
                            gate.rest(min(fault.wait, self.http.retry_after_most_s))
                        self._drain(response)
                        raise fault
                    yield response
                    return
                except (httpx.HTTPError, httpx.StreamError) as error:
                    self.pause(0)
                    raise self._fault(error) from error
                except httpx.InvalidURL as error:
                    raise AttemptError(f"no web address ({error})", "final", "correct it in the parameters") from error
        raise AttemptError(f"redirects more than {_REDIRECTS} times", "final", faults.MOVED)

    def received(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass the pieces of a body on, and break off one that only drips.

        Raises:
            AttemptError: slower than `slowest_bytes_per_s` over `read_timeout_s`.
            StoppedError: the client was told to stop.
        """
        start, count = time.monotonic(), 0
        for chunk in chunks:
            if self._stop.is_set():
                raise StoppedError
            yield chunk
            count += len(chunk)
            now = time.monotonic()
            if now - start >= self.http.read_timeout_s:
                if count < self.http.slowest_bytes_per_s * (now - start):
                    raise AttemptError(f"only {count / (now - start):.0f} bytes per second", tired=True)
                start, count = now, 0

    def get(
        self,
        url: str,
        check: Callable[[Answer], T],
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        hosts: Collection[str] = (),
        most_bytes: int = _RECORDS_MOST,
        advice: str | None = None,
    ) -> T:
        """What `check` makes of the answer, tried as often as `http.attempts` says.

        Args:
            url, method, headers, body, hosts: see `stream`.
            check: turns the answer into what is wanted; raises `AttemptError(reason, "content")` where it is not that.
            most_bytes: that the answer may have, unpacked.
            advice: what a person can do where it fails for good.

        Raises:
            RequestError: it failed for good; its `status` tells a missing record (404) from a missing server.
            StoppedError: the client was told to stop.
        """
        patience = self.patience(url, advice)
        while True:
            try:
                with self.stream(url, method=method, headers=headers, body=body, hosts=hosts) as response:
                    content = self._whole(response, most_bytes)
                    found = Answer(str(response.url), dict(response.headers), content)
                return check(found)
            except AttemptError as fault:
                wait = patience.bear(fault)
            self.pause(wait)

    def json(self, url: str, **options: Any) -> Any:
        """The answer as JSON; `options` are those of `get`. Truncated JSON is asked for again, HTML is no answer."""
        return self.get(url, as_json, **{"headers": {"Accept": "application/json"}, **options})

    def _whole(self, response: httpx.Response, most_bytes: int) -> bytes:
        pieces, size = [], 0
        for chunk in self.received(response.iter_bytes()):
            pieces.append(chunk)
            size += len(chunk)
            if size > most_bytes:
                raise AttemptError(f"sends more than {most_bytes:,} bytes", "final", "no such answer is that long")
        return b"".join(pieces)

    def _drain(self, response: httpx.Response) -> None:
        """Read the short page that comes with a fault or a redirect: the connection can be used again then."""
        import httpx

        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) <= _PAGE_MOST:
            with suppress(AttemptError, httpx.HTTPError, httpx.StreamError):  # what the status says counts
                for _ in self.received(response.iter_raw()):
                    pass

    def _gate(self, url: str) -> Gate:
        with self._lock:
            return self._gates.setdefault(host_of(url), Gate(self.http))

    def _fault(self, error: Exception) -> AttemptError:
        import httpx

        if isinstance(error, httpx.HTTPError):
            return faults.of_error(error, self.http.read_timeout_s)
        return AttemptError("the connection broke off")


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:
        return ""  # no web address


def as_json(answer: Answer) -> Any:
    """What an answer says as JSON. Raises AttemptError where it is a web page or no JSON."""
    if is_html(answer.content):
        raise AttemptError(
            "sends a web page instead of records", "content", "open the address in a browser to see what it says"
        )
    try:
        return json.loads(answer.content)
    except ValueError as error:
        raise AttemptError("sends what is no JSON", "content") from error
