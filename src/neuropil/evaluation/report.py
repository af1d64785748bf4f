"""The evaluation in words: aligned tables, baselines beside scores, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Metrics = Mapping[str, Any]


def write_report(metrics: Metrics) -> str:
    """The human-readable form of `metrics.json`."""
    sections = [_head(metrics)]
    if "skipped" in metrics:
        sections.append(f"Neurons were not evaluated: {metrics['skipped']}")
    else:
        sections += [_zero_shot(metrics), _retrieval(metrics)]
    sections += [_other(metrics, "em_segmentation", "EM segmentation"), _other(metrics, "vae_pretrain", "SegVAE2D")]
    return "\n\n".join(section for section in sections if section) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns aligned: the first to the left, the others to the right."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    drawn = ["  ".join([line[0].ljust(widths[0]), *_right(line[1:], widths[1:])]).rstrip() for line in lines]
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
        )
    return "\n\n".join(blocks)


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


def _other(metrics: Metrics, key: str, title: str) -> str:
    scores = metrics.get(key)
    if not scores:
        return ""
    head = f"{title}\n{'-' * len(title)}\n"
    if "skipped" in scores:
        return head + f"not scored: {scores['skipped']}"
    rows = [
        [
            score["task"],
            score["method"],
            score["metric"],
            _figure(score),
            _chance(score),
            f"{score['n']} {score['unit']}",
        ]
        for score in scores["scores"]
    ]
    return head + table(["task", "method", "metric", "score", "chance", "n"], rows)


def _figure(score: Mapping[str, Any]) -> str:
    return f"{score['score']:.2f}{_interval(score)}"


def _interval(score: Mapping[str, Any]) -> str:
    return "" if score["low"] is None else f" [{score['low']:.2f}, {score['high']:.2f}]"


def _chance(score: Mapping[str, Any]) -> str:
    return "-" if score["chance"] is None else f"{score['chance']:.2f}"


def _right(cells: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)]
