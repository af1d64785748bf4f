"""Tables of the transcriptomic types of Patch-seq cells, joined with the cells by id; the columns are parameters."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.allen.parameters import PatchSeqListing

logger = logging.getLogger(__name__)

_NOTHING = {"", "na", "n/a", "nan", "none", "null", "unknown"}
_LISTS = ("brain_region", "reference_doi")
# Areas of the isocortex, whose acronyms end with a layer in Allen's ontology (`VISp2/3`); `CA1` is none of them.
_CORTICAL = re.compile(
    r"((?:VIS|MO|SS|AUD|RSP|ACA|AI|GU|TEa|PTLp|ORB|PL|ILA|FRP|PERI|ECT)[A-Za-z-]*)(1|2/3|2|3|4|5|6a|6b|6)"
)


@dataclass(frozen=True)
class Labels:
    """What a listing's table says of cells.

    Attributes:
        rows: by id; empty where there is no table.
        listing: columns and common facts.
    """

    rows: Mapping[str, Mapping[str, str]]
    listing: PatchSeqListing

    def __contains__(self, cell: object) -> bool:
        return cell in self.rows

    def facts(self, cell: str) -> dict[str, Any]:
        """The facts of a cell in the standard form, its row of the table beside them."""
        row = self.rows.get(cell, {})
        named = {fact: row.get(column, "") for fact, column in self.listing.columns.items() if column}
        known = {fact: value for fact, value in named.items() if value.casefold() not in _NOTHING}
        common = {fact: value for fact, value in self.listing.facts.items() if value is not None}
        own = {key: value for key, value in row.items() if value.casefold() not in _NOTHING}
        facts: dict[str, Any] = {**common, **own, **known}
        for key in _LISTS:
            if key in facts:
                facts[key] = _areas(facts[key]) if key == "brain_region" else [facts[key]]
        return facts


def read_labels(name: str, listing: PatchSeqListing) -> Labels:
    """The table of a listing, held in memory (a row a cell, some thousands); no rows where none is named.

    Comma, semicolon or tab stand between the columns. A column that is not there is passed over with a warning.

    Raises:
        InputError: the table cannot be read, has no column of ids, or none of the others.
    """
    if listing.table is None:
        return Labels({}, listing)
    path, field = listing.table.expanduser(), f"ingestion.neurons.allen.patch_seq.listings.{name}"
    try:
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"{field}.table={path}: cannot be read ({error.strerror})") from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    try:
        rows = [_plain(row) for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error as error:
        raise InputError(f"{field}.table={path}: cannot be read as CSV ({error})") from error
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if listing.id_column not in columns:
        some = ", ".join(columns[:12]) or "none"
        raise InputError(f"{field}.id_column: {path} has no column {listing.id_column!r}; its columns: {some}")
    asked = [column for column in listing.columns.values() if column]
    absent = [column for column in asked if column not in columns]
    if asked and len(absent) == len(asked):
        raise InputError(
            f"{field}.columns: {path} has none of {', '.join(asked)}; its columns: {', '.join(columns[:12])}"
        )
    if absent:
        logger.warning("%s: no column %s; name the right one in %s.columns", path, " or ".join(absent), field)
    found: dict[str, Mapping[str, str]] = {}
    for row in rows:
        cell = row[listing.id_column].removesuffix(".0") if row.get(listing.id_column) else ""
        if cell:
            found.setdefault(cell, row)
    return Labels(found, listing)


def _plain(row: Mapping[str | None, Any]) -> dict[str, str]:
    return {key.strip(): (value or "").strip() for key, value in row.items() if key and not isinstance(value, list)}


def _areas(text: str) -> list[str]:
    """`VISp2/3` as area and layer; other names as they are, lists (`;`) apart."""
    match = _CORTICAL.fullmatch(text.strip())
    if match:
        return [match[1], f"layer {match[2]}"]
    return [part.strip() for part in re.split(r"[;|]", text) if part.strip()]
