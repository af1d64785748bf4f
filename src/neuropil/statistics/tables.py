"""All scores in one form: a table for programs (Parquet) and one for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from neuropil.statistics.scores import Score

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "task", "metric", "method", "score", "low", "high", "chance", "n", "unit", "seeds", "split", "better", "headline",
    "reference",
)  # fmt: skip


def score_table(rows: Iterable[Score | Mapping[str, Any]]) -> pd.DataFrame:
    """One row a score, with the columns `COLUMNS`; the interval and chance are NaN where there is none."""
    import pandas as pd

    records = [row.record() if isinstance(row, Score) else dict(row) for row in rows]
    frame = pd.DataFrame(records).reindex(columns=list(COLUMNS))
    numbers = ("score", "low", "high", "chance")
    frame = frame.astype(dict.fromkeys(numbers, "float64"))
    frame["seeds"] = frame["seeds"].fillna(1).astype("int64")
    frame["reference"] = frame["reference"].eq(True)
    return frame


def markdown(rows: Iterable[Score | Mapping[str, Any]]) -> str:
    """A table a task and metric, the best method first; every table names its split, n, chance and seeds."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        record = row.record() if isinstance(row, Score) else dict(row)
        groups.setdefault((record["task"], record["metric"]), []).append(record)
    return "\n\n".join(_table(task, metric, group) for (task, metric), group in groups.items()) + "\n"


def _table(task: str, metric: str, rows: list[dict[str, Any]]) -> str:
    lower = rows[0].get("better") == "lower"
    rows = sorted(rows, key=lambda row: (row["score"] if lower else -row["score"], row["method"]))
    better = "lower is better" if lower else "higher is better"
    lines = [
        f"**{_cell(task)}**, {_cell(metric)} ({better})", "",
        "| method | score [95 % interval] | chance | n | seeds | split |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {_cell(row['method'])}{' (a limit, no method)' if row.get('reference') else ''} | {_figure(row)} "
        f"| {_number(row.get('chance'))} | {row.get('n', 0):,} {_cell(row.get('unit', ''))} | {row.get('seeds', 1)} "
        f"| {_cell(row.get('split', ''))} |"
        for row in rows
    ]
    return "\n".join(lines)


def _figure(row: Mapping[str, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or low != low:
        return _number(row["score"])
    return f"{_number(row['score'])} [{_number(low)}, {_number(high)}]"


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.3f}"


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
