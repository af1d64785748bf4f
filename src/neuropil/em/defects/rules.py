"""Evident defects of a volume: rules over what was measured of it, each with its reason and what to do.

Every threshold lies far from what sound volumes reach and far from what the defect gives; docs/results.md has both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from neuropil.em.defects.defect import Defect, section_list
from neuropil.em.defects.voxel_size import spacing_defects

_NOISE = 0.1  # structure: tissue at 4 to 40 nm has .3 to .66, under noise of thrice its contrast still .15; noise .00
_GRAIN, _UNLIKE = 0.4, 0.03  # blurred noise has structure, but no section has anything in common with the next
_CONSTANT = 0.99  # share of a section's voxels with one grey value; tissue: below .02
_REPEATED = 0.1  # of the usual difference between sections; the least of sound ones is .79 of it
_FEW_GREYS = 32  # of 256 between the 1st and the 99th percentile
_CLIPPED = 0.02  # share of voxels at 0 or at 255; sound volumes: below .0005
_DENSE = 0.3  # labels that cover so much of a usual section are to be in every section


def find_defects(record: Mapping[str, Any], inspection: Mapping[str, Any]) -> list[Defect]:
    """The defects of a converted volume.

    Args:
        record: of the index `volumes`.
        inspection: of it (see `inspection.inspect.inspect_volumes`).
    """
    if "problem" in inspection:
        return [Defect("unreadable", "severe", str(inspection["problem"]), "run ingestion again")]
    sections = {
        name: np.array([np.nan if value is None else value for value in values], float)
        for name, values in inspection["sections"].items()
        if isinstance(values, list)
    }
    constant = sections["modal"] >= _CONSTANT
    noise = _noise(sections, inspection["proportions"], constant)
    found = [*noise, *_constant(sections, constant), *_repeated(sections, constant), *_greys(sections, constant)]
    image = not any(defect.severity == "severe" for defect in found)
    found += spacing_defects(record, inspection["proportions"] if image else None)
    for name, measured in inspection["labels"].items():
        found += _labels(name, record, measured, image=image)
    return found


def _noise(
    sections: Mapping[str, np.ndarray[Any, Any]], proportions: Mapping[str, Any] | None, constant: np.ndarray[Any, Any]
) -> list[Defect]:
    structure = sections["structure"]
    noise = (structure < _NOISE) & ~constant
    judged = np.isfinite(structure) & ~constant
    if not judged.any():
        return []
    grain = (
        np.median(structure[judged]) < _GRAIN and proportions is not None and abs(proportions["neighbours"]) < _UNLIKE
    )
    if grain or noise.sum() > judged.sum() / 2:
        what = "no section has anything in common with the next" if grain else "neighbouring voxels are unrelated"
        return [
            Defect(
                "noise",
                "severe",
                f"the image is noise: {what}",
                "leave the volume out, or fetch it from its publisher again",
                _places(noise),
            )
        ]
    if noise.any():
        return [
            Defect(
                "noise",
                "minor",
                f"noise instead of an image in {section_list(noise)}",
                "crop them away, or replace them by their neighbours",
                _places(noise),
            )
        ]
    return []


def _constant(sections: Mapping[str, np.ndarray[Any, Any]], constant: np.ndarray[Any, Any]) -> list[Defect]:
    if not constant.any():
        return []
    share = constant.mean()
    return [
        Defect(
            "constant sections",
            "severe" if share > 0.5 else "minor",
            f"one grey value, no image, in {section_list(constant)}",
            "crop them away, or replace them by their neighbours",
            _places(constant),
        )
    ]


def _repeated(sections: Mapping[str, np.ndarray[Any, Any]], constant: np.ndarray[Any, Any]) -> list[Defect]:
    difference = sections["difference"]
    image = ~constant & ~np.roll(constant, 1) & np.isfinite(difference)
    changing = difference[image & (difference > 0)]
    repeated = image & (difference <= (_REPEATED * np.median(changing) if changing.size else 0))
    if not repeated.any():
        return []
    severity: Literal["severe", "minor"] = "severe" if repeated.sum() > len(repeated) / 2 else "minor"
    return [
        Defect("repeated sections", severity, f"the section before is repeated in {section_list(repeated)}",
               "leave them out where labels were drawn on each; others stand for lost sections", _places(repeated))
    ]  # fmt: skip


def _greys(sections: Mapping[str, np.ndarray[Any, Any]], constant: np.ndarray[Any, Any]) -> list[Defect]:
    if constant.mean() > 0.5:
        return []
    counts = sections["histogram"].copy()
    each = counts.sum() / len(constant)
    for grey in sections["mean"][constant].round().astype(int):  # those are told of by themselves
        counts[grey] = max(0.0, counts[grey] - each)
    found = []
    share = np.cumsum(counts) / counts.sum()
    low, high = int(np.searchsorted(share, 0.01)), int(np.searchsorted(share, 0.99))
    if high - low < _FEW_GREYS:
        found.append(
            Defect(
                "low contrast",
                "minor",
                f"98 % of the voxels lie between {low} and {high} of 0..255",
                "stretch the grey values in the source; a few outliers may have squeezed the rest",
            )
        )
    for grey, words in ((0, "black"), (255, "white")):
        part = counts[grey] / counts.sum()
        if part > _CLIPPED:
            found.append(
                Defect(
                    "clipped",
                    "minor",
                    f"{part:.0%} of the voxels are {words} ({grey}): clipped, or without image",
                    "convert from the original with a wider range, or crop what is empty",
                )
            )
    return found


def _labels(name: str, record: Mapping[str, Any], measured: Mapping[str, Any], *, image: bool) -> Iterable[Defect]:
    labelled = np.array(measured["labelled"])
    first = (record.get("annotated_box") or [[0, 0]])[0][0]
    count = (record.get("instances") or {}).get(name)
    if count == 0 or (count is None and not labelled.any()):
        return [
            Defect(
                "empty labels",
                "minor",
                f"{name} has no label above 0" + (" in the sections looked at" * (count is None)),
                "leave the dataset out where nobody annotated; it says that there is none",
                label=name,
            )
        ]
    found = []
    if np.median(labelled) >= _DENSE and (labelled == 0).any():
        missing = np.concatenate([np.zeros(first, bool), labelled == 0])
        found.append(
            Defect(
                "missing labels",
                "minor",
                f"{name} has no label in {section_list(missing)}",
                "crop the volume, or state the part that is annotated: 0 teaches background there",
                _places(missing),
                label=name,
            )
        )
    fit = measured["fit"]
    if image and fit and fit["misfit"]:
        found.append(_MISFITS[fit["misfit"]](name, fit))
    return found


def _turned(name: str, fit: Mapping[str, Any]) -> Defect:
    return Defect(
        "transposed labels",
        "severe",
        f"{name} fits the image only with {_turn(fit['symmetry'])} (agreement {fit['best']:.0f}, as stored "
        f"{fit['agreement']:.0f}; labels that fit have 8 and more)",
        "turn the labels in the source file, then run ingestion again",
        label=name,
        fit=fit,
    )


def _moved(name: str, fit: Mapping[str, Any]) -> Defect:
    z, y, x = fit["shift"]
    return Defect(
        "misplaced labels",
        "severe",
        f"{name} fits the image when moved by {z:+d} {y:+d} {x:+d} voxels along z y x (agreement {fit['best']:.0f}, as "
        f"stored {fit['agreement']:.0f}; labels that fit have 8 and more)",
        "correct the offset of the labels in the source file",
        label=name,
        fit=fit,
    )


def _unrelated(name: str, fit: Mapping[str, Any]) -> Defect:
    return Defect(
        "unrelated labels",
        "severe",
        f"{name} does not follow the image (agreement {fit['agreement']:.1f}; chance gives 2, labels that fit 8 and "
        "more), nor turned, nor moved by up to 128 voxels",
        "look whether the labels belong to this image",
        label=name,
        fit=fit,
    )


_MISFITS: dict[str, Callable[[str, Mapping[str, Any]], Defect]] = {
    "turned": _turned, "moved": _moved, "unrelated": _unrelated,
}  # fmt: skip


def _turn(symmetry: str) -> str:
    return symmetry.replace("axes", "its axes", 1)


def _places(sections: np.ndarray[Any, Any]) -> Sequence[int]:
    return tuple(int(place) for place in np.flatnonzero(sections))
