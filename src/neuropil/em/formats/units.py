"""Lengths as files state them, in nanometres."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neuropil.errors import InputError

Lengths = tuple[float, float, float]
"""(z, y, x), nanometres."""

_NAMES = {
    1e-3: ("pm", "picometer", "picometre"),
    0.1: ("angstrom", "Å", "Å"),
    1.0: ("nm", "nanometer", "nanometre"),
    1e3: ("um", "µm", "μm", "micron", "micrometer", "micrometre", "\\u00b5m"),
    1e6: ("mm", "millimeter", "millimetre"),
    1e7: ("cm", "centimeter", "centimetre"),
    2.54e7: ("in", "inch", "inche"),
    1e9: ("m", "meter", "metre"),
}
_FACTORS = {name.casefold(): factor for factor, names in _NAMES.items() for name in names}


def nanometres_per(unit: Any) -> float | None:
    """How many nanometres the unit is, by its name or symbol; None where it is no length that is known."""
    name = str(unit or "").strip().strip('"').casefold()
    found = _FACTORS.get(name)
    return found if found is not None else _FACTORS.get(name.removesuffix("s"))


def lengths(value: Any, where: str, field: str, *, above: float | None = 0.0) -> Lengths:
    """Three lengths (z, y, x) from what an attribute holds.

    Args:
        value: numbers in any container.
        where: the file, for the message.
        field: the attribute.
        above: each must be larger; None: any finite number will do.

    Raises:
        InputError: it is something else.
    """
    try:
        numbers = np.asarray(value, dtype=float).ravel()
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.shape != (3,) or not np.isfinite(numbers).all() or (above is not None and (numbers <= above).any()):
        which = "three numbers" if above is None else f"three lengths above {above:g}"
        raise InputError(f"{where}: attribute `{field}` is {value!r}; {which} (z, y, x) in nm are needed")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def stated(values: Sequence[float], unit: Any) -> Lengths | None:
    """A voxel size (z, y, x) in nanometres from numbers and the unit's name.

    Programs that know of no nanometres write the number of nanometres as if it were millimetres, or without a unit
    (MitoEM 2 does), and programs that know no voxel size write ones. So numbers that are no voxel size of a
    microscope in their unit (0.05 nm to 50 µm) are taken as nanometres where these would be, and ones without a
    unit or in millimetres say nothing.

    Returns:
        None where nothing is said.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.shape != (3,) or not np.isfinite(numbers).all() or (numbers <= 0).any():
        return None
    factor = nanometres_per(unit)
    for scale in (factor, 1.0 if factor is None or factor >= 1e6 else None):
        if scale is None or (scale == 1.0 and scale != factor and (numbers == 1).all()):
            continue
        z, y, x = (float(f"{number:.6g}") for number in numbers * scale)
        if min(z, y, x) >= 0.05 and max(z, y, x) <= 50_000:
            return z, y, x
    return None
