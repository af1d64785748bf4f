"""What `neuropil compare` prints and writes."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from neuropil.morphology.comparison import Comparison, Difference
from neuropil.work.atomic import write_text

_LISTED = 5  # exceptions of one measure on the console


def print_comparison(found: Comparison) -> None:
    """Print the agreement by measure, the first exceptions of each, and what was not compared."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(
        title=f"{found.neurons:,} neurons compared: values within 0.1 % and 1 %, and how far they differ",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("measure", no_wrap=True)
    for column in ("neurons", "≤ 0.1 %", "≤ 1 %", "median", "largest"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in found.features:
        counts = (row.n, row.within_thousandth, row.within_hundredth)
        table.add_row(row.feature, *(f"{count:,}" for count in counts), _percent(row.median), _percent(row.largest))
    console.print(table)
    if found.exceptions:
        console.print(_exceptions(found))
    for names, what in (
        (found.without_row, "in the folder, not in the table"),
        (found.without_file, "in the table, not in the folder"),
        (tuple(f"{name} ({why})" for name, why in found.unreadable), "not readable"),
    ):
        if names:
            more = ", ..." if len(names) > _LISTED else ""
            console.print(f"{len(names):,} {what}: {', '.join(names[:_LISTED])}{more}", markup=False)
    listed = sum(min(len(rows), _LISTED) for rows in _by_measure(found).values())
    if listed < len(found.exceptions):
        console.print(f"{listed} of {len(found.exceptions):,} exceptions shown; --output FILE.md or FILE.csv lists all")


def save_comparison(found: Comparison, path: Path) -> None:
    """Write the whole comparison as Markdown (.md), or every exception as a row (.csv)."""
    if path.suffix.lower() == ".md":
        write_text(path, found.to_markdown(exceptions=None))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("neuron_name", "measure", "ours", "theirs", "relative_difference"))
    writer.writerows((row.neuron, row.feature, row.ours, row.theirs, row.relative) for row in found.exceptions)
    write_text(path, text.getvalue())


def _exceptions(found: Comparison) -> object:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Differences of more than 0.1 %", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("measure", "neuron"):
        table.add_column(column, no_wrap=column == "measure", overflow="fold")
    for column in ("ours", "theirs", "difference"):
        table.add_column(column, justify="right")
    for measure, rows in _by_measure(found).items():
        for row in rows[:_LISTED]:
            cells = (f"{row.ours:.6g}", f"{row.theirs:.6g}", _percent(row.relative))
            table.add_row(measure, Text(row.neuron), *cells)
        if len(rows) > _LISTED:
            table.add_row("", f"... {len(rows) - _LISTED:,} more")
    return table


def _by_measure(found: Comparison) -> dict[str, list[Difference]]:
    rows: dict[str, list[Difference]] = {}
    for row in found.exceptions:
        rows.setdefault(row.feature, []).append(row)
    return rows


def _percent(share: float) -> str:
    """A share in per cent, to what matters; what is below a thousandth of a per cent is called so."""
    if math.isinf(share):
        return "∞"
    return "0" if share == 0 else "< 0.001 %" if share < 1e-5 else f"{100 * share:.3g} %"
