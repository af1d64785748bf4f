"""The source `allen`: reconstructions of the Allen Cell Types Database and of Patch-seq cells, as raw records."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.allen.cell import SOURCE, Cell
from neuropil.sources.allen.cell_types import cell_type_cells
from neuropil.sources.allen.crawl import Crawl, crawl
from neuropil.sources.allen.download import LOG, fetch_cells, swc_name, write_log
from neuropil.sources.allen.labels import read_labels
from neuropil.sources.allen.on_disk import cells_on_disk
from neuropil.sources.allen.parameters import FIELD, AllenNeurons, PatchSeqListing
from neuropil.sources.allen.patch_seq import listed_cells
from neuropil.sources.allen.specimens import fetch_specimens, read_specimens
from neuropil.sources.http.client import HttpClient
from neuropil.sources.http.parameters import HttpParameters
from neuropil.work.atomic import remove_leftovers
from neuropil.work.index import write_lines
from neuropil.work.ledger import Ledger

logger = logging.getLogger(__name__)

METADATA = "metadata.jsonl"
TABLES, LISTINGS = "tables", "listings.jsonl"


def allen_neurons(parameters: AllenNeurons, http: HttpParameters, store: Path) -> Iterator[dict[str, Any]]:
    """Yield a raw record of each reconstruction, sorted by specimen.

    Tables, pages of listings and files that are in the store make no request; a killed run goes on where it was.
    Where `parameters.path` is set, nothing is fetched.

    Args:
        parameters: which cells, and where they lie or are fetched from.
        http: how they are fetched.
        store: the raw store (`01_raw/allen`); gets `swc/ID.swc`, `metadata.jsonl` (a line a cell that is taken: its
            name and facts), `download_log.jsonl` (see `download.write_log`), the tables and what the listings said.

    Yields:
        {"neuron_name" (the specimen's id), "swc" (relative to the store; of a file on disk absolute), "source"
        ("allen"), "metadata" (facts as the source says them)}; a reconstruction that could not be had, or must not be
        read, has its reason as "problem". Nothing with `count_only` or `metadata_only`.

    Raises:
        InputError: a table or folder cannot be used, a table or listing cannot be fetched, no reconstruction is left,
            or many in a row cannot be fetched.
    """
    remove_leftovers(store)
    done: dict[str, str] = {}
    if parameters.path is not None:
        cells = _chosen(cells_on_disk(parameters, parameters.path.expanduser()), parameters)
        if not _announced(cells, parameters, store):
            return
        write_log(cells, done, store)
    else:
        with HttpClient(http) as client:
            cells = _chosen(_cells(parameters, client, store), parameters)
            if not _announced(cells, parameters, store):
                return
            try:
                fetch_cells(_wanted(cells), parameters, client, store, done)
            except InputError:  # not of a full disk: there may be no room for a log either
                write_log(cells, done, store)
                raise
            write_log(cells, done, store)
    _tell_failed(cells, done, store)
    yield from (_record(cell, done) for cell in _wanted(cells))


def _cells(parameters: AllenNeurons, client: HttpClient, store: Path) -> list[Cell]:
    """The cells of all databases, as their tables and listings say."""
    cells: list[Cell] = []
    for database in parameters.databases:
        if database == "cell_types":
            rows = (
                fetch_specimens(parameters, client, store / TABLES)
                if parameters.table is None
                else read_specimens(parameters.table.expanduser())
            )
            cells += cell_type_cells(rows, parameters)
        else:
            cells += _patch_seq_cells(parameters, client, store)
    return cells


def _patch_seq_cells(parameters: AllenNeurons, client: HttpClient, store: Path) -> list[Cell]:
    settings, kept = parameters.patch_seq, store / LISTINGS
    if parameters.overwrite or parameters.refresh:
        kept.unlink(missing_ok=True)
    listings = {name: listing for name, listing in settings.listings.items() if listing is not None}
    labels = {name: read_labels(name, listing) for name, listing in listings.items()}  # before anything is asked for
    ledger, cells = Ledger(kept), list[Cell]()
    for name, listing in listings.items():
        files = crawl(_crawl(name, listing, parameters), client, ledger)
        found = listed_cells(name, files, labels[name], unlabelled=settings.unlabelled)
        _tell(name, listing, found, len(files), sum(cell.id in labels[name] for cell in found))
        cells += found
    return cells


def _crawl(name: str, listing: PatchSeqListing, parameters: AllenNeurons) -> Crawl:
    settings = parameters.patch_seq
    return Crawl(listing.url, f"{FIELD}.patch_seq.listings.{name}.url", settings.depth, settings.most_folders)


def _tell(name: str, listing: PatchSeqListing, cells: Sequence[Cell], files: int, known: int) -> None:
    field = f"{FIELD}.patch_seq.listings.{name}"
    if not cells:
        logger.warning(
            "%s: none of the %d files below %s is named as %s.file_name says", field, files, listing.url, field
        )
    elif listing.table is None:
        logger.warning("%s.table is not set: the types of its %d cells are not known", field, len(cells))
    else:
        logger.info("%s: the table has a row of %d of %d cells", field, known, len(cells))
        if not known:
            logger.warning(
                "%s: no cell is in its table %s; is %s the column of ids?", field, listing.table, listing.id_column
            )


def _chosen(cells: Sequence[Cell], parameters: AllenNeurons) -> list[Cell]:
    """The cells sorted by id, each once; what is beyond `most` says so."""
    taken: set[str] = set()
    count, chosen = 0, []
    for cell in sorted(cells, key=lambda one: (one.order, one.skip is not None)):
        if cell.skip is None and cell.name.casefold() in taken:
            cell = replace(cell, skip="another file of the same cell is taken")
        elif cell.skip is None and parameters.most is not None and count >= parameters.most:
            cell = replace(cell, skip=f"beyond the first {parameters.most} ({FIELD}.most)")
        if cell.skip is None:
            taken.add(cell.name.casefold())
            count += 1
        chosen.append(cell)
    return chosen


def _wanted(cells: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell.skip is None]


def _announced(cells: Sequence[Cell], parameters: AllenNeurons, store: Path) -> bool:
    """Tell how many reconstructions there are and write what is known of them; whether files are to follow."""
    wanted = _wanted(cells)
    if not wanted:
        reasons = Counter(cell.skip for cell in cells).most_common(1)
        why = f"; most often: {reasons[0][0]}" if reasons else ""
        raise InputError(f"{FIELD}: none of {len(cells)} cells has a reconstruction that is wanted{why}")
    counts = Counter(str(cell.facts.get("database", "no table")) for cell in wanted)
    shares = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    logger.info("Allen: %s reconstructions (%s) of %s cells", f"{len(wanted):,}", shares, f"{len(cells):,}")
    if not parameters.count_only:
        write_lines(store / METADATA, ({"neuron_name": cell.name, "source": SOURCE, **_facts(cell)} for cell in wanted))
    return not (parameters.count_only or parameters.metadata_only)


def _is_there(cell: Cell, done: dict[str, str]) -> bool:
    return cell.file is not None or done.get(cell.name) in ("downloaded", "present")


def _tell_failed(cells: Sequence[Cell], done: dict[str, str], store: Path) -> None:
    wanted = _wanted(cells)
    failed = [cell for cell in wanted if not _is_there(cell, done)]
    if failed:
        logger.warning(
            "Allen: %d of %d reconstructions could not be had; %s names each; the same command asks for them again; "
            "the first: %s",
            *(len(failed), len(wanted), store / LOG, done[failed[0].name]),
        )


def _facts(cell: Cell) -> dict[str, Any]:
    return {key: value for key, value in cell.facts.items() if key not in ("neuron_name", "source")}


def _record(cell: Cell, done: dict[str, str]) -> dict[str, Any]:
    file = swc_name(cell) if cell.file is None else str(cell.file)
    record: dict[str, Any] = {"neuron_name": cell.name, "swc": file, "source": SOURCE}
    if not _is_there(cell, done):
        record["problem"] = f"not downloaded: {done[cell.name]}"
    elif cell.problem:
        record["problem"] = cell.problem
    return {**record, "metadata": _facts(cell)} if cell.facts else record
