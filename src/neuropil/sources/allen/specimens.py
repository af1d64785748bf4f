"""The table of specimens of the Allen Cell Types Database: its CSV export or its RMA service, on disk or fetched."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from neuropil.errors import InputError
from neuropil.sources.allen.parameters import FIELD, AllenNeurons
from neuropil.sources.http.client import Answer, HttpClient, as_json
from neuropil.sources.http.download import LEDGER, Asset, fetch_each
from neuropil.sources.http.faults import AttemptError
from neuropil.work.atomic import write_bytes
from neuropil.work.keys import content_key
from neuropil.work.ledger import Entry, Ledger

logger = logging.getLogger(__name__)

ID, RECONSTRUCTION = "specimen__id", "nrwkf__id"
CSV_NAME, RMA_NAME = "cell_types_specimen_details.csv", "cell_types_specimen_details.json"

Row = dict[str, str]

_MOST = 256 << 20  # bytes of a table; the export has 1.4 MB
_PAGE = 2000  # rows asked for at a time


def find_specimens(folder: Path) -> Path | None:
    """The table in the folder, or in the one above it; None without one."""
    places = [place / name for place in (folder, folder.parent) for name in (CSV_NAME, RMA_NAME)]
    return next((place for place in places if place.is_file()), None)


def read_specimens(path: Path, field: str = f"{FIELD}.table") -> list[Row]:
    """The rows of a table on disk, all values as text ("" = unknown), each specimen once.

    Args:
        path: the CSV export, or an answer of RMA (JSON).
        field: which parameter names it, for messages.

    Raises:
        InputError: it cannot be read, or has no specimens.
    """
    try:
        if path.stat().st_size > _MOST:
            raise InputError(f"{field}={path}: larger than {_MOST:,} bytes; it is no table of specimens")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{field}={path}: cannot be read ({error.strerror})") from error
    problem = "expected the CSV export of the Allen Cell Types Database or an answer of its RMA service"
    try:
        rows = _rma_rows(json.loads(data)) if data.lstrip()[:1] == b"{" else _csv_rows(data)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{field}={path}: {error}; {problem}") from error
    if not rows or not {ID, RECONSTRUCTION} <= set(rows[0]):
        raise InputError(f"{field}={path}: no rows with the columns {ID} and {RECONSTRUCTION}; {problem}")
    return _once(rows, path)


def fetch_specimens(parameters: AllenNeurons, client: HttpClient, folder: Path) -> list[Row]:
    """The rows of the table, fetched where it is not there (see `read_specimens`).

    Args:
        parameters: what is asked, CSV or RMA, and where; whether it is asked anew.
        client: the kept client.
        folder: where the table is kept.

    Raises:
        RequestError: it cannot be had.
        InputError: what came is no such table.
    """
    if parameters.specimens == "rma":
        return read_specimens(_fetch_rma(parameters, client, folder), f"{FIELD}.rma, fetched to ")
    asset = Asset(
        parameters.csv, CSV_NAME, kind="text", most_bytes=_MOST, hosts=parameters.hosts, advice=_advice("csv")
    )
    anew = parameters.overwrite or parameters.refresh
    with closing(fetch_each([asset], folder, client, label="fetching Allen's table", anew=anew)) as ended:
        for fetched in ended:
            if fetched.error is not None:
                raise fetched.error
    return read_specimens(asset.path_in(folder), f"{FIELD}.csv, fetched to ")


def _advice(field: str) -> str:
    return f"it is {FIELD}.{field}; where you have the table already, name it as {FIELD}.table"


def _fetch_rma(parameters: AllenNeurons, client: HttpClient, folder: Path) -> Path:
    """All pages of the service's answer, written as one."""
    path, book = folder / RMA_NAME, Ledger(folder / LEDGER)
    key = content_key("rma", parameters.rma)
    anew = parameters.overwrite or parameters.refresh
    if not anew and path.is_file() and book.find(RMA_NAME, key):
        return path
    rows: list[Any] = []
    total = 1
    while len(rows) < total:
        page, total = client.get(
            _rma_address(parameters.rma, len(rows)),
            _rma_page,
            headers={"Accept": "application/json"},
            hosts=parameters.hosts,
            most_bytes=_MOST,
            advice=_advice("rma"),
        )
        if not page:
            raise InputError(f"{parameters.rma}: {len(rows):,} rows came of {total:,}; {_advice('rma')}")
        rows += page
    write_bytes(path, json.dumps({"success": True, "msg": rows}, ensure_ascii=False).encode())
    book.add(Entry(RMA_NAME, key, "done", {"url": parameters.rma, "rows": len(rows)}))
    return path


def _rma_address(service: str, start: int) -> str:
    # Sorted, or rows would come twice and others never: a page is its place in an order.
    criteria = (
        f"model::ApiCellTypesSpecimenDetail,rma::options[order$eq'{ID}'][num_rows$eq{_PAGE}][start_row$eq{start}]"
    )
    return f"{service}{'&' if '?' in service else '?'}criteria={quote(criteria, safe='')}"


def _rma_page(answer: Answer) -> tuple[list[Any], int]:
    """The rows of a page, and how many there are in all."""
    try:
        found = as_json(answer)
        rows, total = _rma_rows(found), int(found["total_rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise AttemptError(f"what came is no answer of RMA ({error})", "content") from error
    if total and not rows:
        raise AttemptError(f"no rows came of {total:,}", "content")
    return rows, total


def _rma_rows(found: Any) -> list[Row]:
    rows = found.get("msg") if isinstance(found, Mapping) else None
    if isinstance(found, Mapping) and found.get("success") is False:
        raise ValueError(f"the service says: {str(rows)[:200]}")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("no rows in it (`msg`)")
    return [{str(key): "" if value is None else str(value) for key, value in row.items()} for row in rows]


def _csv_rows(data: bytes) -> list[Row]:
    text = io.StringIO(data.decode("utf-8-sig", errors="replace"), newline="")
    return [
        {key.strip(): (value or "").strip() for key, value in row.items() if key and not isinstance(value, list)}
        for row in csv.DictReader(text)
    ]


def _once(rows: list[Row], path: Path) -> list[Row]:
    unique: dict[str, Row] = {}
    for row in rows:
        if row.get(ID):
            unique.setdefault(row[ID], row)
    if len(unique) < len(rows):
        logger.warning("%s: %d rows repeat a specimen or name none; the first counts", path, len(rows) - len(unique))
    return list(unique.values())
