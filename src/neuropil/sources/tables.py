"""Tables of facts about neurons, as people have them: JSON lines or CSV, a row a neuron, read without holding it."""

from __future__ import annotations

import csv
import io
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name
from neuropil.work.index import Spool, parse_line

logger = logging.getLogger(__name__)

TABLE_NAMES = ("metadata.jsonl", "metadata.csv", "cell_types_specimen_details.csv")
"""Taken as the table where one lies beside the files; the last is the export of the Allen Cell Types Database."""
NAME_COLUMNS = ("neuron_name", "name", "file", "swc", "specimen__id")
LIST_FIELDS = ("brain_region", "cell_type", "experiment_condition")


class FactsTable(Mapping[str, dict[str, Any]]):
    """Facts by neuron name. They lie in a temporary file; memory holds the name and the place of each row.

    Args:
        rows: (name, facts); the first row of a name counts.
        label: the table, for messages.
    """

    def __init__(self, rows: Iterable[tuple[str, dict[str, Any]]], label: str) -> None:
        self.label = label
        self._places: dict[str, int] = {}
        spool, repeated = Spool(), 0
        for name, facts in rows:
            if name in self._places:
                repeated += 1
            else:
                self._places[name] = spool.append(facts)
        self._lines = spool.lines()
        if repeated:
            logger.warning("%s: %d rows repeat a name; the first row of each name counts", label, repeated)

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self._lines.at(self._places[name])

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def find_table(path: Path) -> Path | None:
    """The first of `TABLE_NAMES` in the folder (or beside the file), else in the one above it; None without one."""
    folder = path if path.is_dir() else path.parent
    places = [folder, folder.parent] if path.is_dir() else [folder]
    return next((place / name for place in places for name in TABLE_NAMES if (place / name).is_file()), None)


def read_table(path: Path) -> FactsTable:
    """Read a table of facts: JSON lines (one object a neuron) or CSV with a header (one row a neuron).

    One field holds the name of the neuron or of its file, the first of `NAME_COLUMNS` there is; folder, `.swc` and
    `.CNG` are taken off. The other fields are kept under their names. In CSV the lists `brain_region`, `cell_type`
    and `experiment_condition` are written `neocortex; somatosensory; layer 4` (`;` or `|`) or as JSON, and an empty
    cell, `NA`, `unknown` or `Not reported` is no fact.

    Raises:
        InputError: the table cannot be read, or a row has no name.
    """
    try:
        with open(path, "rb") as file:
            return table_of(file, path.name, str(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def table_of(file: IO[bytes], name: str, label: str) -> FactsTable:
    """As `read_table`, of an open file (a member of an archive, say); `name` tells CSV, `label` is for messages."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
    rows = _csv_rows(text, label) if name.lower().endswith(".csv") else _json_rows(text, label)
    table = FactsTable(_named(rows, label), label)
    text.detach()
    return table


def _named(rows: Iterable[dict[str, Any]], label: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, row in enumerate(rows, 1):
        field = next((field for field in NAME_COLUMNS if row.get(field)), None)
        if field is None:
            names = ", ".join(NAME_COLUMNS[:-1])
            raise InputError(f"{label}, row {number}: no name; one of the fields {names} must hold it")
        yield neuron_name(str(row[field])), {key: value for key, value in row.items() if key != field}


def _json_rows(text: IO[str], label: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text, 1):
        if line.strip():
            yield parse_line(line, label, number)


def _csv_rows(text: IO[str], label: str) -> Iterator[dict[str, Any]]:
    try:
        for row in csv.DictReader(text):
            yield {
                key.strip(): _csv_list(value) if key.strip() in LIST_FIELDS else value
                for key, value in row.items()
                if key and value is not None
            }
    except csv.Error as error:
        raise InputError(f"{label}: cannot be read as CSV ({error})") from error


def _csv_list(cell: str) -> list[Any]:
    if cell.strip().startswith("["):
        try:
            return list(json.loads(cell.replace("'", '"')))
        except ValueError:
            cell = cell.strip("[] ")
    return [part.strip() for part in re.split(r"[;|]", cell)]
