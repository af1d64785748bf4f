"""Volumes in a folder, each with the files of labels that belong to it.

Labels are told by names. Beside a volume `X`, `X_inputs`, `X_image`, `X_im`, `X_raw` or nnU-Net's `X_0000` (with `_`,
`-` or `.`), they are `X_labels`, `X_seg`, `X_gt`, `X_neuron_ids`, `X_mito`, `X_clefts` ...; or a folder `im`, `images`,
`raw`, `inputs` ... stands beside a folder `labels`, `seg`, `mito` ..., with sections in both or with files of the same
names in both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from neuropil.em.formats.groups import RAW_NAMES
from neuropil.em.formats.images import image_size, section_files
from neuropil.em.formats.opening import HDF5_SUFFIXES, KNOWN, suffix_of
from neuropil.em.formats.tiff import is_section
from neuropil.em.formats.zarr import is_zarr
from neuropil.errors import InputError

GENERIC = "labels"
"""The kind of labels whose name does not tell of what they are: neurons, where nothing else is said."""

_RAW = r"inputs?|images?|imgs?|im|raw|em|volume"
_KINDS = {
    "neuron_ids": r"neuron_?ids|neurons?|ids",
    "mitochondria": r"mitochondria|mitos?",
    "clefts": r"clefts?|synaptic_clefts?",
    "synapses": r"synapses?",
    "semantic": r"semantic|classes",
    GENERIC: r"labels?|seg|segmentation|gt|ground_?truth|masks?",
}
_RAW_NAME = re.compile(rf"^(?P<stem>.+?)[_.-](?:{_RAW}|0000)$", re.IGNORECASE)
_RAW_FOLDER = re.compile(rf"^(?:(?P<stem>.+)[_.-])?(?:{_RAW})(?P<part>T[rs])?$", re.IGNORECASE)
_LABEL_NAMES = {
    kind: re.compile(rf"^(?P<stem>.+?)[_.-](?:{words})$", re.IGNORECASE) for kind, words in _KINDS.items()
}  # fmt: skip
_LABEL_FOLDERS = {
    kind: re.compile(rf"^(?:(?P<stem>.+)[_.-])?(?:{words})(?P<part>T[rs])?$", re.IGNORECASE)
    for kind, words in _KINDS.items()
}


@dataclass(frozen=True)
class FoundVolume:
    """A volume and its files of labels.

    Attributes:
        name: what the files have in common ("AC3" of AC3_inputs.h5 and AC3_labels.h5), or the file's own.
        raw: the file or folder of grey values.
        labels: files or folders of labels by kind: "neuron_ids", "mitochondria", "clefts" ..., or `GENERIC`.
    """

    name: str
    raw: Path
    labels: dict[str, Path] = field(default_factory=dict)


def list_volumes(path: Path) -> list[FoundVolume]:
    """The volumes at a path, sorted by their paths. Raises InputError where nothing is there or the format unknown."""
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a volume or a folder of them")
    if not path.is_dir():
        if not suffix_of(path):
            raise InputError(f"{path}: not a volume by its name; expected {KNOWN} or a folder of sections")
        return [FoundVolume(_name(path), path)]
    if is_zarr(path):
        return [FoundVolume(_name(path), path)]
    return _paired(sorted(_below(path)))


def _below(folder: Path) -> Iterator[Path]:
    """Volumes in a folder at any depth, in the order of their paths; hidden ones are left aside."""
    entries = sorted(
        (entry for entry in os.scandir(folder) if not entry.name.startswith(".")), key=lambda entry: entry.name
    )
    files = [Path(entry.path) for entry in entries if entry.is_file()]
    volumes = [file for file in files if suffix_of(file)]
    if _holds_sections(folder, volumes):
        yield folder
        volumes = []
    yield from volumes
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            inner = Path(entry.path)
            if is_zarr(inner):
                yield inner
            else:
                yield from _below(inner)


def _holds_sections(folder: Path, volumes: list[Path]) -> bool:
    """Whether the images in a folder are sections of one volume, not volumes or pictures beside volumes."""
    sections = section_files(folder)
    if len(sections) < 2 or set(volumes) - set(sections):
        return False
    some = [sections[place] for place in sorted({0, len(sections) // 2, len(sections) - 1})]
    if sections[0] in volumes:  # TIFF
        return all(is_section(section) for section in some)
    return len({image_size(section) for section in some}) == 1


def _paired(paths: list[Path]) -> list[FoundVolume]:
    """The volumes among the paths, with those that are labels of one given to it."""
    keys = {_raw_key(path): path for path in reversed(paths) if _label_key(path) is None}
    for path in paths:  # a raw file may be named like labels ("retina_seg.h5" alone, say)
        keys.setdefault(_raw_key(path), path)
    labels: dict[Path, dict[str, Path]] = {}
    taken = set()
    for path in paths:
        if (found := _label_key(path)) is not None:
            kind, key = found
            raw = keys.get(key)
            if raw is not None and raw != path:
                labels.setdefault(raw, {}).setdefault(kind, path)
                taken.add(path)
    volumes = [path for path in paths if path not in taken]
    return [FoundVolume(_name(path, path in labels), path, labels.get(path, {})) for path in volumes]


_Key = tuple[Path, str, str]
"""The folder, what marks it beside its like, and the name: what a file of grey values and its labels have in common."""


def _raw_key(path: Path) -> _Key:
    name, folder = _bare(path), path.parent
    if _is_folder(path):
        match = _RAW_FOLDER.match(name)
        return folder, _mark(match) if match else f"{name}/", ""
    match = _RAW_NAME.match(name)
    return _key_beside(folder, match["stem"] if match else name)


def _label_key(path: Path) -> tuple[str, _Key] | None:
    """The kind of labels that a path is of by its name, and the key of the volume that it would belong to."""
    name, folder = _bare(path), path.parent
    if not _is_folder(path) and _has_raw(path):
        return None
    for kind, pattern in _LABEL_FOLDERS.items():
        if match := pattern.match(name if _is_folder(path) else folder.name):
            above = folder if _is_folder(path) else folder.parent
            return kind, (above, _mark(match), "" if _is_folder(path) else _stem_of_labels(name))
    if not _is_folder(path):
        for kind, pattern in _LABEL_NAMES.items():
            if match := pattern.match(name):
                return kind, _key_beside(folder, match["stem"])
    return None


def _key_beside(folder: Path, stem: str) -> _Key:
    above = _RAW_FOLDER.match(folder.name)
    return (folder.parent, _mark(above), stem) if above else (folder, "", stem)


def _mark(match: re.Match[str]) -> str:
    return f"{match['stem'] or ''}/{match['part'] or ''}"


def _is_folder(path: Path) -> bool:
    """Whether it is a folder of sections."""
    return path.is_dir() and not is_zarr(path)


def _has_raw(path: Path) -> bool:
    """Whether a file named like labels is a volume of its own, with raw data in the CREMI layout."""
    if suffix_of(path) not in HDF5_SUFFIXES:
        return False
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return RAW_NAMES[0] in file
    except OSError:
        return False


def _stem_of_labels(name: str) -> str:
    for pattern in _LABEL_NAMES.values():
        if match := pattern.match(name):
            return match["stem"]
    return name


def _bare(path: Path) -> str:
    """The name without its suffix."""
    suffix = suffix_of(path) if not path.is_dir() else ""
    name = path.name[: len(path.name) - len(suffix)] if suffix else path.name
    return name.removesuffix(".zarr").removesuffix(".ome")


def _name(path: Path, with_labels: bool = False) -> str:
    """The volume's name: without what marks it as raw where labels beside it have the rest of the name."""
    name = _bare(path)
    if not with_labels:
        return name
    if _is_folder(path) and (match := _RAW_FOLDER.match(name)):
        return match["stem"] or path.parent.name
    return match["stem"] if (match := _RAW_NAME.match(name)) else name
