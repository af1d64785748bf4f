"""Patch-seq cells: SWC files found in listings or on disk, one of each cell, with what tables say of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from neuropil.sources.allen.cell import Cell
from neuropil.sources.allen.index_page import name_of
from neuropil.sources.allen.labels import Labels

DATABASE = "Brain Image Library"
UNLABELLED = "no table has a row of it (patch_seq.unlabelled=false)"

_Forms = list[tuple[str, str]]
"""The files of a cell: form (lower-case, "" = none) and place."""


def listed_cells(name: str, files: Iterable[str], labels: Labels, *, unlabelled: bool) -> list[Cell]:
    """The cells of a listing.

    Args:
        name: of the listing.
        files: addresses of all files below it; those that are no SWC file of a cell are passed over.
        labels: its table.
        unlabelled: whether cells that the table does not have are taken.
    """
    cells = []
    for cell, forms in _by_cell(files, labels, name_of).items():
        url, *others = _preferred(forms, labels.listing.prefer)
        facts = {**labels.facts(cell), "database": DATABASE, "listing": name, "swc_url": url}
        skip = None if unlabelled or cell in labels else UNLABELLED
        cells.append(Cell(cell, facts, url, skip=skip, others=tuple(others)))
    return cells


def disk_cells(name: str, files: Iterable[str], labels: Labels) -> list[Cell]:
    """As `listed_cells`, of files on disk: those that the listing's table has a row of."""
    cells = []
    for cell, forms in _by_cell(files, labels, lambda file: Path(file).name).items():
        if cell in labels:
            file, *others = _preferred(forms, labels.listing.prefer)
            facts = {**labels.facts(cell), "database": DATABASE, "listing": name}
            cells.append(Cell(cell, facts, file=Path(file), others=tuple(others)))
    return cells


def _by_cell(files: Iterable[str], labels: Labels, name_in: Callable[[str], str]) -> dict[str, _Forms]:
    """The SWC files by the cell that their names tell."""
    pattern = re.compile(labels.listing.file_name, re.IGNORECASE)
    cells: dict[str, _Forms] = {}
    for file in files:
        match = pattern.fullmatch(name_in(file))
        if match and match["id"]:
            form = (match.groupdict().get("form") or "").lower()
            cells.setdefault(match["id"], []).append((form, file))
    return cells


def _preferred(forms: _Forms, prefer: Sequence[str]) -> list[str]:
    """The files, the one that is taken first: by the order of forms wanted, then by place."""
    order = {form.lower(): number for number, form in enumerate(prefer)}
    return [file for _, file in sorted(forms, key=lambda one: (order.get(one[0], len(order)), one[1]))]
