"""One host: how many requests it gets at a time, how quickly, and which others it may send us to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from neuropil.sources.http.faults import MOVED, AttemptError
from neuropil.sources.http.parameters import HttpParameters


class Gate:
    """What lets requests to one host through: `per_host` at a time, `requests_per_s`, none while it wants a rest."""

    def __init__(self, http: HttpParameters) -> None:
        self._slots = threading.BoundedSemaphore(http.per_host)
        self._spacing = 0.0 if http.requests_per_s is None else 1.0 / http.requests_per_s
        self._lock = threading.Lock()
        self._next = 0.0  # time.monotonic() before which no request is begun

    @contextmanager
    def passing(self, pause: Callable[[float], None]) -> Iterator[None]:
        """Hold a slot of the host; `pause(seconds)` waits."""
        with self._slots:
            pause(self._turn())
            yield

    def rest(self, seconds: float) -> None:
        """Begin no request for so long: the host said Retry-After, and that goes for all of them."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def _turn(self) -> float:
        """Seconds until the next request may begin; each caller gets a time of its own."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._spacing
            return turn - now


def host_of(url: str) -> str:
    """The host's name in an address, lower-case, without port; "" where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def check_redirect(origin: str, source: str, target: str, hosts: Collection[str]) -> None:
    """Refuse a redirect that leads where nothing of ours is.

    Args:
        origin: the address that was asked for.
        source: the one that answered with the redirect.
        target: where it leads.
        hosts: names of hosts allowed besides that of `origin`; `*.name` stands for all below `name`.

    Raises:
        AttemptError: another host, no HTTP, or from https to http.
    """
    host, scheme = host_of(target), target.partition(":")[0].lower()
    if scheme not in ("http", "https") or not host:
        raise AttemptError("redirects to what is no web address", "final", MOVED)
    if scheme == "http" and source.lower().startswith("https:"):
        raise AttemptError(f"redirects to {host} without encryption", "final", "nothing was taken from there")
    if host != host_of(origin) and not any(_fits(host, name.lower()) for name in hosts):
        advice = "nothing was taken from there; if it is the right place, set its address in the parameters"
        raise AttemptError(f"redirects to another host, {host}", "final", advice)


def _fits(host: str, name: str) -> bool:
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def shown(url: str) -> str:
    """An address for messages: without a password in it and without what is signed into its query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
