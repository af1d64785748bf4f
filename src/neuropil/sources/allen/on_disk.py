"""Neurons of the Allen Institute that lie on disk: a folder of SWC files named by specimen, with tables of facts."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name
from neuropil.sources.allen.cell import Cell
from neuropil.sources.allen.cell_types import NOT_WANTED, cell_type_cells
from neuropil.sources.allen.labels import read_labels
from neuropil.sources.allen.parameters import FIELD, AllenNeurons
from neuropil.sources.allen.patch_seq import disk_cells
from neuropil.sources.allen.specimens import CSV_NAME, Row, find_specimens, read_specimens
from neuropil.sources.walking import Found, walk

logger = logging.getLogger(__name__)

NOT_THERE = "its reconstruction is not in the folder"
UNKNOWN = "no table has a row of it"


def cells_on_disk(parameters: AllenNeurons, folder: Path) -> list[Cell]:
    """The cells of the databases asked for whose SWC files lie at any depth of a folder; no request is made.

    A file is joined with the table of specimens by its name (`313861608.swc`), else with the listings' tables by the
    patterns of their names (`601506507_transformed.swc`). A file that no table knows is taken without facts, or
    left out where only some specimens are wanted.

    Raises:
        InputError: the folder cannot be read or holds no SWC file, a table cannot be read, or there is none for the
            filters.
    """
    files = {str(found.path.absolute()): found for found in _swc_files(folder)}
    rows = _rows(parameters, folder)
    cells = []
    by_name = {neuron_name(file): Path(file) for file in sorted(files, reverse=True)}
    if "cell_types" in parameters.databases:
        cells += [_joined(cell, by_name) for cell in cell_type_cells(rows, parameters)]
    if "patch_seq" in parameters.databases:
        known = {cell.id for cell in cells}
        for name, listing in parameters.patch_seq.listings.items():
            if listing is not None:
                found = disk_cells(name, sorted(files), read_labels(name, listing))
                cells += [cell for cell in found if cell.id not in known]
                known |= {cell.id for cell in found}
    cells += _unknown(files, cells, parameters)
    return [replace(cell, problem=files[str(cell.file)].problem) if cell.file else cell for cell in cells]


def _rows(parameters: AllenNeurons, folder: Path) -> list[Row]:
    if "cell_types" not in parameters.databases:
        return []
    table = parameters.table.expanduser() if parameters.table else find_specimens(folder)
    if table is not None:
        return read_specimens(table, f"{FIELD}.table" if parameters.table else f"{FIELD}.path, table ")
    if any(values is not None for values in parameters.filters.values()):
        raise InputError(
            f"{FIELD}.path={folder}: no {CSV_NAME} in it or above it, which the filters need; set {FIELD}.table"
        )
    logger.warning("%s.path=%s: no %s in it or above it: no specimen is known", FIELD, folder, CSV_NAME)
    return []


def _swc_files(folder: Path) -> list[Found]:
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise InputError(f"{FIELD}.path={folder}: {what}; give the folder with the SWC files, or null to fetch them")
    try:
        files = list(walk(folder, lambda name: name.lower().endswith(".swc")))
    except OSError as error:
        raise InputError(f"{FIELD}.path={folder}: cannot be read ({error.strerror})") from error
    if not files:
        raise InputError(
            f"{FIELD}.path={folder}: no .swc file in it or below it; give their folder, or null to fetch them"
        )
    return files


def _joined(cell: Cell, by_name: dict[str, Path]) -> Cell:
    """The cell with its file; one that is wanted and has a reconstruction elsewhere says that it is not here."""
    file, facts = by_name.get(cell.name), {key: value for key, value in cell.facts.items() if key != "swc_url"}
    if file is None:
        return Cell(cell.id, facts, skip=cell.skip or NOT_THERE)
    # A file that is there counts, even where the table knows of no reconstruction.
    return Cell(cell.id, cell.facts, file=file, skip=NOT_WANTED if cell.skip == NOT_WANTED else None)


def _unknown(files: dict[str, Found], cells: list[Cell], parameters: AllenNeurons) -> list[Cell]:
    """The files that no cell took."""
    taken = {str(cell.file) for cell in cells if cell.file} | {file for cell in cells for file in cell.others}
    left = [file for file in sorted(files) if file not in taken]
    if left:
        logger.warning("%s.path: %d of %d SWC files are in no table", FIELD, len(left), len(files))
    only_some = any(values is not None for values in parameters.filters.values())
    return [Cell(neuron_name(file), {}, file=Path(file), skip=UNKNOWN if only_some else None) for file in left]
