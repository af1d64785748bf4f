"""At the end of a run: what was made, the scores beside chance, where to look."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from neuropil.datasets.document import TextDataset
from neuropil.datasets.picture import PictureDataset
from neuropil.statistics.scores import best_other
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


class SummaryHooks:
    """Collect what the nodes returned and show it as two tables."""

    def __init__(self) -> None:
        self._start = 0.0
        self._made: list[tuple[str, str, str]] = []
        self._scores: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._skipped: dict[str, dict[str, list[str]]] = {}
        self._notes: list[str] = []

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Start anew: a hook object lives as long as the process, a run does not."""
        self.__init__()  # type: ignore[misc]
        self._start = time.perf_counter()

    @hook_impl
    def after_node_run(self, node: Node, catalog: Any, outputs: dict[str, Any]) -> None:
        """Note what a node made, scored or left out."""
        pipeline = node.namespace or ""
        for name, value in outputs.items():
            reason = value.reason if isinstance(value, (Skipped, Index)) else None
            if isinstance(value, Index) and value.note:
                self._notes.append(f"{value.note}; see {_shown(catalog.get(name))}")
            if reason is not None:
                self._skipped.setdefault(reason, {}).setdefault(pipeline, []).append(name)
            elif isinstance(value, Index):
                self._made.append((pipeline, name, f"{len(value):,} records"))
            elif isinstance(value, pd.DataFrame):
                self._made.append((pipeline, name, f"{len(value):,} rows, {value.shape[1]} columns"))
            elif isinstance(value, Path):
                self._made.append((pipeline, name, "checkpoint"))
            elif isinstance(value, Mapping) and {"data", "layout"} <= set(value):
                self._made.append((pipeline, name, "figure"))
            elif isinstance(value, Mapping) and "scores" in value:
                for row in value["scores"]:
                    self._scores[row["task"], row["metric"], row["method"]] = row

    @hook_impl(trylast=True)
    def after_pipeline_run(self, pipeline: Any, catalog: Any) -> None:
        """Print the tables."""
        console = Console()
        if not console.is_terminal:  # a file or a pipe has no width of its own
            console = Console(width=160)
        console.print(self._table_of_outputs(catalog))
        if self._scores:
            console.print(table_of_scores(self._scores.values()))
            console.print(
                f"All {len(self._scores)} scores, with every baseline, stand in the reports.", highlight=False
            )
        for line in self._notes:
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        for reason, outputs in self._skipped.items():
            named = "; ".join(f"{pipeline}: {', '.join(names)}" for pipeline, names in outputs.items())
            console.print(f"Skipped ({reason}): {named}", markup=False, highlight=False)
        skipped = {name for outputs in self._skipped.values() for names in outputs.values() for name in names}
        for line in _where_to_look(pipeline, catalog, skipped):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        console.print(f"Done in {time.perf_counter() - self._start:.0f} s.", highlight=False)

    def _table_of_outputs(self, catalog: Any) -> Table:
        table = Table(title="What was made", title_justify="left")
        for column in ("pipeline", "output", "what", "where"):
            table.add_column(column, overflow="fold")
        for pipeline, name, what in self._made:
            table.add_row(pipeline, name, what, _shown(catalog.get(name)))
        return table


def table_of_scores(rows: Iterable[Mapping[str, Any]]) -> Table:
    """The headlines among the rows of `statistics.scores.Score`, each beside chance and the best other method."""
    rows = list(rows)
    table = Table(title="Scores on what was held back", title_justify="left")
    for column in ("task", "metric", "method"):
        table.add_column(column, overflow="fold")
    table.add_column("score, 95 % interval", justify="right", no_wrap=True)
    table.add_column("chance", justify="right", no_wrap=True)
    table.add_column("best other method", overflow="fold")
    table.add_column("n", justify="right", no_wrap=True)
    for row in rows:
        if row.get("headline"):
            chance = "" if row.get("chance") is None else f"{row['chance']:.3f}"
            metric = row["metric"] + (" (lower is better)" if row.get("better") == "lower" else "")
            score = _with_interval(row)
            table.add_row(row["task"], metric, row["method"], score, chance, _best_other(row, rows), _count(row))
    return table


def _with_interval(row: Mapping[str, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    interval = "" if low is None or high is None else f" [{low:.2f}, {high:.2f}]"
    return escape(f"{row['score']:.3f}{interval}")


def _best_other(row: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> str:
    best = best_other(row, rows)
    return "" if best is None else f"{best['score']:.3f} {best['method']}"


def _count(row: Mapping[str, Any]) -> str:
    return f"{row['n']:,} {row['unit']}" if row.get("n") else ""


def _where_to_look(pipeline: Any, catalog: Any, skipped: Collection[str]) -> list[str]:
    """The pictures and texts that this run made; those of an earlier one may lie where this one skipped."""
    datasets = [catalog.get(name) for name in sorted(pipeline.all_outputs()) if name not in skipped]
    lines = [
        f"Look at {_shown(dataset)}"
        for dataset in datasets
        if isinstance(dataset, (PictureDataset, TextDataset)) and dataset.path.exists()
    ]
    return [*lines, "Graph: kedro viz run    Runs: kedro mlflow ui"]


def _shown(dataset: Any) -> str:
    path = Path(getattr(dataset, "path", ""))
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
