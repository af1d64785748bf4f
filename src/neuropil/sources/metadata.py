"""Facts about neurons: tables as people have them, and the one form that neuropil keeps them in."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name
from neuropil.work.index import read_lines

logger = logging.getLogger(__name__)

TABLE_NAMES = ("metadata.jsonl", "metadata.csv")
NAME_COLUMNS = ("neuron_name", "name", "file", "swc")
LIST_FIELDS = ("brain_region", "cell_type", "experiment_condition")

_UNKNOWN = {"", "na", "n/a", "nan", "none", "null", "not reported", "not applicable", "unknown"}
_LAYER = re.compile(r"\b(?:layers?|l)[\s_]*([1-6](?:\s*[-/&]\s*[1-6])?[ab]?)\b", re.IGNORECASE)


def find_table(folder: Path) -> Path | None:
    """`metadata.jsonl` or `metadata.csv` in the folder, else in the one above it; None where there is none."""
    places = [folder if folder.is_dir() else folder.parent, folder.parent]
    return next((place / name for place in places for name in TABLE_NAMES if (place / name).is_file()), None)


def read_table(path: Path) -> dict[str, dict[str, Any]]:
    """Read a table of facts: JSON lines (one object a neuron) or CSV with a header (one row a neuron).

    One field holds the name of the neuron or of its file: `neuron_name`, `name`, `file` or `swc`, the first there is;
    folder, `.swc` and `.CNG` are taken off. The other fields are kept under their names. In CSV the lists
    `brain_region`, `cell_type` and `experiment_condition` are written `neocortex; somatosensory; layer 4` (`;` or
    `|`) or as JSON, and an empty cell, `NA`, `unknown` or `Not reported` is no fact.

    Returns:
        The facts by neuron name. The first row of a name counts; others are logged.

    Raises:
        InputError: the table cannot be read, or a row has no name.
    """
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else read_lines(path)
    table: dict[str, dict[str, Any]] = {}
    repeated = 0
    for number, row in enumerate(rows, 1):
        field = next((field for field in NAME_COLUMNS if row.get(field)), None)
        if field is None:
            raise InputError(f"{path}, row {number}: no name; one of the fields {', '.join(NAME_COLUMNS)} must hold it")
        name = neuron_name(str(row[field]))
        repeated += name in table
        table.setdefault(name, {key: value for key, value in row.items() if key != field})
    if repeated:
        logger.warning("%s: %d rows repeat a name; the first row of each name counts", path, repeated)
    return table


def normalised(name: str, source: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts in neuromorpho.org's form: what is unknown is absent, lists are lists of strings, `layer` is derived.

    `layer` becomes "layer 4", "layer 2-3" ...; where it is absent it is taken from `brain_region`.
    """
    record: dict[str, Any] = {"neuron_name": name, "source": source}
    for key, value in facts.items():
        if key not in record and (kept := _known(value)) is not None:
            record[key] = _as_list(kept) if key in LIST_FIELDS else kept
    given = record.pop("layer", None)
    layer = _layer_of(record.get("brain_region", [])) if given is None else _layer_of([given]) or str(given)
    return record if layer is None else {**record, "layer": layer}


def _layer_of(texts: list[Any]) -> str | None:
    for text in texts:
        match = _LAYER.search(str(text)) or re.fullmatch(r"\s*([1-6](?:[-/][1-6])?[ab]?)\s*", str(text))
        if match:
            return "layer " + re.sub(r"\s*[/&-]\s*", "-", match[1].lower())
    return None


def _known(value: Any) -> Any:
    """The value, without what says that nothing is known; None where nothing is left."""
    if isinstance(value, (list, tuple)):
        return [kept for item in value if (kept := _known(item)) is not None] or None
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, str):
        return None if value.strip().lower() in _UNKNOWN else value.strip()
    return value


def _as_list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    key.strip(): _csv_list(value) if key.strip() in LIST_FIELDS else value
                    for key, value in row.items()
                    if key and value is not None
                }
    except (OSError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error})") from error


def _csv_list(cell: str) -> list[Any]:
    if cell.strip().startswith("["):
        try:
            return list(json.loads(cell.replace("'", '"')))
        except ValueError:
            cell = cell.strip("[] ")
    return [part.strip() for part in re.split(r"[;|]", cell)]
