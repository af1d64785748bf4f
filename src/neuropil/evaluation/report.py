"""The evaluation in words: headlines first, baselines beside scores, and what was left out.

What it leaves out for brevity stands in the table of all scores (`all_scores.write_scores`), and it says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from neuropil.evaluation.all_scores import GROUPS, TRAININGS, gather_scores
from neuropil.statistics.scores import best_other
from neuropil.statistics.tables import difference, figure, number, p_value

Metrics = Mapping[str, Any]


def write_report(metrics: Metrics) -> str:
    """The human-readable form of `metrics.json`."""
    sections = [_head(metrics), _headlines(metrics)]
    if "skipped" in metrics:
        sections.append(f"Neurons were not evaluated: {metrics['skipped']}")
    else:
        sections += [_zero_shot(metrics), _retrieval(metrics)]
    sections += [_other(metrics.get(key, {}), group) for group, key in TRAININGS.items()]
    return "\n\n".join(section for section in sections if section) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """Columns aligned: those numbered in `left` (the first) to the left, the others to the right."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    drawn = [
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([drawn[0], "-" * len(drawn[0]), *drawn[1:]])


def score_line(score: Mapping[str, Any]) -> str:
    """A score in one line: "balanced accuracy 0.62 [0.48, 0.75], n = 48, chance 0.13"."""
    chance = "" if score["chance"] is None else f", chance {score['chance']:.2f}"
    return f"{score['metric']} {score['score']:.2f}{_interval(score)}, n = {score['n']}{chance}"


def _head(metrics: Metrics) -> str:
    lines = ["neuropil: evaluation on the test part", "=" * 37]
    if "skipped" not in metrics:
        parts = ", ".join(f"{count} {part}" for part, count in metrics["neurons"].items())
        lines += [
            f"neurons       {parts} (split by neuron)",
            f"split         {metrics['split']}",
            f"checkpoint    {metrics['checkpoint']}",
            f"text encoder  {metrics['text_encoder']}",
            f"pooling       {metrics['pooling']} over the views of a neuron",
            "",
            "Square brackets: 95 % bootstrap interval over neurons. Nothing here was used to choose a model.",
            "Own caption: the neuron's caption in place of its pictures, classified by the same prompts.",
        ]
    return "\n".join(lines)


ALL = "scores.md"
"""The file of all scores (catalog `scores_table`), beside the report."""


def _headlines(metrics: Metrics) -> str:
    """What the run reached in a line a task, each beside chance and the best other method; and where all rows are."""
    found = gather_scores(metrics, "", "")
    rows = [row for group in GROUPS for row in found.scores if row["group"] == group and row.get("headline")]
    if not found.scores:
        return ""
    lines = []
    for row in rows:
        other = best_other(row, found.scores)
        beside = "-" if other is None else f"{number(other['score'])} {other['method']}"
        measure = row["metric"] + (" (lower is better)" if row.get("better") == "lower" else "")
        lines.append([row["task"], measure, figure(row), number(row.get("chance")) or "-", beside])
    drawn = (
        table(["task", "measure", "score", "chance", "best other method"], lines, (0, 1, 4)) + "\n\n" if lines else ""
    )
    where = f"All {len(found.scores)} scores of every method and measure: {ALL} and scores.parquet, beside this file."
    return f"Headlines\n---------\n{drawn}{where}"


def _zero_shot(metrics: Metrics) -> str:
    blocks = ["Classification\n--------------"]
    for label, task in metrics["zero_shot"].items():
        title = str(task["title"])
        if "skipped" in task:
            blocks.append(f"{title}: not scored; {task['skipped']}{_left_out(task)}")
            continue
        rows = [
            score
            for score in metrics["scores"]
            if score["task"].removeprefix("zero-shot ") == title and score["chance"]
        ]
        methods = list(dict.fromkeys(score["method"] for score in rows))
        found = {(score["method"], score["metric"]): score for score in rows}
        names = list(dict.fromkeys(score["metric"] for score in rows))
        chance = ["chance", *[f"{found[methods[0], name]['chance']:.2f}" for name in names]]
        body = [[method, *[_figure(found[method, name]) for name in names]] for method in methods]
        counts = ", ".join(f"{name} {n}" for name, n in zip(task["classes"], task["test_neurons"], strict=True))
        n = sum(task["test_neurons"])
        blocks.append(
            f"{title} ({label}): {len(task['classes'])} classes, {n} test neurons: {counts}{_left_out(task)}\n"
            + table(["method", *names], [*body, chance])
            + _compared(task)
        )
    return "\n\n".join(blocks)


def _compared(task: Metrics) -> str:
    """Zero-shot CLIP minus each other method; all comparisons stand beside the scores."""
    rows = task.get("comparisons", ())
    first = [row for row in rows if row["first"] == rows[0]["first"]]
    if not first:
        return ""
    body = [
        [f"minus {row['second']}", difference(row), p_value(row["p_holm"]), p_value(row["mcnemar"])] for row in first
    ]
    return "\n\n" + table([f"{first[0]['first']}, on the same neurons", "difference", "p, Holm", "McNemar p"], body)


def _left_out(task: Mapping[str, Any]) -> str:
    texts = []
    if task["left_out"]:
        named = ", ".join(f"{name} ({count})" for name, count in task["left_out"].items())
        texts.append(f"left out for too few test neurons: {named}")
    if task["unlabelled"]:
        texts.append(f"{task['unlabelled']} test neurons without this label")
    return "".join(f"\n  {text}" for text in texts)


def _retrieval(metrics: Metrics) -> str:
    rows = []
    for level, ways in metrics["retrieval"].items():
        for way in ("text to neuron", "neuron to text"):
            figures = ways[way]
            if "mAP" not in figures:
                rows.append([f"{level}, {way}", str(figures["queries"]), str(figures["left_out"]), *["-"] * 6])
                continue
            cells = [f"{figures[name]['score']:.2f} ({figures[name]['chance']:.2f})" for name in _RETRIEVAL]
            rows.append([f"{level}, {way}", str(figures["queries"]), str(figures["left_out"]), *cells])
    note = (
        "A hit is every neuron that all facts of the caption are true of. In brackets: what a random order reaches\n"
        "with the same hits. Left out: queries for which every candidate, or none, is a hit."
    )
    head = "Retrieval among the test neurons\n--------------------------------\n"
    return head + note + "\n\n" + table(["captions", "queries", "left out", *_RETRIEVAL], rows)


_RETRIEVAL = ("R@1", "R@5", "R@10", "median rank", "MRR", "mAP")


def _other(scores: Metrics, title: str) -> str:
    """A training's held-out tasks: every method by the measures that a headline stands in."""
    if not scores:
        return ""
    blocks = [f"{title}\n{'-' * len(title)}"]
    if "skipped" in scores:
        return f"{blocks[0]}\nnot scored: {scores['skipped']}"
    rows = scores["scores"]
    for task in dict.fromkeys(row["task"] for row in rows):
        asked = [row for row in rows if row["task"] == task]
        shown = [row["metric"] for row in asked if row.get("headline")] or [row["metric"] for row in asked][:1]
        blocks.append(_task(task, asked, list(dict.fromkeys(shown))))
    notes = [*scores.get("notes", ()), *([scores["note"]] if "note" in scores else [])]
    blocks += ["\n".join(f"- {note}" for note in notes)] if notes else []
    return "\n\n".join(blocks)


def _task(task: str, rows: Sequence[Metrics], shown: Sequence[str]) -> str:
    """A row a method, a column a measure; below it how many measures more the table of all scores has."""
    found = {(row["method"], row["metric"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows if row["metric"] in shown))
    first = [next(row for row in rows if row["metric"] == name) for name in shown]
    header = [
        name + (" (lower is better)" if row.get("better") == "lower" else "")
        for name, row in zip(shown, first, strict=True)
    ]
    body = [
        [
            method + (" (a limit)" if any(row.get("reference") for row in rows if row["method"] == method) else ""),
            *["-" if (method, name) not in found else figure(found[method, name]) for name in shown],
        ]
        for method in methods
    ]
    chances = [number(row.get("chance")) or "-" for row in first]
    body += [["chance", *chances]] if any(chance != "-" for chance in chances) else []
    counts = ", ".join(dict.fromkeys(f"{row['n']:,} {row['unit']}" for row in first))
    more = len({row["metric"] for row in rows}) - len(shown)
    last = f"\n  {more} more measure{'s' if more > 1 else ''} of this task: {ALL}" if more else ""
    return f"{task}: {counts}\n" + table(["method", *header], body) + last


def _figure(score: Mapping[str, Any]) -> str:
    return f"{score['score']:.2f}{_interval(score)}"


def _interval(score: Mapping[str, Any]) -> str:
    return "" if score["low"] is None else f" [{score['low']:.2f}, {score['high']:.2f}]"
