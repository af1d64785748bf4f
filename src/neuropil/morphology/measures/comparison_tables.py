"""Tables of measures made by other programs: read, and their columns known by our names."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name

NEUROMORPHO = {
    "somasurface": "soma_surface",
    "nstems": "n_stems",
    "nbifs": "n_bifs",
    "nbranch": "n_branch",
    "ntips": "n_tips",
    "width": "width",
    "height": "height",
    "depth": "depth",
    "diameter": "diameter",
    "length": "length",
    "surface": "surface",
    "volume": "volume",
    "eucdistance": "euclidean_distance",
    "euclideandistance": "euclidean_distance",
    "pathdistance": "path_distance",
    "branchorder": "branch_order",
    "contraction": "contraction",
    "fragmentation": "fragmentation",
    "partitionasymmetry": "partition_asymmetry",
    "pkclassic": "pk_classic",
    "bifampllocal": "bif_ampl_local",
    "bifamplremote": "bif_ampl_remote",
    "fractaldim": "fractal_dimension",
    "fractaldimension": "fractal_dimension",
}
"""Names of neuromorpho.org's columns, in small letters and without `_`, blanks and `-`: our names."""

L_MEASURE = {
    "soma_surface": ("Soma_Surface", "sum"),
    "n_stems": ("N_stems", "sum"),
    "n_bifs": ("N_bifs", "sum"),
    "n_tips": ("N_tips", "sum"),
    "n_branch": ("N_branch", "sum"),
    "width": ("Width", "max"),
    "height": ("Height", "max"),
    "depth": ("Depth", "max"),
    "diameter": ("Diameter", "mean"),
    "length": ("Length", "sum"),
    "surface": ("Surface", "sum"),
    "volume": ("Volume", "sum"),
    "euclidean_distance": ("EucDistance", "max"),
    "path_distance": ("PathDistance", "max"),
    "branch_order": ("Branch_Order", "max"),
    "contraction": ("Contraction", "mean"),
    "fragmentation": ("Fragmentation", "sum"),
    "partition_asymmetry": ("Partition_asymmetry", "mean"),
    "pk_classic": ("Pk_classic", "mean"),
    "bif_ampl_local": ("Bif_ampl_local", "mean"),
    "bif_ampl_remote": ("Bif_ampl_remote", "mean"),
    "fractal_dimension": ("Fractal_Dim", "mean"),
}
"""Our measures: the function of L-Measure and the statistic that neuromorpho.org states of it."""

STATISTICS = ("sum", "n", "min", "mean", "max")
"""What a table of L-Measure states of each of its functions."""

_NAMES = ("neuron_name", "name", "file_name", "file", "swc", "specimen__id")
_BLANK = {"", "na", "nan", "none", "null", "n/a", "-"}


def read_table(path: Path, *, functions: bool = False) -> dict[str, dict[str, float]]:
    """Read a table of measures: JSON lines, JSON, CSV, TSV or Parquet.

    A row has the neuron's name (in `neuron_name`; a file's name will do) and its measures: under the names of
    neuromorpho.org's morphometry or our own, in any letter case, or under `lmeasure`, L-Measure's functions with
    `sum`, `n`, `min`, `mean` and `max`. Measures under names that are not known are passed over.

    Args:
        path: the table.
        functions: keep every function and statistic of L-Measure, as `Function.statistic`.

    Returns:
        Neuron name -> column -> value, in the table's order.

    Raises:
        InputError: no such file, no rows, no names, or not one known measure.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such table; give a .jsonl, .json, .csv, .tsv or .parquet file of measures")
    table: dict[str, dict[str, float]] = {}
    known = False
    for number, row in enumerate(_rows(path), 1):
        name = _name(row, path, number)
        if name in table:
            raise InputError(f"{path}, row {number}: neuron {name} stands twice; keep one of its rows")
        table[name] = _measures(row, path, number, functions)
        known = known or bool(table[name])
    if not table:
        raise InputError(f"{path}: the table has no rows; give one with a row for each neuron")
    if not known:
        raise InputError(
            f"{path}: no column is a known measure; name them as neuromorpho.org does (length, n_bifs, ...),"
            " or put L-Measure's functions under `lmeasure`"
        )
    return table


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        yield from _parquet_rows(path)
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: the table is not UTF-8 text; save it as UTF-8") from error
    if suffix in (".csv", ".tsv"):
        yield from csv.DictReader(text.splitlines(), delimiter="\t" if suffix == ".tsv" else ",")
    elif suffix == ".json":
        yield from _json_rows(path, text)
    elif suffix in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield _object(_parsed(path, line, f"line {number}"), path, f"line {number}")
    else:
        raise InputError(f"{path}: {suffix or 'no suffix'} is no table; give .jsonl, .json, .csv, .tsv or .parquet")


def _parquet_rows(path: Path) -> Iterable[Mapping[str, Any]]:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a Parquet file ({error}); give a whole one") from error
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _json_rows(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    whole = _parsed(path, text, "the file")
    if isinstance(whole, Mapping) and all(isinstance(value, Mapping) for value in whole.values()):
        whole = [{"neuron_name": name, **row} for name, row in whole.items()]
    for number, row in enumerate(whole if isinstance(whole, list) else [whole], 1):
        yield _object(row, path, f"entry {number}")


def _parsed(path: Path, text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}, {where}: no JSON ({error}); write one object for each neuron") from error


def _object(value: Any, path: Path, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{path}, {where}: not an object; write one object for each neuron")
    return value


def _name(row: Mapping[str, Any], path: Path, number: int) -> str:
    by_lower = {str(key).strip().lower(): value for key, value in row.items() if key is not None}
    for key in _NAMES:
        if by_lower.get(key) not in (None, ""):
            return neuron_name(str(by_lower[key]).strip().replace("\\", "/"))
    raise InputError(f"{path}, row {number}: no neuron_name; name the neuron of each row as its SWC file is named")


def _measures(row: Mapping[str, Any], path: Path, number: int, functions: bool) -> dict[str, float]:
    from neuropil.morphology.morphometry import MEASURES

    found: dict[str, float] = {}
    stated = row.get("lmeasure")
    if isinstance(stated, Mapping):
        by_function = {name: _statistics(each) for name, each in stated.items()}
        for column, (function, statistic) in L_MEASURE.items():
            _put(found, column, by_function.get(function, {}).get(statistic), path, number)
        for function, statistics in by_function.items() if functions else ():
            for statistic, value in statistics.items():
                _put(found, f"{function}.{statistic}", value, path, number)
    for key, value in row.items():
        name = str(key).strip().lower()
        column = name if name in MEASURES else NEUROMORPHO.get("".join(filter(str.isalnum, name)), "")
        if column:
            _put(found, column, value, path, number)
    return found


def _statistics(value: Any) -> dict[str, Any]:
    """The statistics of a function: by name, or the seven columns that L-Measure writes itself; none of no items."""
    stated: dict[str, Any] = {}
    if isinstance(value, Mapping):
        stated = {name: value[name] for name in STATISTICS if name in value}
    elif isinstance(value, list) and len(value) == 7:
        total, considered, _, least, mean, most, _ = value
        stated = dict(zip(STATISTICS, (total, considered, least, mean, most), strict=True))
    empty = str(stated.get("n", "")).strip() in ("0", "0.0")
    return {name: each for name, each in stated.items() if not empty or name in ("sum", "n")}


def _put(found: dict[str, float], column: str, value: Any, path: Path, number: int) -> None:
    if value is None or str(value).strip().lower() in _BLANK:
        return
    try:
        real = float(str(value).strip())
    except ValueError as error:
        raise InputError(f"{path}, row {number}, column {column}: {value!r} is no number; write it as one") from error
    if math.isfinite(real):
        found[column] = real
