"""The metadata of OME-Zarr (NGFF 0.4 and 0.5): which level is the finest, its axes, the size of a voxel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuropil.em.formats.units import Lengths, nanometres_per, stated


def is_multiscale(attributes: Mapping[str, Any]) -> bool:
    """Whether a group's attributes are those of an image at several scales."""
    return bool(_image(attributes).get("datasets"))


def finest(attributes: Mapping[str, Any]) -> str:
    """The path of the level with the smallest voxels: the first, by the standard."""
    return str(_image(attributes)["datasets"][0]["path"])


def axes_of(attributes: Mapping[str, Any]) -> list[str] | None:
    """The names of the axes, in the order in which they are stored; None where they are not written (before 0.3)."""
    names = [axis.get("name") if isinstance(axis, Mapping) else axis for axis in _image(attributes).get("axes") or ()]
    return [str(name).lower() for name in names] or None


def voxel_size(attributes: Mapping[str, Any]) -> tuple[Lengths | None, Lengths | None]:
    """Voxel size and place of the first voxel, (z, y, x) in nanometres, of the finest level.

    The scales of the level and of the image are multiplied, as the standard has it; an axis of space without a unit
    counts as the others do.
    """
    image, axes = _image(attributes), axes_of(attributes)
    if axes is None or not {"z", "y", "x"} <= set(axes):
        return None, None
    places = [axes.index(name) for name in "zyx"]
    scale, shift = [1.0] * 3, [0.0] * 3
    known = False
    for transforms in (image["datasets"][0], image):
        for transform in transforms.get("coordinateTransformations") or ():
            if len(values := transform.get(transform.get("type")) or ()) != len(axes):
                continue
            if transform["type"] == "scale":
                known = True
                scale = [old * float(values[place]) for old, place in zip(scale, places, strict=True)]
                shift = [old * float(values[place]) for old, place in zip(shift, places, strict=True)]
            elif transform["type"] == "translation":
                shift = [old + float(values[place]) for old, place in zip(shift, places, strict=True)]
    units = [image["axes"][place].get("unit") for place in places if isinstance(image["axes"][place], Mapping)]
    unit = next((unit for unit in units if unit), None)
    size = stated(scale, unit) if known else None
    if size is None or not any(shift):
        return size, None
    factor = nanometres_per(unit) or 1.0
    return size, (shift[0] * factor, shift[1] * factor, shift[2] * factor)


def _image(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = attributes.get("ome", attributes)
    images = inner.get("multiscales") if hasattr(inner, "get") else None
    return images[0] if isinstance(images, (list, tuple)) and images and isinstance(images[0], Mapping) else {}
