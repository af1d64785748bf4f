"""Cells of the Allen Cell Types Database: rows of its table that are wanted, with the address of the reconstruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.allen.cell import Cell
from neuropil.sources.allen.parameters import FIELD, AllenNeurons
from neuropil.sources.allen.specimens import ID, RECONSTRUCTION, Row

DATABASE = "Allen Cell Types Database"
NOT_WANTED = "not among the specimens wanted (filters)"


def cell_type_cells(rows: Sequence[Row], parameters: AllenNeurons) -> list[Cell]:
    """The cells of a table; those that are not wanted, or have no reconstruction, say so.

    Raises:
        InputError: a filter names a column that the table lacks, or a value that no row has.
    """
    wanted = {column: set(values) for column, values in parameters.filters.items() if values is not None}
    _check_filters(rows, wanted)
    return [_cell(row, wanted, parameters) for row in rows]


def facts_of(row: Mapping[str, str]) -> dict[str, Any]:
    """The row as it is, without what is empty, and where it comes from."""
    known = {key: value for key, value in row.items() if value != ""}
    page = f"https://celltypes.brain-map.org/experiment/morphology/{row[ID]}"
    return {**known, "database": DATABASE, "source_url": page}


def _cell(row: Row, wanted: Mapping[str, set[str]], parameters: AllenNeurons) -> Cell:
    number, facts = row.get(RECONSTRUCTION, "").removesuffix(".0"), facts_of(row)
    if any(row.get(column, "") not in values for column, values in wanted.items()):
        return Cell(row[ID], facts, skip=NOT_WANTED)
    if not number:
        return Cell(row[ID], facts, skip=f"no reconstruction ({RECONSTRUCTION} is empty)")
    if not (number.isascii() and number.isdecimal()):
        return Cell(row[ID], facts, skip=f"{RECONSTRUCTION} is {number[:40]!r}, no number")
    url = parameters.reconstruction.replace("{id}", number)
    return Cell(row[ID], {**facts, "swc_url": url}, url, parameters.hosts)


def _check_filters(rows: Sequence[Row], wanted: Mapping[str, set[str]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    for column, values in wanted.items():
        if column not in columns:
            some = ", ".join(columns[:12])
            raise InputError(f"{FIELD}.filters: the table of specimens has no column {column}; it has {some} ...")
        there = {row.get(column, "") for row in rows}
        if not values & there:
            some = ", ".join(repr(value) for value in sorted(there)[:8])
            raise InputError(
                f"{FIELD}.filters.{column}: no specimen is {' or '.join(sorted(values))}; there are {some}"
            )
