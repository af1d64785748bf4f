"""What the page of a neuron calls measures, repairs and remarks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from neuropil.morphology.compartments import NAMES, OTHER
from neuropil.morphology.tree import APICAL, AXON, BASAL, SOMA

LENGTH, SURFACE, VOLUME = "µm", "µm²", "µm³"


class Measure(NamedTuple):
    """A measure in a person's words; the unit is empty for counts and ratios."""

    label: str
    unit: str = ""


GROUPS: Mapping[str, Mapping[str, Measure]] = {
    "Size": {
        "length": Measure("Total length", LENGTH),
        "surface": Measure("Surface", SURFACE),
        "volume": Measure("Volume", VOLUME),
        "soma_surface": Measure("Soma surface", SURFACE),
        "diameter": Measure("Mean diameter", LENGTH),
        "width": Measure("Width (x, 95 %)", LENGTH),
        "height": Measure("Height (y, 95 %)", LENGTH),
        "depth": Measure("Depth (z, 95 %)", LENGTH),
        "euclidean_distance": Measure("Reach from the soma", LENGTH),
        "path_distance": Measure("Longest path from the root", LENGTH),
    },
    "Branching": {
        "n_stems": Measure("Stems"),
        "n_bifs": Measure("Bifurcations"),
        "n_branch": Measure("Branches"),
        "n_tips": Measure("Tips"),
        "branch_order": Measure("Highest branch order"),
        "strahler_order": Measure("Strahler order"),
        "partition_asymmetry": Measure("Partition asymmetry"),
        "pk_classic": Measure("Rall's power ratio (Pk)"),
        "bif_ampl_local": Measure("Bifurcation amplitude, local", "°"),
        "bif_ampl_remote": Measure("Bifurcation amplitude, remote", "°"),
    },
    "Shape": {
        "contraction": Measure("Contraction"),
        "tortuosity": Measure("Tortuosity"),
        "fragmentation": Measure("Fragmentation"),
        "fractal_dimension": Measure("Fractal dimension"),
        "sholl_peak": Measure("Sholl peak, crossings"),
        "sholl_peak_radius": Measure("Sholl peak, distance", LENGTH),
        "persistence_length": Measure("Persistence bars, sum over longest"),
    },
}
"""Known measures by heading, in the order of the page. What is not here is shown under "Further" by its own name."""

COMPARTMENTS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "soma": (NAMES[SOMA], (SOMA,)),
    "axon": (NAMES[AXON], (AXON,)),
    "basal": (NAMES[BASAL], (BASAL,)),
    "apical": (NAMES[APICAL], (APICAL,)),
    "dendrite": ("All dendrites", (BASAL, APICAL)),
    "other": (NAMES[OTHER], (OTHER,)),
}
"""Prefixes of the measures of one compartment: its name, and what it is made of."""

_COLUMNS = {"length": Measure("Length", LENGTH), "tips": Measure("Tips"), "surface": Measure("Surface", SURFACE)}

REPAIRS: Mapping[str, tuple[str, str]] = {
    "encoding": ("file", "The file is not UTF-8; it was read as UTF-16 or as Western European text."),
    "padding": ("file", "NUL bytes or Ctrl-Z stood behind the last row; they were left out."),
    "long_comment": ("comment", "A comment of more than 10,000 letters was cut."),
    "separators": ("row", "Columns were parted by commas, semicolons or quotes instead of blanks."),
    "decimal_comma": ("row", "Numbers were written with a decimal comma."),
    "number_format": (
        "row",
        "Numbers were written in another form, such as Fortran’s 1D-3 or with a typographic minus.",
    ),
    "extra_columns": ("row", "More than seven columns; those beyond the seventh were left out."),
    "header_row": ("row", "Column names without “#” were taken as a comment."),
    "row_comment": ("row", "A comment stood behind a row; it was kept among the comments."),
    "torn_last_row": ("row", "The file ends in the middle of a row; that row was left out."),
    "float_id": ("row", "An id, type or parent written as 1.0 was read as a whole number."),
    "repeated_row": ("row", "The same row stood in the file again; the repetition was left out."),
    "duplicate_id": ("node", "Another node had the same id; it was given an id of its own."),
    "missing_parent": ("node", "The parent is not in the file; the node was made a root."),
    "cycle": ("cycle", "Parents led round in a circle; it was cut at its soma node, else at its first row."),
    "position": (
        "node",
        "A coordinate was not a number or out of all bounds; the node was put between its neighbours.",
    ),
    "radius": ("node", "The radius was not above 0; it was taken from the nearest neighbour, else 0.5 µm."),
    "type": ("node", "The type is not one of SWC; it was taken from the header, else from the parent."),
    "row_order": ("file", "Parents stood after their children; the rows were sorted."),
    "renumbered": ("file", "Ids were not 1, 2, 3 ...; the nodes were numbered anew."),
}
"""Name of a repair: what its number counts, and what it means."""

REMARKS: Mapping[str, tuple[str, str]] = {
    "few_rows": ("file", "Fewer than 20 nodes: a fragment, or not a whole reconstruction."),
    "no_soma": ("file", "No node has the type soma (1); distances are from the first root."),
    "several_roots": ("root", "The tree is in several pieces; each is drawn, and each counts in the totals."),
}
"""As `REPAIRS`, for what was noticed and left as it is."""


class Row(NamedTuple):
    """A line of a table: label, value as a text, unit."""

    label: str
    value: str
    unit: str


def groups(measures: Mapping[str, float]) -> Iterator[tuple[str, list[Row]]]:
    """The measures by heading, without those of single compartments; what has no name here comes last."""
    left = {name: value for name, value in measures.items() if _compartment(name) is None}
    for heading, known in GROUPS.items():
        rows = [Row(words.label, number(left.pop(name)), words.unit) for name, words in known.items() if name in left]
        if rows:
            yield heading, rows
    if left:
        yield "Further", [Row(name.replace("_", " "), number(value), "") for name, value in left.items()]


def by_compartment(measures: Mapping[str, float]) -> tuple[list[Measure], dict[str, list[str]]]:
    """The measures of single compartments: the columns, and by compartment a value of each ("" where there is none)."""
    found = {name: place for name in measures if (place := _compartment(name))}
    columns = list(dict.fromkeys(column for _, column in found.values()))
    rows = {
        prefix: [number(measures[f"{prefix}_{c}"]) if f"{prefix}_{c}" in measures else "" for c in columns]
        for prefix in COMPARTMENTS
        if any(own == prefix for own, _ in found.values())
    }
    return [_COLUMNS.get(column, Measure(column.replace("_", " ").capitalize())) for column in columns], rows


def _compartment(name: str) -> tuple[str, str] | None:
    """("axon", "length") for "axon_length"; None for a measure of the whole neuron."""
    prefix, _, column = name.partition("_")
    return (prefix, column) if prefix in COMPARTMENTS and column and name not in GROUPS["Size"] else None


def number(value: float) -> str:
    """A value as a person reads it: whole numbers whole, else about four digits, thousands parted by a comma."""
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    if abs(value) >= 1e9 or abs(value) < 1e-3:
        return f"{value:.3g}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def counted(count: int, thing: str) -> str:
    """ "1 node", "2,000 nodes"; "whole file" where the number counts files."""
    return "whole file" if thing == "file" else f"{count:,} {thing}{'' if count == 1 else 's'}"
