"""The standardised SWC files of the listed neurons, each once and whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from neuropil.errors import InputError, MachineError
from neuropil.sources.http.asset import Asset
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.download import fetch_each
from neuropil.sources.http.faults import RequestError
from neuropil.sources.http.ordered import as_done
from neuropil.sources.neuromorpho.endurance import Endurance
from neuropil.sources.neuromorpho.find import link_of
from neuropil.sources.neuromorpho.parameters import FIELD, NeuromorphoNeurons
from neuropil.sources.neuromorpho.records import file_url, neuron_page_url, with_files
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.text import printable

FOLDER = "swc"
_LEDGER = "downloads.jsonl"
_FOUND = "found.jsonl"
_ADVICE = f"{FIELD}.find=true looks up the link on the neuron's page"


class Files:
    """What is known of the files, and the way to those that are missing.

    Args:
        parameters: the site, `find`, `overwrite` and `most_mb`.
        store: the folder of the source; the files stand in `store/swc`.
    """

    def __init__(self, parameters: NeuromorphoNeurons, store: Path) -> None:
        self._parameters = parameters
        self._folder = store / FOLDER
        self._ledger = store / _LEDGER
        self._book = Ledger(self._ledger)
        self._found = Ledger(store / _FOUND)  # addresses that pages said, by file
        self._endurance = Endurance(parameters.site)
        self._fresh: set[str] = set()

    def fetch(self, client: HttpClient, records: Iterable[dict[str, Any]]) -> None:
        """Fetch what is missing: from the usual address, and where there is no such file, from where the page says.

        Args:
            client: the kept client.
            records: the list, which can be read more than once.

        Raises:
            InputError: the site has stopped answering.
            MachineError: the disk is full.
        """
        try:
            assets = (self._asset(name, self._address(record, name)) for record, name in with_files(records))
            lost = self._each(client, assets, "fetching neurons")
            if lost and self._parameters.find:
                self._book = Ledger(self._ledger)
                self._each(client, self._looked_up(client, records, lost), "fetching neurons found")
        finally:
            self._book = Ledger(self._ledger)

    def entry(self, name: str) -> Entry | None:
        """How the file ended last, in this run or an earlier one."""
        return self._book.last(name)

    def is_fresh(self, name: str) -> bool:
        """Whether this run fetched it."""
        return name in self._fresh

    def stands(self, name: str) -> bool:
        """Whether the file is there, whole."""
        last = self._book.last(name)
        return last is not None and last.state == "done" and (self._folder / name).is_file()

    def _each(self, client: HttpClient, assets: Iterable[Asset], label: str) -> set[str]:
        """Fetch files; return the names of those that may be elsewhere."""
        lost = set()
        anew = self._parameters.overwrite
        stream = fetch_each(assets, self._folder, client, label=label, ledger=self._ledger, anew=anew)
        with closing(stream) as ended:
            for fetched in ended:
                if fetched.error is not None and _may_be_elsewhere(fetched.error):
                    lost.add(fetched.asset.name)
                if fetched.error is None and fetched.fresh:
                    self._fresh.add(fetched.asset.name)
                if fetched.fresh:
                    self._endurance.bear(fetched.error)
        return lost

    def _looked_up(self, client: HttpClient, records: Iterable[dict[str, Any]], lost: set[str]) -> list[Asset]:
        """The files whose addresses the neurons' pages say; what a page does not say goes to the ledger."""
        wanted = ((record, name) for record, name in with_files(records) if name in lost)
        assets = []
        with closing(as_done(client, partial(self._look_up, client), wanted)) as ended:
            for record, name, url, error in ended:
                self._endurance.bear(error)
                if url is not None:
                    self._found.add(Entry(name, _key(self._usual(record)), "done", {"url": url}))
                    assets.append(self._asset(name, url))
                else:
                    self._book.add(self._failed(name, error))
        return assets

    def _look_up(
        self, client: HttpClient, wanted: tuple[dict[str, Any], str]
    ) -> tuple[dict[str, Any], str, str | None, InputError | None]:
        record, name = wanted
        try:
            page = neuron_page_url(self._parameters.site, record)
            return record, name, client.get(page, link_of, hosts=self._parameters.hosts), None
        except MachineError:
            raise
        except InputError as error:
            return record, name, None, error

    def _failed(self, name: str, error: InputError | None) -> Entry:
        """The entry of a file that is not at its usual address, with what its page said besides."""
        last = self._book.last(name)
        result, key = ({}, "") if last is None else (last.result, last.key)
        first = (last.reason if last is not None else None) or ""
        return Entry(name, key, "failed", result, printable(f"{first.partition('; ')[0]}; {error}"))

    def _address(self, record: Mapping[str, Any], name: str) -> str:
        """Where a file is: where its page said, if it was looked up before, else the usual address."""
        usual = self._usual(record)
        found = None if self._parameters.overwrite else self._found.find(name, _key(usual))
        return usual if found is None else str(found.result["url"])

    def _usual(self, record: Mapping[str, Any]) -> str:
        return file_url(self._parameters.site, record)

    def _asset(self, name: str, url: str) -> Asset:
        return Asset(
            url,
            name,
            kind="swc",
            most_bytes=int(self._parameters.most_mb * 1e6),
            hosts=self._parameters.hosts,
            advice=None if self._parameters.find else _ADVICE,
        )


def _key(usual: str) -> str:
    return content_key("found", usual)


def _may_be_elsewhere(error: InputError) -> bool:
    """Whether there is no such file where it should be: some servers say so with a web page."""
    return isinstance(error, RequestError) and (error.status in (404, 410) or error.kind == "content")
