"""The list of neurons: page by page to the disk, then whole, sorted and each neuron once, as `metadata.jsonl`."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.ordered import in_order
from neuropil.sources.neuromorpho.parameters import FIELD, NeuromorphoNeurons
from neuropil.sources.neuromorpho.query import Question
from neuropil.sources.neuromorpho.records import Page
from neuropil.work.atomic import write_text
from neuropil.work.index import Lines, write_lines
from neuropil.work.keys import content_key
from neuropil.work.progress import Progress

logger = logging.getLogger(__name__)

METADATA = "metadata.jsonl"
QUERY = "query.json"
"""What was asked and when: stands beside `metadata.jsonl` once that is whole."""
_PAGES = "pages"
_READINGS = 3  # of the whole list, where pages overlap
_RESTARTS = 3  # where the list changes while it is read


class _ChangedError(Exception):
    """The number of neurons is another than at the first page."""


def listed(parameters: NeuromorphoNeurons, client: HttpClient, store: Path) -> Lines:
    """The records of all neurons asked for, by neuron_id, each once; they lie in `store/metadata.jsonl`.

    A list that is there makes no request, until `refresh` or `overwrite` says so or the question is another. A killed
    run finds the pages that it had. Memory holds the ids.

    Raises:
        RequestError: a page cannot be had; the pages that came stay for the next run.
        InputError: nothing was asked for, no neuron fits, or the list changes all the time.
    """
    question = Question(parameters)
    about, metadata = store / QUERY, store / METADATA
    if not (parameters.refresh or parameters.overwrite) and metadata.is_file() and _key_of(about) == question.key:
        return Lines(metadata)
    reading = _Reading(question, parameters, client, store / _PAGES)
    for _ in range(_RESTARTS):
        try:
            found = reading.read()
            break
        except _ChangedError:
            logger.info("%s: the list changed while it was read; it is read from the start", question)
            reading.forget()
    else:
        raise InputError(f"{parameters.site}: its list of neurons changes while it is read; run again later")
    about.unlink(missing_ok=True)  # from here to the end of the next line the two would not fit each other
    write_lines(metadata, found)
    said = parameters.model_dump(mode="json", include={"site", "query", "filters", "max_pages", "page_size"})
    counts = {"counted": reading.total, "listed": len(found), "asked": datetime.now(UTC).date().isoformat()}
    write_text(about, json.dumps({"key": question.key, **said, **counts}, indent=1) + "\n")
    reading.forget()
    return Lines(metadata)


def _key_of(about: Path) -> str | None:
    try:
        said = json.loads(about.read_text())
    except (OSError, ValueError):
        return None
    return said.get("key") if isinstance(said, dict) else None


class _Found:
    """Records in pages on disk, by neuron_id; the first of an id counts, those without one come last."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[Path, int]] = {}
        self._others: list[tuple[Path, int]] = []
        self._read: set[Path] = set()

    def __len__(self) -> int:
        return len(self._places) + len(self._others)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for path, place in [*(self._places[number] for number in sorted(self._places)), *self._others]:
            yield Lines(path).at(place)

    def add(self, path: Path) -> None:
        """Take in a page."""
        if path in self._read:
            return
        self._read.add(path)
        place = 0
        with open(path, "rb") as file:
            for line in file:
                number = json.loads(line).get("neuron_id")
                if isinstance(number, int):
                    self._places.setdefault(number, (path, place))
                else:
                    self._others.append((path, place))
                place += len(line)


class _Reading:
    """The pages of one question, on disk as they came."""

    def __init__(self, question: Question, parameters: NeuromorphoNeurons, client: HttpClient, pages: Path) -> None:
        self._question, self._parameters, self._client = question, parameters, client
        self._all = pages
        self._folder = pages / content_key(question.key, question.size)[:12]
        self._about = self._folder / "about.json"
        self.total = 0
        self._size = question.size
        self._changed = False

    def forget(self) -> None:
        """Remove all pages, those of other questions too: they were not read to their end."""
        shutil.rmtree(self._all, ignore_errors=True)

    def read(self) -> _Found:
        """All pages; once more from the start where neurons are missing because pages overlap.

        Raises:
            _ChangedError: see there.
        """
        self._begin()
        wanted = self.total
        if self._parameters.max_pages is not None:
            wanted = min(wanted, self._parameters.max_pages * self._size)
        pages = -(-wanted // self._size)
        found = _Found()
        with Progress("listing neurons", pages) as progress:
            for reading in range(_READINGS):
                ask = partial(self._one, reading)
                with closing(in_order(self._client, ask, range(pages))) as paths:
                    for path in paths:
                        if path is not None:
                            found.add(path)
                        progress.advance(reading == 0)
                if self._changed:
                    raise _ChangedError
                if len(found) >= wanted or self._parameters.max_pages is not None:
                    break
        if len(found) < wanted:
            logger.warning(
                "NeuroMorpho.org counts %d neurons with %s but lists %d; %s.refresh=true reads the list again",
                *(wanted, self._question, len(found), FIELD),
            )
        return found

    def _begin(self) -> None:
        """Learn how many neurons there are, and how many a page has."""
        self._changed = False
        try:
            about = json.loads(self._about.read_text())
            self.total, self._size = about["total"], about["size"]
        except (OSError, ValueError, KeyError):
            self.forget()
            first = self._question.page(self._client, 0, self._question.size)
            if not first.total:
                raise InputError(
                    f"{self._parameters.site}: no neuron with {self._question}; look up fields and values at "
                    f"{self._parameters.site.rstrip('/')}/api/neuron/fields, and set {FIELD}.query or {FIELD}.filters"
                ) from None
            self.total, self._size = first.total, first.size
            self._write(0, 0, first)
            write_text(self._about, json.dumps({"total": self.total, "size": self._size}))

    def _one(self, reading: int, number: int) -> Path | None:
        """The file of a page, fetched where it is not there; None once the list has changed (from a thread)."""
        path = self._path(reading, number)
        if not path.is_file():
            page = None if self._changed else self._question.page(self._client, number, self._size)
            if page is None or page.total != self.total:
                self._changed = True  # an error would stop the client, which is needed again
                return None
            self._write(reading, number, page)
        return path

    def _write(self, reading: int, number: int, page: Page) -> None:
        write_lines(self._path(reading, number), page.records)

    def _path(self, reading: int, number: int) -> Path:
        return self._folder / f"{reading}_{number:06d}.jsonl"
