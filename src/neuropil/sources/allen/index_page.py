"""The page by which a web server lists a directory (Apache, nginx and their kin), read as folders and files."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

_SORTS = re.compile(r"^\?C=[NMSD]", re.IGNORECASE)  # the heads of Apache's columns
_TITLE = re.compile(r"<title>[^<]*\b(?:index of|directory)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Listing:
    """What lies directly below an address: full addresses, sorted, each once; those of folders end with `/`."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


def read_listing(page: str, address: str) -> Listing | None:
    """What a directory's page lists; None where the page is no such listing.

    Only what lies directly below the address counts: links to the parent, to other hosts, deeper or upwards are
    passed over, and so are names that would be a path once decoded (`..%2Fx`). A page with no child is a listing all
    the same where it says so: by its title, the heads of its columns or its link to the parent.

    Args:
        page: the page's HTML.
        address: where it came from; a `/` at its end is added.
    """
    base = address.partition("?")[0].partition("#")[0].rstrip("/") + "/"
    links = _links(page)
    found = {child for link in links if (child := _child(base, link)) is not None}
    listed = found or _TITLE.search(page) or any(_SORTS.match(link) or _is_parent(base, link) for link in links)
    if not listed:
        return None
    folders = tuple(sorted(child for child in found if child.endswith("/")))
    return Listing(folders, tuple(sorted(child for child in found if not child.endswith("/"))))


def name_of(address: str) -> str:
    """The name of a file, decoded."""
    return unquote(urlsplit(address).path.rstrip("/").rpartition("/")[2])


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value.strip() for name, value in attrs if name == "href" and value and value.strip()]


def _links(page: str) -> list[str]:
    parser = _Links()
    with suppress(AssertionError):  # what Python's parser says of a broken declaration, `<![x`
        parser.feed(page)
    return parser.found


def _joined(base: str, link: str) -> str | None:
    """The full address of a link that stays on the host; None of another one or of what is no address."""
    try:
        target = urlsplit(urljoin(base, link))
        own = urlsplit(base)
        if (target.scheme, target.netloc) != (own.scheme, own.netloc):
            return None
        return target._replace(query="", fragment="").geturl()
    except ValueError:
        return None


def _child(base: str, link: str) -> str | None:
    """The address of a link to what lies directly below `base`, else None."""
    target = None if link.startswith(("?", "#")) else _joined(base, link)
    if target is None or not target.startswith(base):
        return None
    name = target[len(base) :].removesuffix("/")
    plain = unquote(name)
    if not name or "/" in plain or "\\" in plain or "\0" in plain or plain in (".", ".."):
        return None
    return target


def _is_parent(base: str, link: str) -> bool:
    target = _joined(base, link)
    return target is not None and target.rstrip("/") == base.rstrip("/").rpartition("/")[0]
