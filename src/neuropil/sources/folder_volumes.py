"""EM volumes of your own: files of any supported format in a folder, with their labels and a table of facts."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.errors import InputError
from neuropil.sources.tables import FactsTable, read_table
from neuropil.sources.volume_parameters import FolderVolumes

logger = logging.getLogger(__name__)

VOLUME_FIELD = "ingestion.volumes.folder.path"
TABLE_FIELD = "ingestion.volumes.folder.metadata"
FACTS = ("resolution_nm", "annotated", "split", "labels", "licence", "citation", "url")
"""What a table may say of a volume."""

_SPLITS = ("train", "val", "test")
_LABELS = ("neuron_ids", "mitochondria", "clefts", "semantic")


def folder_volumes(parameters: FolderVolumes) -> Iterator[dict[str, Any]]:
    """Yield a raw record (see `take_in_volumes`) of each volume in the folder, in the order of the paths.

    Labels lie in the volume's own file, or beside it (see `neuropil.em.listing`). Where a name says no more than
    `labels`, they are taken for neurons, unless the table says otherwise.

    Args:
        parameters: the folder, the voxel size where a file has none, and the table: a row a volume, its name (with or
            without a suffix) in `name` or `file`, and any of the columns `resolution_nm` (z y x; whatever the file
            says), `annotated` (classes), `split` (train, val or test), `labels` (what labels of no kind are),
            `licence`, `citation` and `url`.

    Raises:
        InputError: the path is missing or holds no volume, or the table is unusable or names no volume that is there.
    """
    from neuropil.em.listing import FoundVolume, list_volumes

    if parameters.path is None:
        return
    path = parameters.path.expanduser()
    if not path.exists():
        raise InputError(f"{VOLUME_FIELD}={path}: no such file or folder; give an EM volume or a folder of them")
    found: list[FoundVolume] = list_volumes(path)
    if not found:
        raise InputError(
            f"{VOLUME_FIELD}={path}: no EM volume in the folder (HDF5, Zarr, TIFF, NIfTI, NRRD, or images of sections)"
        )
    facts = _Facts(parameters.metadata.expanduser() if parameters.metadata else None)
    for volume in found:
        yield _record(volume, facts.of(volume.name, volume.raw), parameters)
    facts.tell()


def _record(volume: Any, facts: Mapping[str, Any], parameters: FolderVolumes) -> dict[str, Any]:
    from neuropil.em.listing import GENERIC

    record: dict[str, Any] = {
        "name": volume.name,
        "source": "folder",
        "raw": {"path": str(volume.raw.absolute()), "key": None},
        "resolution_nm": facts.get("resolution_nm"),
        "default_resolution_nm": list(parameters.resolution_nm) if parameters.resolution_nm else None,
        "annotated": facts.get("annotated"),
        "split": facts.get("split"),
        **{name: facts[name] for name in ("licence", "citation", "url") if name in facts},
    }
    labels: dict[str, Any] = {}
    for kind, path in volume.labels.items():
        name = facts.get("labels", "neuron_ids") if kind == GENERIC else kind
        classes = None
        if name == "semantic":  # values are the classes of the unified space; with none told, all were looked for
            classes = {str(value): value for value in range(1, 16)}
            record["annotated"] = record["annotated"] or list(range(16))
        labels[name] = {"path": str(path.absolute()), "key": None, "classes": classes}
    if labels:
        record["labels"] = labels
    return record


class _Facts:
    """The rows of the table, by volume."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._table: FactsTable | None = None
        self._used: set[str] = set()
        if path is not None:
            if not path.is_file():
                raise InputError(f"{TABLE_FIELD}={path}: no such file; give a table (.jsonl or .csv) or leave it away")
            self._table = read_table(path)

    def of(self, name: str, raw: Path) -> dict[str, Any]:
        """What the table says of a volume, checked."""
        if self._table is None:
            return {}
        for known in (name, raw.name, raw.stem):
            if known in self._table:
                self._used.add(known)
                row = {key: value for key, value in self._table[known].items() if value not in (None, "")}
                return {key: self._fact(known, key, value) for key, value in row.items() if key in FACTS}
        return {}

    def _fact(self, name: str, key: str, value: Any) -> Any:
        where = f"{self._path}, {name}: {key}={value!r}"
        if key == "resolution_nm":
            return _three(where, value)
        if key == "annotated":
            return _classes(where, value)
        if key == "split" and value not in _SPLITS:
            raise InputError(f"{where}; one of {', '.join(_SPLITS)} is needed")
        if key == "labels" and value not in _LABELS:
            raise InputError(f"{where}; one of {', '.join(_LABELS)} is needed")
        return value

    def tell(self) -> None:
        """Refuse a table of other volumes; say which rows name none that is there."""
        if self._table is None:
            return
        others = [name for name in self._table if name not in self._used]
        if others and not self._used:
            raise InputError(f"{TABLE_FIELD}={self._path}: none of its {len(others)} rows names a volume that is there "
                             f"(the first names {others[0]}); write the names of the files")  # fmt: skip
        if others:
            logger.warning("%s: %d rows name no volume that is there; the first names %s",
                           self._path, len(others), others[0])  # fmt: skip


def _numbers(value: Any) -> list[float] | None:
    """Numbers in a list, or written with anything but digits between them (30x6x6, 0 1 2)."""
    parts = value if isinstance(value, (list, tuple)) else re.split(r"[^0-9.eE+-]+", str(value).strip("[]() "))
    try:
        return [float(part) for part in parts if part != ""]
    except (TypeError, ValueError):
        return None


def _three(where: str, value: Any) -> list[float]:
    numbers = _numbers(value)
    if numbers is None or len(numbers) != 3 or not all(0 < number < float("inf") for number in numbers):
        raise InputError(f"{where}; three lengths above 0 are needed, (z, y, x) in nanometres, written 30x6x6")
    return numbers


def _classes(where: str, value: Any) -> list[int]:
    numbers = _numbers(value)
    if not numbers or not all(number in range(16) for number in numbers):
        raise InputError(f"{where}; classes of the unified label space are needed (0 to 15), written `0 1 3`")
    return sorted({int(number) for number in numbers})
