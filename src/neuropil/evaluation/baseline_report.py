"""The baselines in words and tables: one table of all methods, laboratories seen and unseen side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neuropil.evaluation.baselines import TWIN
from neuropil.evaluation.protocols import GROUPED, INSIDE, SEEN, UNSEEN, FoldSet
from neuropil.evaluation.tasks import TITLES
from neuropil.rendering.grouping import LABORATORY
from neuropil.statistics.scores import Comparison, Score
from neuropil.statistics.tables import comparison_markdown, markdown

_INTRODUCTION = """\
Features that nothing learnt, each with a plain classifier: what a trained network has to beat. Balanced accuracy with
its 95 % interval over neurons and seeds; in brackets beside a task, how many classes it has. A *twin* is the same
neuron without axon, with one radius for all nodes and a soma of one point: what a score loses there was knowledge of
the laboratory, or of the axon, and not of the dendrites. Methods are listed, not chosen: the best of a column, in bold,
is a maximum over all of them and flatters it."""
_SIDE_BY_SIDE = """\
*all*: all neurons; cells of one laboratory and day are on one side, the laboratory itself is on both. *unseen*: trained
without a laboratory and asked about it, among the classes that another laboratory has. *seen*: the same neurons and
classes as *unseen*, divided as *all*: the two differ by nothing but the laboratory. *laboratory*: the probe of what a
method knows of where a cell is from; a method that is good at it may be good at the rest for that reason."""
_INSIDE = "Only the cells of the largest laboratory, those of one day together: knowing the laboratory is of no use."
_LOST = """\
The same method about the same neurons, trained without their laboratory minus trained with others of their laboratory.
A difference below 0 is what the method had from the laboratory."""
_TWINS = """\
Each method minus its twin, on the same neurons. A difference above 0 is what axon, radii and soma tell; of the
laboratory, what they tell of where the cell is from."""


def write_baseline_report(
    rows: Sequence[Score],
    compared: Sequence[Comparison],
    sets: Sequence[FoldSet],
    document: Mapping[str, Any],
    failed: Mapping[str, str],
) -> str:
    """The report, in Markdown.

    Args:
        rows: of `baselines.score_methods`.
        compared: of `baseline_comparisons.compare_twins` and `compare_protocols`.
        sets: the fold sets behind them.
        document: the frozen folds that the sets are of.
        failed: neuron -> why it could not be described.
    """
    beside = sorted((one for one in sets if one.protocol != INSIDE), key=lambda one: one.label == LABORATORY)
    twins = [row for row in compared if row.second.endswith(TWIN)]
    lost = [row for row in compared if not row.second.endswith(TWIN)]
    sections = [
        "# Features without learning",
        _INTRODUCTION,
        f"Neurons: {len(document['neurons']):,}. Seeds: {document['seeds']}. Frozen folds: `{document['hash']}`.",
        "## Laboratories seen and unseen",
        _SIDE_BY_SIDE,
        _overview(rows, beside),
        *_part("## Inside the largest laboratory", _INSIDE, _overview(rows, _of(sets, INSIDE)), _of(sets, INSIDE)),
        *_part("## What an unseen laboratory costs", _LOST, comparison_markdown(lost).rstrip(), lost),
        *_part("## What the twin loses", _TWINS, comparison_markdown(twins).rstrip(), twins),
        *_remarks(rows, sets, document, failed),
        "## Each task",
        markdown(rows).rstrip(),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _part(title: str, words: str, table: str, what: Sequence[object]) -> list[str]:
    return [title, words, table] if what else []


def _of(sets: Sequence[FoldSet], protocol: str) -> list[FoldSet]:
    return [one for one in sets if one.protocol == protocol]


def _overview(rows: Sequence[Score], sets: Sequence[FoldSet]) -> str:
    """A row a method, a column a task and protocol; the best of each column in bold."""
    cells = {(row.method, row.task): row for row in rows}
    shown = [one for one in sets if any(row.task == one.title for row in rows)]
    if not shown:
        return "Nothing could be scored."
    best = {one.title: max(row.score for row in rows if row.task == one.title) for one in shown}
    lines = [f"| method | {' | '.join(_heading(one) for one in shown)} |", "|---|" + "--:|" * len(shown)]
    for method in dict.fromkeys(row.method for row in rows):
        found = [_cell(cells.get((method, one.title)), best[one.title]) for one in shown]
        lines.append(f"| {method} | {' | '.join(found)} |")
    chances = [f"{1 / len(one.classes):.2f}" for one in shown]
    counts = [f"{next(row.n for row in rows if row.task == one.title):,}" for one in shown]
    lines += [f"| chance | {' | '.join(chances)} |", f"| neurons | {' | '.join(counts)} |"]
    return "\n".join(lines)


_SAID = {GROUPED: "all", SEEN: "seen", UNSEEN: "unseen", INSIDE: "inside"}


def _heading(one: FoldSet) -> str:
    title = TITLES.get(one.label, one.label)
    said = "" if one.label == LABORATORY else f", {_SAID[one.protocol]}"
    return f"{title}{said} ({len(one.classes)})"


def _cell(row: Score | None, best: float) -> str:
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
