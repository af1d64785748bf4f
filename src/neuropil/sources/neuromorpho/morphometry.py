"""The measures of the listed neurons, one request each, as `morphometry.jsonl`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from neuropil.errors import InputError, MachineError
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.ordered import as_done
from neuropil.sources.neuromorpho.endurance import Endurance
from neuropil.sources.neuromorpho.parameters import NeuromorphoNeurons
from neuropil.sources.neuromorpho.records import measures_of, measures_url, problem_of
from neuropil.work.index import Lines, write_lines
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress
from neuropil.work.text import printable

MORPHOMETRY = "morphometry.jsonl"
_LEDGER = "morphometry.ledger.jsonl"


class Measures:
    """What is known of the measures; a context manager is not needed, all is on disk.

    Args:
        store: the folder of the source.
    """

    def __init__(self, store: Path) -> None:
        self._store = store
        self._book = Ledger(store / _LEDGER)

    def fetch(self, parameters: NeuromorphoNeurons, client: HttpClient, records: Lines) -> None:
        """Ask for what is missing, and write `morphometry.jsonl`: a line a neuron, in the order of the list.

        A neuron whose measures cannot be had is asked for again by the next run.

        Raises:
            InputError: the site has stopped answering.
        """
        endurance = Endurance(parameters.site)
        work = partial(_measured, site=parameters.site, hosts=parameters.hosts, client=client)
        with (
            Progress("fetching measures", len(records)) as progress,
            closing(as_done(client, work, self._missing(parameters, records, progress))) as ended,
        ):
            for entry, error in ended:
                self._book.add(entry)
                progress.advance()
                endurance.bear(error)
        write_lines(self._store / MORPHOMETRY, self._lines(records))

    def of(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """The measures of a neuron, or None."""
        last = self._book.last(str(record["neuron_id"]))
        return last.result if last is not None and last.state == "done" else None

    def reason(self, record: Mapping[str, Any]) -> str | None:
        """Why the measures of a neuron could not be had, or None."""
        last = self._book.last(str(record["neuron_id"]))
        return last.reason if last is not None else None

    def _missing(
        self, parameters: NeuromorphoNeurons, records: Iterable[dict[str, Any]], progress: Progress
    ) -> Iterator[dict[str, Any]]:
        for record in records:
            known = problem_of(record) is not None or self._book.find(str(record["neuron_id"]), _key(record))
            if known and not (parameters.overwrite and problem_of(record) is None):
                progress.advance()
            else:
                yield record

    def _lines(self, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            if problem_of(record) is None and (found := self.of(record)) is not None:
                yield {"neuron_id": record["neuron_id"], "neuron_name": record["neuron_name"], **found}


def _key(record: Mapping[str, Any]) -> str:
    return content_key("measures", record["neuron_id"], record["neuron_name"])


def _measured(
    record: dict[str, Any], *, site: str, hosts: tuple[str, ...], client: HttpClient
) -> tuple[Entry, InputError | None]:
    """Ask for one neuron's measures."""
    number, start = int(record["neuron_id"]), time.perf_counter()
    found: dict[str, Any] = {}
    error = None
    try:
        check = partial(measures_of, neuron_id=number)
        found = client.get(measures_url(site, number), check, headers={"Accept": "application/json"}, hosts=hosts)
    except MachineError:
        raise
    except InputError as failed:
        error = failed
    reason, seconds = printable(str(error)) if error else None, round(time.perf_counter() - start, 4)
    return Entry(str(number), _key(record), "failed" if error else "done", found, reason, seconds), error
