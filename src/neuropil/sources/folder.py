"""Your own neurons: a folder of SWC files or archives with a table of facts."""

from __future__ import annotations

import io
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name
from neuropil.sources.archives import SUFFIXES, DamagedArchiveError, Member, is_archive, list_members
from neuropil.sources.leftovers import remove_others
from neuropil.sources.members import Place, read_member
from neuropil.sources.parameters import FolderNeurons
from neuropil.sources.tables import TABLE_NAMES, FactsTable, find_table, read_table, table_of
from neuropil.sources.walking import Found, walk
from neuropil.work.keys import file_digest
from neuropil.work.text import printable

logger = logging.getLogger(__name__)

FIELD = "ingestion.neurons.folder.path"
UNPACKED = "unpacked"


def folder_neurons(parameters: FolderNeurons, store: Path) -> Iterator[dict[str, Any]]:
    """Yield a raw record (see `sample_neurons`) of each SWC file, in the order of the paths.

    What must not be read (a link out of the folder, a member of an archive whose name climbs out) has a record with
    the reason as "problem". A member of an archive has besides "member" (its name there), "digest" (of the archive)
    and "place" (see `members.Place`).

    Args:
        parameters: the folder and the table.
        store: the raw store; compressed tars are unpacked, as plain tars, below it.

    Raises:
        InputError: the path is missing, cannot be read or holds no SWC file, or the table of facts is unusable.
    """
    if parameters.path is None:
        return
    path = parameters.path.expanduser()
    table_path = parameters.metadata.expanduser() if parameters.metadata else find_table(path)
    if table_path is not None and not table_path.is_file():
        raise InputError(f"ingestion.neurons.folder.metadata={table_path}: no such file")
    others: Counter[str] = Counter()
    files = _files(path, others)
    reading = _Reading(store / UNPACKED, read_table(table_path) if table_path else None)
    for found in files:
        yield from reading.records(found)
    remove_others(store / UNPACKED, reading.unpacked, suffix=".tar")
    if not reading.found:
        raise InputError(f"{FIELD}={path}: no .swc file in the folder or below it{_instead(others)}")
    reading.tell()


class _Reading:
    """Turns what was found into records, and counts what was known of them."""

    def __init__(self, unpacked: Path, table: FactsTable | None) -> None:
        self.found = 0
        self._readable = 0  # files that may hold a neuron
        self.unpacked: set[str] = set()  # names of the plain tars in use
        self._folder = unpacked
        self._table = table
        self._matched: Counter[str] = Counter()
        self._rows = {table.label: len(table)} if table is not None else {}

    def records(self, found: Found) -> Iterator[dict[str, Any]]:
        """The record of a file, or of each file in an archive."""
        self.found += 1
        file = found.path
        record = {"swc": str(file.absolute()), "source": "folder"}
        if found.problem:
            yield {"neuron_name": neuron_name(file), **record, "problem": found.problem}
        elif is_archive(file.name):
            yield from self._of_archive(file, record)
        else:
            yield self._known({"neuron_name": neuron_name(file), **record}, self._table)

    def _of_archive(self, file: Path, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        found = 0
        try:
            digest = file_digest(file)
            unpacked = self._folder / f"{digest}.tar"
            self.unpacked.add(unpacked.name)
            own = self._own_table(file, unpacked)
            for member in list_members(file, unpacked):
                if _is_swc(member.base) or is_archive(member.base):
                    found += 1
                    yield self._of_member(member, {**record, "digest": digest}, own)
            problem = None if found else "no .swc file in the archive"
        except DamagedArchiveError as error:
            problem = f"{error}; {found} files before that are read" if found else str(error)
        except OSError as error:
            problem = f"the archive cannot be read ({error.strerror})"
        if problem:
            yield {"neuron_name": file.name, **record, "problem": problem}

    def _of_member(self, member: Member, record: dict[str, Any], own: FactsTable | None) -> dict[str, Any]:
        record = {"neuron_name": neuron_name(member.base), **record, "member": member.name}
        if member.place is None:
            return {**record, "problem": member.problem}
        in_own = own is not None and record["neuron_name"] in own
        return self._known({**record, "place": asdict(member.place)}, own if in_own else self._table)

    def _own_table(self, file: Path, unpacked: Path) -> FactsTable | None:
        """The table of facts in an archive: at its root, or in the one folder that holds all."""
        chosen: tuple[int, int, str, Place] | None = None
        with suppress(DamagedArchiveError):  # it is told when the members are read
            for member in list_members(file, unpacked):
                depth = member.name.removeprefix("./").count("/")
                if member.base in TABLE_NAMES and depth <= 1 and member.place:
                    one = (depth, TABLE_NAMES.index(member.base), member.name, member.place)
                    chosen = min(chosen or one, one, key=lambda choice: choice[:3])
        if chosen is None:
            return None
        label = f"{file}, {chosen[2]}"
        try:
            data = read_member(chosen[3])
        except InputError as error:
            logger.warning("%s: left aside, %s", printable(label), error)
            return None
        table = table_of(io.BytesIO(data), chosen[2], label)
        self._rows[label] = len(table)
        return table

    def _known(self, record: dict[str, Any], table: FactsTable | None) -> dict[str, Any]:
        """The record of a file that may be read, with what the table says of it."""
        self._readable += 1
        if table is None or record["neuron_name"] not in table:
            return record
        self._matched[table.label] += 1
        return {**record, "metadata": table[record["neuron_name"]]}

    def tell(self) -> None:
        """Say where nothing is known of neurons."""
        if not self._rows:
            logger.warning("%s: no metadata.jsonl or metadata.csv beside the files: nothing is known of them", FIELD)
        elif (known := self._matched.total()) < self._readable:
            tables = [f"{printable(label)} ({rows} rows)" for label, rows in self._rows.items()]
            more = [f"{len(tables) - 3} more tables"] if len(tables) > 3 else []
            named = "; ".join([*tables[:3], *more])
            logger.warning("facts were found for %d of %d SWC files, by name, in %s", known, self._readable, named)


def _files(path: Path, others: Counter[str]) -> Iterator[Found]:
    """The SWC files and archives at a path, sorted."""
    if path.is_file() and _wanted(path.name):
        return iter([Found(path)])
    if not path.is_dir():
        what = "not a folder, an SWC file or an archive" if path.exists() else "no such folder"
        raise InputError(f"{FIELD}={path}: {what}; give a folder of .swc files or an archive ({', '.join(SUFFIXES)})")
    return _below(path, others)


def _below(path: Path, others: Counter[str]) -> Iterator[Found]:
    try:
        yield from walk(path, _wanted, others)
    except OSError as error:
        raise InputError(f"{FIELD}={path}: cannot be read ({error.strerror})") from error


def _is_swc(name: str) -> bool:
    return name.lower().endswith((".swc", ".eswc"))


def _wanted(name: str) -> bool:
    return _is_swc(name) or is_archive(name)


def _instead(others: Counter[str]) -> str:
    """What there is in the folder, where there is no SWC file."""
    kinds = ", ".join(f"{count} {suffix or 'without a suffix'}" for suffix, count in others.most_common(3))
    return f"; it holds other files ({kinds})" if kinds else ""
