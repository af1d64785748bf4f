"""How far our measures agree with a table made by another program."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from neuropil.compute import ComputeParameters, open_pool
from neuropil.errors import InputError
from neuropil.morphology.measures.comparison_tables import read_table
from neuropil.morphology.swc import load_neuron, neuron_name

THOUSANDTH = 1e-3
"""The relative difference up to which two values agree; what lies beyond is listed as an exception."""

_SUFFIXES = (".swc", ".eswc")


@dataclass(frozen=True)
class FeatureAgreement:
    """How one measure agrees over the neurons that have it on both sides.

    Attributes:
        feature: the name of our measure, or `Function.statistic` for one of L-Measure's.
        n: neurons compared.
        within_thousandth, within_hundredth: how many of them differ by at most 0.1 % and 1 % of the table's value.
        median, largest: of the relative differences; infinite where the table says 0 and we do not.
    """

    feature: str
    n: int
    within_thousandth: int
    within_hundredth: int
    median: float
    largest: float


@dataclass(frozen=True)
class Difference:
    """One value that differs by more than 0.1 %: `relative` is |ours - theirs| / |theirs|."""

    neuron: str
    feature: str
    ours: float
    theirs: float
    relative: float


@dataclass(frozen=True)
class Comparison:
    """A folder of neurons against a table.

    Attributes:
        features: a row for each measure that both sides have, in the table's order.
        exceptions: every value that differs by more than 0.1 %, by measure.
        neurons: how many neurons were compared.
        without_row: neurons of the folder that the table does not name.
        without_file: neurons of the table for which the folder has no file.
        unreadable: neuron -> why its file could not be read.
    """

    features: tuple[FeatureAgreement, ...]
    exceptions: tuple[Difference, ...]
    neurons: int
    without_row: tuple[str, ...] = ()
    without_file: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()

    def to_markdown(self, *, exceptions: int | None = 50) -> str:
        """The comparison as Markdown; so many exceptions of each measure are listed at most (None: all)."""
        lines = [
            "| measure | neurons | within 0.1 % | within 1 % | median difference | largest |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        lines += [
            f"| {row.feature} | {row.n} | {row.within_thousandth} | {row.within_hundredth} "
            f"| {_percent(row.median)} | {_percent(row.largest)} |"
            for row in self.features
        ]
        lines += ["", f"{self.neurons} neurons compared."]
        for names, what in (
            (self.without_row, "in the folder, not in the table"),
            (self.without_file, "in the table, not in the folder"),
            (tuple(f"{name} ({why})" for name, why in self.unreadable), "not readable"),
        ):
            if names:
                more = f" and {len(names) - 20} more" if len(names) > 20 else ""
                lines.append(f"{len(names)} {what}: {', '.join(names[:20])}{more}.")
        lines += self._exception_lines(exceptions)
        return "\n".join(lines) + "\n"

    def _exception_lines(self, most: int | None) -> Iterator[str]:
        if not self.exceptions or most == 0:
            return
        yield from ("", "| neuron | measure | ours | theirs | difference |", "|---|---|--:|--:|--:|")
        for feature in self.features:
            own = [row for row in self.exceptions if row.feature == feature.feature]
            for row in own[:most]:
                yield (
                    f"| {row.neuron} | {row.feature} | {row.ours:.6g} | {row.theirs:.6g} | {_percent(row.relative)} |"
                )
            if most is not None and len(own) > most:
                yield f"| ... {len(own) - most} more | {feature.feature} | | | |"


def compare(folder: Path, table: Path, *, workers: int = 1, functions: bool = False) -> Comparison:
    """Measure every neuron of a folder that a table names, and say where both agree.

    Args:
        folder: SWC files, also in folders below it; names are matched as `neuron_name` reads them.
        table: measures by another program; see `comparison_tables.read_table` for the forms.
        workers: processes that measure.
        functions: compare every function of L-Measure that the table states, besides our own measures.

    Returns:
        The agreement by measure, with every exception.

    Raises:
        InputError: the folder has no SWC file, two files of one name, or no neuron of the table; or the table
            cannot be used.
    """
    theirs = read_table(table, functions=functions)
    files = _files(folder)
    jobs = [(name, files[name], functions) for name in theirs if name in files]
    if not jobs:
        raise InputError(
            f"{table}: none of its {len(theirs)} neurons ({_some(theirs)}) has an SWC file in {folder}"
            f" ({_some(files)}); name the rows as the files are named"
        )
    measured: dict[str, dict[str, float]] = {}
    unreadable: list[tuple[str, str]] = []
    with open_pool(ComputeParameters(workers=workers)) as pool:
        results = pool.stream(_measured, ((True, job) for job in jobs))
        for (name, *_), result in zip(jobs, results, strict=True):
            if isinstance(result, str):
                unreadable.append((name, result))
            else:
                measured[name] = result
    features, exceptions = _agreement(measured, theirs)
    return Comparison(
        features=features,
        exceptions=exceptions,
        neurons=len(measured),
        without_row=tuple(name for name in files if name not in theirs),
        without_file=tuple(name for name in theirs if name not in files),
        unreadable=tuple(unreadable),
    )


def relative_difference(ours: float, theirs: float) -> float:
    """|ours - theirs| / |theirs|; 0 where both are 0, infinite where only theirs is."""
    if ours == theirs:
        return 0.0
    return abs(ours - theirs) / abs(theirs) if theirs else math.inf


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with SWC files")
    files: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            name = neuron_name(path)
            if name in files:
                raise InputError(f"{path}: {files[name]} has the same neuron name, {name}; rename one of them")
            files[name] = path
    if not files:
        raise InputError(f"{folder}: no SWC file in it; give a folder with .swc files")
    return files


def _measured(job: tuple[str, Path, bool]) -> dict[str, float] | str:
    """The measures of one neuron, with L-Measure's functions where they are asked for; why not, where not."""
    from neuropil.morphology.measures.lmeasure import lmeasure
    from neuropil.morphology.morphometry import measure

    _, path, functions = job
    try:
        neuron = load_neuron(path)
    except InputError as error:
        return str(error)
    found = measure(neuron)
    if functions:
        for function, statistics in lmeasure(neuron).items():
            found |= {f"{function}.{statistic}": value for statistic, value in statistics.items()}
    return found


def _agreement(
    ours: dict[str, dict[str, float]], theirs: dict[str, dict[str, float]]
) -> tuple[tuple[FeatureAgreement, ...], tuple[Difference, ...]]:
    columns = dict.fromkeys(column for name in ours for column in theirs[name])
    features, exceptions = [], []
    for column in columns:
        rows = [
            Difference(name, column, own[column], value, relative_difference(own[column], value))
            for name, own in ours.items()
            if (value := theirs[name].get(column)) is not None and column in own
        ]
        if not rows:
            continue
        relative = [row.relative for row in rows]
        features.append(
            FeatureAgreement(
                feature=column,
                n=len(rows),
                within_thousandth=sum(value <= THOUSANDTH for value in relative),
                within_hundredth=sum(value <= 10 * THOUSANDTH for value in relative),
                median=median(relative),
                largest=max(relative),
            )
        )
        exceptions += [row for row in rows if row.relative > THOUSANDTH]
    return tuple(features), tuple(exceptions)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (" ..." if len(listed) > 3 else "")


def _percent(share: float) -> str:
    return "∞" if math.isinf(share) else f"{100 * share:.3g} %"
