"""All scores in one form: a table for programs (Parquet) and one for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neuropil.statistics.scores import Comparison, Score, best_other

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "group", "task", "metric", "method", "score", "low", "high", "chance", "n", "unit", "seeds", "split", "better",
    "headline", "reference", "checkpoint",
)  # fmt: skip
COMPARED = (
    "group", "task", "metric", "first", "second", "difference", "low", "high", "p", "p_holm", "mcnemar", "n", "unit",
    "seeds", "split", "better",
)  # fmt: skip
_NUMBERS = {"score", "low", "high", "chance", "difference", "p", "p_holm", "mcnemar"}
_SMALLEST_P = 0.001  # about the least that 1,000 permutations can give

_HASH = 8  # digits of a hash that are shown; the table for programs has them all

Row = Mapping[str, Any]


def score_table(rows: Iterable[Score | Row]) -> pd.DataFrame:
    """One row a score, with the columns `COLUMNS`; the interval and chance are NaN where there is none."""
    return _frame(rows, COLUMNS)


def comparison_table(rows: Iterable[Comparison | Row]) -> pd.DataFrame:
    """One row a comparison of two methods on the same items, with the columns `COMPARED`."""
    return _frame(rows, COMPARED)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table of scores or comparisons as plain values again, with None for what is not there."""
    plain = table.astype(object).where(table.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def markdown(rows: Iterable[Score | Row]) -> str:
    """A table a task, its measures one after the other, the best method of each first.

    A row names its chance level, n, seeds and the first digits of its split's hash. Where a lower score is better, the
    measure says so.
    """
    groups: dict[str, list[Row]] = {}
    for row in _plain(rows):
        groups.setdefault(row["task"], []).append(row)
    return "\n\n".join(_task(task, group) for task, group in groups.items()) + "\n"


def headline_markdown(rows: Iterable[Score | Row]) -> str:
    """The headlines among the rows, each beside chance and the best other method of the same task and measure."""
    given = _plain(rows)
    lines = [
        "| task | metric | method | score [95 % interval] | chance | best other method | n |",
        "|---|---|---|--:|--:|---|--:|",
    ]
    for row in given:
        if row.get("headline"):
            other = best_other(row, given)
            beside = "" if other is None else f"{number(other['score'])} {_cell(other['method'])}"
            lines.append(
                f"| {_cell(row['task'])} | {_measure(row)} | {_cell(row['method'])} | {figure(row)} "
                f"| {number(row.get('chance'))} | {beside} | {_count(row)} |"
            )
    return "\n".join(lines) + "\n"


def comparison_markdown(rows: Iterable[Comparison | Row]) -> str:
    """One table of all comparisons; a positive difference says that the first method scores higher."""
    lines = [
        "| task | metric | first | second | first - second [95 % interval] | p | p, Holm | McNemar p | n | seeds |",
        "|---|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {_cell(row['task'])} | {_measure(row)} | {_cell(row['first'])} | {_cell(row['second'])} "
        f"| {difference(row)} | {p_value(row['p'])} | {p_value(row['p_holm'])} | {p_value(row.get('mcnemar'))} "
        f"| {_count(row)} | {row.get('seeds') or 1} |"
        for row in _plain(rows)
    ]
    return "\n".join(lines) + "\n"


def number(value: float | None) -> str:
    """Three decimals, fewer of what is large (run lengths in nanometres); nothing for what is not there."""
    if value is None or value != value:
        return ""
    if abs(value) < 100:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 10_000 else f"{value:,.0f}"


def figure(row: Row) -> str:
    """A score with its interval: "0.620 [0.480, 0.750]"."""
    return number(row["score"]) + _interval(row)


def difference(row: Row) -> str:
    """A difference with its sign and interval: "+0.120 [0.010, 0.230]"."""
    sign = "+" if row["difference"] > 0 else ""
    return sign + number(row["difference"]) + _interval(row)


def p_value(p: float | None) -> str:
    """A probability: "0.034", or that it is below what the permutations can tell."""
    if p is None or p != p:
        return ""
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.3f}"


def _frame(rows: Iterable[Any], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(_plain(rows)).reindex(columns=list(columns))
    for name in columns:
        if name in _NUMBERS:
            frame[name] = frame[name].astype("float64")
        elif name in ("n", "seeds"):
            frame[name] = frame[name].fillna(1 if name == "seeds" else 0).astype("int64")
        elif name in ("headline", "reference"):
            frame[name] = frame[name].eq(True)
        else:
            frame[name] = frame[name].fillna("higher" if name == "better" else "").astype(str)
    return frame


def _plain(rows: Iterable[Any]) -> list[Row]:
    return [row.record() if isinstance(row, (Score, Comparison)) else row for row in rows]


def _task(task: str, rows: Sequence[Row]) -> str:
    lines = [
        f"**{_cell(task)}**", "",
        "| metric | method | score [95 % interval] | chance | n | seeds | split |",
        "|---|---|--:|--:|--:|--:|---|",
    ]  # fmt: skip
    for metric in dict.fromkeys(row["metric"] for row in rows):
        measured = [row for row in rows if row["metric"] == metric]
        sign = 1 if measured[0].get("better") == "lower" else -1
        lines += [
            f"| {_measure(row)} | {_cell(row['method'])}{_LIMIT if row.get('reference') else ''} | {figure(row)} "
            f"| {number(row.get('chance'))} | {_count(row)} | {row.get('seeds') or 1} "
            f"| {_cell(row.get('split') or '')[:_HASH]} |"
            for row in sorted(measured, key=lambda row: (sign * row["score"], row["method"]))
        ]
    return "\n".join(lines)


_LIMIT = " (a limit, no method)"


def _interval(row: Row) -> str:
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or low != low or high != high:
        return ""
    return f" [{number(low)}, {number(high)}]"


def _measure(row: Row) -> str:
    return _cell(row["metric"]) + (", lower is better" if row.get("better") == "lower" else "")


def _count(row: Row) -> str:
    return f"{row.get('n') or 0:,} {_cell(row.get('unit') or '')}".rstrip()


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
