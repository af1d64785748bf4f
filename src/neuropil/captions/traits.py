"""Morphometric traits in words: bins from percentiles of the training neurons."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neuropil.errors import InputError


@dataclass(frozen=True)
class Trait:
    """A morphometric quantity that captions describe by its outer bins.

    Attributes:
        name: the name in facts ("axon").
        feature: the column of the morphometry table.
        low, high: the words of the outer bins; the middle bin is not stated.
        phrase: the noun phrase, with `{}` for the word.
        part: the compartment that must be there (its length is above 0) for the trait to mean anything.
    """

    name: str
    feature: str
    low: str
    high: str
    phrase: str
    part: str | None = None


TRAITS: tuple[Trait, ...] = (
    Trait("apical", "apical_length", "short", "extensive", "{} apical dendrite", part="apical dendrite"),
    Trait("axon", "axon_length", "sparse", "extensive", "{} axon", part="axon"),
    Trait("dendrites", "basal_length", "sparse", "extensive", "{} basal dendrites"),
    Trait("branching", "n_bifs", "few", "many", "{} branch points"),
    Trait("size", "euclidean_distance", "compact", "wide", "{} arbor"),
    Trait("stems", "n_stems", "few", "many", "{} primary neurites"),
    Trait("branches", "contraction", "winding", "straight", "{} branches"),
)
PARTS: Mapping[str, str] = {"apical dendrite": "apical_length", "axon": "axon_length"}
"""Compartments that captions name, with the column whose value above 0 says that they were traced."""

Bins = Mapping[str, tuple[float, float]]
"""For each trait's name the values below and above which its words are true."""


def fit_bins(rows: Iterable[Mapping[Any, Any]], percentile: float) -> dict[str, tuple[float, float]]:
    """Bins of every trait that varies among the rows.

    Args:
        rows: the morphometry of the training neurons, and of no others.
        percentile: the share of neurons, in percent, in each of the two outer bins (below 50).

    Returns:
        Trait name -> (value of the low, value of the high percentile). A trait that is missing or the same
        in all rows has no bins, and captions never state it.
    """
    import numpy as np

    kept = list(rows)
    bins: dict[str, tuple[float, float]] = {}
    for trait in TRAITS:
        values = [value for row in kept if (value := number(row, trait.feature)) is not None]
        if trait.part is not None:
            values = [value for value in values if value > 0]
        if len(values) < 2:
            continue
        low, high = np.percentile(values, [percentile, 100 - percentile])
        if low < high:
            bins[trait.name] = (float(low), float(high))
    return bins


def words_of(row: Mapping[Any, Any], bins: Bins) -> dict[str, str]:
    """The words that are true of a neuron: trait name -> low or high word, for traits in an outer bin."""
    words = {}
    for trait in TRAITS:
        value = number(row, trait.feature)
        if trait.name not in bins or value is None or (trait.part is not None and value <= 0):
            continue
        low, high = bins[trait.name]
        if value <= low:
            words[trait.name] = trait.low
        elif value >= high:
            words[trait.name] = trait.high
    return words


def parts_of(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """The compartments that were traced."""
    return tuple(part for part, feature in PARTS.items() if (number(row, feature) or 0) > 0)


def numbers_of(row: Mapping[Any, Any]) -> dict[str, str]:
    """Measured values in the form in which captions state them; lengths in the table are micrometres."""
    stated = {}
    branch_points, length = number(row, "n_bifs"), number(row, "length")
    if branch_points is not None:
        stated["branch points"] = f"{branch_points:.0f}"
    if length is not None:
        stated["total length"] = f"{length / 1000:.1f} mm" if length >= 1000 else f"{length:.0f} um"
    return stated


def number(row: Mapping[Any, Any], feature: str) -> float | None:
    """A finite value of a row, or None."""
    value = row.get(feature)
    if value is None:
        return None
    try:
        value = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"morphometry, column {feature}: {value!r} is no number; write it as one") from error
    return value if math.isfinite(value) else None
