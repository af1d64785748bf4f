"""What goes wrong with a request: which failures pass with time, which are final, how they are told."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

from neuropil.errors import InputError

if TYPE_CHECKING:
    import httpx

AGAIN = "try again later: the same command goes on where it was"
MOVED = "look up where it is now and set the address in the parameters"
DENIED = "open the address in a browser to see what it asks for"
CERTIFICATES = "if your network has certificates of its own, name them with ingestion.http.ca_bundle=FILE"

# 408, 425 and 429 ask for patience; 5xx are the server's own trouble, which passes; 501 and 505 do not.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})

Kind = Literal["passing", "content", "final"]


class RequestError(InputError):
    """A request that failed for good; the message is one line with its address, what was wrong and what to do.

    Attributes:
        url: the address that was asked for.
        status: the HTTP status it ended with; None where there was none (no connection, wrong content).
        kind: of the last attempt's fault, see `AttemptError`.
    """

    def __init__(self, url: str, reason: str, advice: str, status: int | None = None, kind: Kind = "passing") -> None:
        self.url, self.status, self.kind = url, status, kind
        super().__init__(f"{url}: {reason}; {advice}")


@dataclass(eq=False)
class AttemptError(Exception):
    """One attempt that failed.

    Attributes:
        reason: what was wrong, in a few words.
        kind: `passing` (tried again with patience), `content` (tried again once: the bytes are not what they should
            be) or `final`.
        advice: what a person can do about it.
        status: the HTTP status, where there was an answer.
        wait: seconds the server asks to wait (Retry-After).
        tired: the attempt was too slow, so what it brought is no progress.
    """

    reason: str
    kind: Kind = "passing"
    advice: str = AGAIN
    status: int | None = None
    wait: float | None = None
    tired: bool = False


class StoppedError(Exception):
    """The client was told to stop; whatever was under way ends without a result."""


def of_status(status: int, headers: Mapping[str, str]) -> AttemptError:
    """The fault of an answer with this status (400 and above, or one that no GET should have)."""
    reason = f"the server answers {status} {_phrase(status)}".rstrip()
    if status in _PASSING:
        return AttemptError(reason, status=status, wait=retry_after(headers.get("retry-after")))
    if status in (404, 410):
        return AttemptError(reason, "final", MOVED, status)
    return AttemptError(reason, "final", DENIED, status)


def of_error(error: httpx.HTTPError, read_timeout_s: float) -> AttemptError:
    """The fault that stands behind an exception of httpx."""
    import httpx

    certificate = caused_by(error, ssl.SSLCertVerificationError)
    if isinstance(certificate, ssl.SSLCertVerificationError):
        return AttemptError(f"its certificate is not trusted ({certificate.verify_message})", "final", CERTIFICATES)
    handshake = caused_by(error, ssl.SSLError)
    if isinstance(error, httpx.ConnectError) and isinstance(handshake, ssl.SSLError):
        return AttemptError(f"no secure connection ({handshake.reason or handshake})", advice=CERTIFICATES)
    if isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        return AttemptError(
            f"cannot be reached ({_root(error)})", advice=f"check the network and its proxy, or {AGAIN}"
        )
    if isinstance(error, httpx.ConnectTimeout):
        return AttemptError("no connection in time", advice=f"check the network and its proxy, or {AGAIN}")
    if isinstance(error, httpx.TimeoutException):
        return AttemptError(f"silent for {read_timeout_s:g} s", tired=True)
    if isinstance(error, httpx.UnsupportedProtocol):
        return AttemptError("no web address", "final", "it must begin with https:// or http://")
    if isinstance(error, httpx.LocalProtocolError):
        return AttemptError(f"cannot be asked for ({error})", "final", "correct the address in the parameters")
    if "location header" in str(error):  # httpx looks at it before we do
        return AttemptError("redirects to what is no web address", "final", MOVED)
    return AttemptError("the connection broke off")


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header: a number or a date; None where there is none that can be read."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def caused_by(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first error of this kind among an error and those it was raised from."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, kind):
            return error
        seen.append(error)
        error = error.__cause__ or error.__context__
    return None


def _root(error: BaseException) -> str:
    cause = caused_by(error, OSError)
    return str(getattr(cause, "strerror", None) or error or type(error).__name__)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
