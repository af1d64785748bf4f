"""MitoEM's first version on disk: sections as files, in the guide's folders `human` and `rat`, or EM30-H and EM30-R.

`im/im0000.png` ... are the sections of a tissue; `mito-train-v2/seg0000.tif` ... and `mito-val-v2/seg0400.tif` ... hold
the ids of mitochondria of the first 400 and the next 100. The other 500 are the test, without public labels. Each part
is a volume of its own: a folder of links to its sections, below the raw store.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from neuropil.sources.em.looking import folders_below
from neuropil.sources.em.records import MITOCHONDRIA, Found, Place, Split
from neuropil.sources.volume_parameters import MitoemVolumes
from neuropil.work.atomic import atomic_path
from neuropil.work.keys import content_key

_SECTION = re.compile(r"^(?P<kind>im|seg)(?P<number>\d+)\.(?:png|tiff?)$", re.IGNORECASE)
_TISSUES = {
    name: re.compile(rf"(?<![a-z]){name}(?![a-z])|(?:em30|mitoem)[-_]?{name[0]}(?![a-z])", re.IGNORECASE)
    for name in ("human", "rat")
}

Sections = dict[int, Path]


@dataclass
class _Tissue:
    images: Sections = field(default_factory=dict)
    labels: dict[Split, Sections] = field(default_factory=dict)


def find_mitoem1(roots: list[Path], parameters: MitoemVolumes, links: Path) -> Iterator[tuple[Found, str]]:
    """Yield each part of each tissue that is wanted, with the name of the tissue.

    Args:
        roots: where to look.
        parameters: which tissues, and their voxel size.
        links: where folders of links to the sections of a part are made.
    """
    for name, tissue in _tissues(roots).items():
        if parameters.datasets is not None and name not in parameters.datasets:
            continue
        remote = parameters.human if name == "human" else parameters.rat
        size = parameters.resolution_nm.get(name)  # type: ignore[call-overload]
        labelled = {number for sections in tissue.labels.values() for number in sections}
        parts: dict[Split, Sections] = {**tissue.labels}
        if parameters.unlabelled and (rest := {n: file for n, file in tissue.images.items() if n not in labelled}):
            parts["test"] = rest
        for part, sections in parts.items():
            volume, missing = f"{name}_{part}", [number for number in sections if number not in tissue.images]
            raw = {number: tissue.images[number] for number in sections if number in tissue.images}
            yield (
                Found(
                    volume,
                    Place(_linked(raw, links / volume / "images") if raw else links / volume),
                    {MITOCHONDRIA: Place(_linked(sections, links / volume / "labels"))} if part != "test" else {},
                    resolution_nm=size,
                    split=part,
                    url=remote.images.url,
                    problem=_incomplete(sections, missing, "im" if part == "test" else "seg"),
                ),
                name,
            )


def _tissues(roots: list[Path]) -> dict[str, _Tissue]:
    """The sections of each tissue, by what the folders hold and what they, or those above them, are called."""
    tissues: dict[str, _Tissue] = {}
    for root in roots:
        for folder, names in folders_below(root):
            sections = {kind: _sections(folder, names, kind) for kind in ("im", "seg")}
            where = folder.relative_to(root.parent).as_posix()
            name = next((name for name, pattern in _TISSUES.items() if pattern.search(where)), None)
            if name is None or not (sections["im"] or sections["seg"]):
                continue
            tissue = tissues.setdefault(name, _Tissue())
            tissue.images.update(sections["im"])
            if sections["seg"]:
                tissue.labels.setdefault("val" if "val" in folder.name.lower() else "train", {}).update(sections["seg"])
    return dict(sorted(tissues.items()))


def _sections(folder: Path, names: list[str], kind: str) -> Sections:
    matches = [(name, match) for name in names if (match := _SECTION.match(name))]
    return {int(match["number"]): folder / name for name, match in matches if match["kind"].lower() == kind}


def _incomplete(sections: Sections, missing: list[int], kind: str) -> str | None:
    """Why a part cannot be used: the image of a section with labels, or a section in its middle, is not there."""
    numbers = sorted(sections)
    gaps = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if missing:
        return f"no image im{missing[0]:04} of its section {missing[0]} ({len(missing)} in all); fetch the images anew"
    if gaps:
        return f"no file {kind}{gaps[0]:04} of its section {gaps[0]} ({len(gaps)} in all); fetch its files anew"
    return None


def _linked(sections: Sections, folder: Path) -> Path:
    """A folder of links to the files, in the order of their numbers; copies where the system makes no links."""
    files = [file.resolve() for _, file in sorted(sections.items())]
    target = folder / content_key([str(file) for file in files])[:12]
    if not target.exists():
        if folder.exists():
            shutil.rmtree(folder)
        with atomic_path(target, folder=True) as part:
            for file in files:
                try:
                    (part / file.name).symlink_to(file)
                except OSError:
                    shutil.copyfile(file, part / file.name)
    return target
