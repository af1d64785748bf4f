"""What a test server is asked, what it answers, and the faults that spoil an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate


@dataclass(frozen=True)
class Request:
    """What was asked: `path` without query, `query` as lists of values, header names lower-case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    host: str
    absolute: bool  # asked as of a proxy, with the whole address


@dataclass
class Reply:
    """What is answered.

    Attributes:
        body: its bytes.
        ranges: whether a part can be asked for.
        etag: True = a strong one made of the body; a text is sent as it is; None = none.
        modified: seconds since 1970 for Last-Modified; None = none.
        sized: whether Content-Length is sent; else the body ends with the connection.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: bool | str | None = True
    modified: float | None = None
    sized: bool = True

    def validators(self) -> dict[str, str]:
        """The headers that name this version of the body."""
        etag = f'"{hashlib.md5(self.body).hexdigest()}"' if self.etag is True else self.etag
        found = {"ETag": etag} if etag else {}
        return found | ({} if self.modified is None else {"Last-Modified": formatdate(self.modified, usegmt=True)})


# Faults: each spoils one request.
@dataclass(frozen=True)
class Cut:
    """Send so many bytes of the body, then close the connection."""

    after: int


@dataclass(frozen=True)
class Drop:
    """Close the connection without a word."""


@dataclass(frozen=True)
class Status:
    """Answer with this status, perhaps with Retry-After; `html` as servers do."""

    status: int
    retry_after: str | None = None
    html: bool = True


@dataclass(frozen=True)
class Html:
    """Answer 200 with a web page instead."""


@dataclass(frozen=True)
class Garbled:
    """Send the right number of bytes, one of them wrong."""

    at: int = 0


@dataclass(frozen=True)
class Drip:
    """Send so many bytes every 20 ms."""

    count: int = 1


@dataclass(frozen=True)
class Silent:
    """Send the head and so many bytes, then nothing for so long."""

    seconds: float
    after: int = 0


@dataclass(frozen=True)
class Endless:
    """Send zeros for ever, with no length."""


@dataclass(frozen=True)
class Redirect:
    """Send on to another address."""

    to: str
    status: int = 302


@dataclass(frozen=True)
class Wait:
    """Answer well, after so long."""

    seconds: float


Fault = Cut | Drop | Status | Html | Garbled | Drip | Silent | Endless | Redirect | Wait
Answering = Callable[[Request], Reply]
PAGE = b"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body>Back soon</body></html>\n"
