"""MitoEM 2.0 on disk: nnU-Net's layout.

`DatasetNNN_ME2-NAME` holds `imagesTr/{case}_0000.nii.gz`, `labelsTr/{case}.nii.gz`, the same with `Ts`, `dataset.json`
(what the values of the labels mean) and `split.json` or `splits.json` (cases by train, val, test; an object, or a list
of one). NIfTI is (x, y, z); who reads it turns it round.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neuropil.sources.em.looking import folders_below
from neuropil.sources.em.records import MITOCHONDRION, MITOCHONDRION_BOUNDARY, SEMANTIC, Found, Place, Split
from neuropil.sources.volume_parameters import MitoemVolumes

logger = logging.getLogger(__name__)

CLASSES = {1: MITOCHONDRION, 2: MITOCHONDRION_BOUNDARY}
"""What the values mean where `dataset.json` does not say."""

_NAME = re.compile(r"Dataset\d+_ME2[-_](?P<name>\w+)", re.IGNORECASE)
_IMAGE = re.compile(r"(?P<case>.+)_0000(?P<ending>\.nii\.gz|\.nii|\.nrrd|\.tif|\.tiff)$")


def find_mitoem2(roots: list[Path], parameters: MitoemVolumes) -> Iterator[tuple[Found, str]]:
    """Yield each case of each data set that is wanted, with the name of the data set."""
    for root in roots:
        for folder, _ in folders_below(root):
            if not any((folder / images).is_dir() for images in ("imagesTr", "imagesTs")):
                continue
            match = _NAME.search(folder.name)
            dataset = (match["name"] if match else folder.name).lower()
            if parameters.datasets is None or dataset in parameters.datasets:
                for found in _cases(folder, dataset, parameters):
                    yield found, dataset


def _cases(folder: Path, dataset: str, parameters: MitoemVolumes) -> Iterator[Found]:
    parts, classes = _parts(folder), _classes(folder)
    url = parameters.url.replace("{file}", parameters.files.get(dataset, ""))  # type: ignore[call-overload]
    for ending, usual in (("Tr", "train"), ("Ts", "test")):
        for case, image, labels in _files(folder / f"images{ending}", folder / f"labels{ending}"):
            yield Found(
                f"{dataset}_{case}",
                Place(image),
                {SEMANTIC: Place(labels, classes=classes)} if labels else {},
                resolution_nm=parameters.resolution_nm.get(dataset),  # type: ignore[call-overload]
                split=parts.get(case, usual),  # type: ignore[arg-type]
                url=url,
            )


def _files(images: Path, labels: Path) -> Iterator[tuple[str, Path, Path | None]]:
    """Each case with its image and its labels, where it has them."""
    for image in sorted(images.glob("*")) if images.is_dir() else ():
        match = _IMAGE.match(image.name)
        if match is not None and not image.name.startswith("."):
            own = labels / f"{match['case']}{match['ending']}"
            yield match["case"], image, own if own.is_file() else None


def _parts(folder: Path) -> dict[str, Split]:
    """The part of each case as published; empty where no split is, or it cannot be read."""
    for name in ("split.json", "splits.json"):
        split = _json(folder / name)
        if isinstance(split, list):
            split = split[0] if split else None
        if isinstance(split, Mapping):
            return {str(case): part for part in ("train", "val", "test") for case in split.get(part) or ()}  # type: ignore[misc]
    return {}


def _classes(folder: Path) -> dict[int, int]:
    """The unified class of each value of the labels, by the names in `dataset.json`."""
    described = _json(folder / "dataset.json")
    labels = described.get("labels") if isinstance(described, Mapping) else None
    classes: dict[int, int] = {}
    for name, value in labels.items() if isinstance(labels, Mapping) else ():
        if isinstance(value, int) and value > 0:
            if "bound" in name.lower() or "contour" in name.lower():
                classes[value] = MITOCHONDRION_BOUNDARY
            elif "mito" in name.lower():
                classes[value] = MITOCHONDRION
    return classes or CLASSES


def _json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        logger.warning("%s: not JSON (%s); it is left aside", path, error)
        return None
