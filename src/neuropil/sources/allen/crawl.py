"""The files below a directory of a web server, found by its listings; each page is asked for once and kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from neuropil.errors import InputError
from neuropil.sources.allen.index_page import Listing, read_listing
from neuropil.sources.http.client import Answer, HttpClient
from neuropil.sources.http.faults import AttemptError, RequestError
from neuropil.sources.http.hosts import shown
from neuropil.sources.http.ordered import as_done
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

logger = logging.getLogger(__name__)

VERSION = 1
_CLOSED = (401, 403, 404, 410)  # a folder that a server does not show


@dataclass(frozen=True)
class Crawl:
    """What is looked through.

    Attributes:
        url: the directory.
        field: where its address stands in the parameters.
        depth: folders below it that are looked into.
        most_folders: folders looked into at most.
    """

    url: str
    field: str
    depth: int
    most_folders: int

    @property
    def root(self) -> str:
        """The address, with `/` at its end."""
        return self.url.partition("?")[0].rstrip("/") + "/"


def crawl(what: Crawl, client: HttpClient, ledger: Ledger) -> list[str]:
    """The addresses of all files below a directory, sorted.

    The pages of one depth are asked for at the same time. What a page listed stands in the ledger, so a killed run
    goes on where it was and a second one asks for nothing. A folder that the server does not show is passed over.

    Raises:
        RequestError: the directory itself, or a folder after all attempts, cannot be had.
        InputError: there are more than `most_folders`.
    """
    files: list[str] = []
    level, looked = [what.root], 0
    for depth in range(what.depth + 1):
        looked += len(level)
        if looked > what.most_folders:
            raise InputError(
                f"{shown(what.url)}: more than {what.most_folders:,} folders below it; lower "
                "ingestion.neurons.allen.patch_seq.depth or raise ingestion.neurons.allen.patch_seq.most_folders"
            )
        below: list[str] = []
        for listing in _listings(what, level, client, ledger):
            files += listing.files
            below += listing.folders
        level = below
        if not level:
            break
        if depth == what.depth:
            logger.info("%s: %d folders below depth %d are not looked into", shown(what.url), len(level), what.depth)
    return sorted(files)


def _listings(what: Crawl, addresses: Iterable[str], client: HttpClient, ledger: Ledger) -> Iterator[Listing]:
    """The listings of the addresses, in no order: from the ledger, else from the server."""
    missing = []
    for address in addresses:
        known = ledger.find(address, _key(address))
        if known is None:
            missing.append(address)
        else:
            yield Listing(tuple(known.result["folders"]), tuple(known.result["files"]))
    if not missing:
        return
    with (
        Progress("reading listings", len(missing)) as bar,
        closing(as_done(client, lambda address: (address, _ask(what, address, client)), missing)) as asked,
    ):
        for address, listing in asked:
            found = {"folders": list(listing.folders), "files": list(listing.files)}
            ledger.add(Entry(address, _key(address), "done", found))
            bar.advance()
            yield listing


def _key(address: str) -> str:
    return content_key("listing", VERSION, address)


def _ask(what: Crawl, address: str, client: HttpClient) -> Listing:
    advice = f"it is {what.field} or lies below it; ingestion.neurons.allen.databases=cell_types does without"
    try:
        return client.get(address, lambda answer: _checked(what, answer), advice=advice)
    except RequestError as error:
        if address == what.root or error.status not in _CLOSED:
            raise
        logger.warning("%s; it is passed over", error)
        return Listing((), ())


def _checked(what: Crawl, answer: Answer) -> Listing:
    """The listing in an answer. Raises AttemptError where it is none, or lies elsewhere (a redirect)."""
    own, came = urlsplit(what.root), urlsplit(answer.url)
    if came.hostname != own.hostname or not (came.path.rstrip("/") + "/").startswith(own.path):
        raise AttemptError("redirects out of the directory", "final", "set its new address in the parameters")
    listing = read_listing(answer.text, answer.url)
    if listing is None:
        raise AttemptError("what came is no listing of a directory", "content", "open the address in a browser")
    return listing
