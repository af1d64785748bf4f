"""The baselines in words and tables: one table of all methods and tasks, then each task with what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.scores import Score
from neuropil.statistics.tables import markdown

_INTRODUCTION = """\
Features that nothing learnt, each with a plain classifier: what a trained network has to beat. Balanced accuracy with
its 95 % interval over neurons and seeds; in brackets beside a task, how many classes it has. A *twin* is the same
neuron without axon, with one radius for all nodes and a soma of one point: what a score loses there was knowledge of
the laboratory, or of the axon, and not of the dendrites. Where cells of one *laboratory and day* are kept together, the
laboratory itself is still seen in training; where the *laboratory* is *unseen* it is not, and only classes that another
laboratory has can be asked for. Methods are listed, not chosen: the best of a column is a maximum over all of them and
flatters it."""


def write_baseline_report(
    rows: Sequence[Score], sets: Sequence[FoldSet], document: Mapping[str, Any], failed: Mapping[str, str]
) -> str:
    """The report, in Markdown.

    Args:
        rows: of `baselines.score_methods`.
        sets: the fold sets behind them.
        document: the frozen folds that the sets are of.
        failed: neuron -> why it could not be described.
    """
    sections = [
        "# Features without learning",
        _INTRODUCTION,
        f"Neurons: {len(document['neurons']):,}. Seeds: {document['seeds']}. Frozen folds: `{document['hash']}`.",
        _overview(rows, sets),
        *_remarks(rows, sets, document, failed),
        "## Each task",
        markdown(rows).rstrip(),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _overview(rows: Sequence[Score], sets: Sequence[FoldSet]) -> str:
    """A row a method, a column a task; the best of each column in bold."""
    cells = {(row.method, row.task): row for row in rows}
    best = {one.title: max((row.score for row in rows if row.task == one.title), default=None) for one in sets}
    titles = [one.title for one in sets if best[one.title] is not None]
    if not titles:
        return "Nothing could be scored."
    lines = [
        f"| method | {' | '.join(f'{one.title} ({len(one.classes)})' for one in sets if one.title in titles)} |",
        "|---|" + "--:|" * len(titles),
    ]
    for method in dict.fromkeys(row.method for row in rows):
        found = [_cell(cells.get((method, title)), best[title]) for title in titles]
        lines.append(f"| {method} | {' | '.join(found)} |")
    chances = [f"{1 / len(one.classes):.2f}" for one in sets if one.title in titles]
    counts = [f"{next(row.n for row in rows if row.task == title):,}" for title in titles]
    lines += [f"| chance | {' | '.join(chances)} |", f"| neurons | {' | '.join(counts)} |"]
    return "\n".join(lines)


def _cell(row: Score | None, best: float | None) -> str:
    if row is None:
        return ""
    figure = f"{row.score:.2f}"
    if row.score == best:
        figure = f"**{figure}**"
    return figure if row.low is None else f"{figure} [{row.low:.2f}, {row.high:.2f}]"


def _remarks(
    rows: Sequence[Score], sets: Sequence[FoldSet], document: Mapping[str, Any], failed: Mapping[str, str]
) -> list[str]:
    lines = [f"- {one.title}: {note}" for one in sets for note in one.notes]
    scored = {(row.task, row.method) for row in rows}
    lines += [
        f"- {one.title}: {method} failed; the log of the run says why"
        for one in sets
        for method in dict.fromkeys(row.method for row in rows)
        if (one.title, method) not in scored
    ]
    lines += [f"- not scored: {reason}" for reason in document["left_out"]]
    lines += [f"- {name} could not be described: {reason}" for name, reason in failed.items()]
    return ["## What was left out", "\n".join(lines)] if lines else []
