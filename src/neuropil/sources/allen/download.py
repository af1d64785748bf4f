"""Reconstructions fetched to the raw store, each once; what became of every cell, a line each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.allen.cell import SOURCE, Cell
from neuropil.sources.allen.parameters import FIELD, AllenNeurons
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.download import LEDGER, Asset, Fetched, fetch_each
from neuropil.sources.http.faults import RequestError
from neuropil.sources.http.hosts import shown
from neuropil.work.index import write_lines
from neuropil.work.ledger import Ledger
from neuropil.work.text import printable

logger = logging.getLogger(__name__)

LOG = "download_log.jsonl"

NOT_ASKED = "the run ended before it was asked for"

_IN_A_ROW = 10  # files that fail after all attempts, though none is missing: the server is out of order


def swc_name(cell: Cell) -> str:
    """Where the file of a cell stands in the store."""
    return f"swc/{cell.name}.swc"


def fetch_cells(
    cells: Sequence[Cell], parameters: AllenNeurons, client: HttpClient, store: Path, done: dict[str, str]
) -> None:
    """Fetch the reconstructions that are not there; one that cannot be had does not end the others.

    Args:
        cells: those that have an address.
        parameters: limits, hosts, whether files are fetched anew.
        client: the kept client.
        store: the raw store; files go to `swc/ID.swc`, the ledger is `downloads.jsonl`.
        done: gets, by name of the cell, "downloaded", "present", or why there is no file.

    Raises:
        RequestError: many in a row could not be had; what came stays, and the same command goes on from there.
    """
    assets = {swc_name(cell): _asset(cell, parameters) for cell in cells}
    names = {swc_name(cell): cell.name for cell in cells}
    row = 0
    with closing(
        fetch_each(assets.values(), store, client, label="fetching Allen neurons", anew=parameters.overwrite)
    ) as ended:
        for fetched in ended:
            done[names[fetched.asset.name]] = _outcome(fetched)
            row = row + 1 if _is_outage(fetched.error) else 0
            if row >= _IN_A_ROW and fetched.error is not None:
                raise fetched.error


def write_log(cells: Iterable[Cell], done: dict[str, str], store: Path) -> None:
    """Write a line of every cell: {"neuron_name", "source", "status", "url", "bytes", "sha256", "attempts", "reason"}.

    `status` is downloaded, present (no request was made), failed or skipped. `attempts` counts the requests that the
    file took when it was fetched (0 = put there by hand), "faults" tells those that failed, "others" names further
    files of the same cell.
    """
    book = Ledger(store / LEDGER)
    write_lines(store / LOG, (_line(cell, done, book) for cell in cells))


def _asset(cell: Cell, parameters: AllenNeurons) -> Asset:
    return Asset(
        cell.url or "",
        swc_name(cell),
        kind="swc",
        most_bytes=parameters.most_mb * 1_000_000,
        hosts=cell.hosts,
        advice=f"the other neurons are not held up by it; where you have the files, give their folder as {FIELD}.path",
    )


def _outcome(fetched: Fetched) -> str:
    """ "downloaded", "present" or why there is no file."""
    if fetched.error is not None:
        return printable(str(fetched.error))
    return "downloaded" if fetched.fresh else "present"


def _is_outage(error: InputError | None) -> bool:
    """Whether the server, not the file, is what is missing."""
    return isinstance(error, RequestError) and error.kind == "passing"


def _line(cell: Cell, done: dict[str, str], book: Ledger) -> dict[str, Any]:
    line: dict[str, Any] = {"neuron_name": cell.name, "source": SOURCE}
    others = {"others": list(cell.others)} if cell.others else {}
    if cell.skip is not None:
        return {**line, "status": "skipped", **_figures(cell, {}), "attempts": 0, "reason": cell.skip, **others}
    if cell.file is not None:
        status = "failed" if cell.problem else "present"
        return {**line, "status": status, **_figures(cell, {}), "attempts": 0, "reason": cell.problem, **others}
    entry = book.last(swc_name(cell))
    about = entry.result if entry is not None else {}
    faults = about.get("faults", [])
    outcome = done.get(cell.name, NOT_ASKED)
    well = outcome in ("downloaded", "present")
    attempts = len(faults) + (1 if well and about.get("url") else 0)
    return {
        **line,
        "status": outcome if well else "failed",
        **_figures(cell, about if well else {}),
        "attempts": attempts,
        "faults": faults,
        "reason": None if well else outcome,
        **others,
    }


def _figures(cell: Cell, about: dict[str, Any]) -> dict[str, Any]:
    place = cell.url and shown(cell.url) if cell.file is None else str(cell.file)
    return {"url": place, "bytes": about.get("size"), "sha256": about.get("sha256")}
