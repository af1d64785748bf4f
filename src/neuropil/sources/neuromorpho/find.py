"""The link to a neuron's file on the page about it, for files that are not at their usual address."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from neuropil.sources.http.client import Answer
from neuropil.sources.http.faults import AttemptError

_TITLE = "morphology file (standardized)"
_SUFFIX = ".cng.swc"


def link_of(answer: Answer) -> str:
    """The address of the standardised file that a neuron's page links.

    The link is the one whose own text is "Morphology File (Standardized)", else the next one behind that text, else
    the only one whose address ends with `.CNG.swc`.

    Raises:
        AttemptError: the page links none.
    """
    links = _Links()
    links.feed(answer.text)
    links.close()
    href = links.named or links.beside or (links.files[0] if len(set(links.files)) == 1 else None)
    if href is None:
        raise AttemptError("the neuron's page links no standardised file", "final", "look for the neuron on the site")
    return _quoted(urljoin(answer.url, href.strip()))


class _Links(HTMLParser):
    """Collects what can be the link."""

    def __init__(self) -> None:
        super().__init__()
        self.named: str | None = None
        self.beside: str | None = None
        self.files: list[str] = []
        self._href: str | None = None
        self._text = ""  # of the link that is open
        self._seen = ""  # the last text of the page
        self._awaited = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href") if tag == "a" else None
        if href is None:
            return
        self._href, self._text = href, ""
        path = urlsplit(href).path.casefold().strip() if _is_address(href) else ""
        if path.endswith(_SUFFIX):
            self.files.append(href)
        if self._awaited and path.endswith(".swc"):
            self.beside, self._awaited = self.beside or href, False

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        self._text += data
        self._seen = (self._seen + data)[-200:]
        if self._href is not None and _TITLE in _plain(self._text):
            self.named = self.named or self._href
        elif _TITLE in _plain(self._seen):
            self._awaited, self._seen = True, ""


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).casefold()


def _is_address(href: str) -> bool:
    try:
        urlsplit(href)
    except ValueError:
        return False
    return True


def _quoted(url: str) -> str:
    """The address with blanks and other signs of its path quoted; what is quoted already stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=quote(parts.path, safe="/%+,;:@!$&'()*~=")))
