"""What frozen embeddings are worth: tables and a picture of what encoder_answers.py finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from encoder_answers import Answers, Reading, Runs, answers, difference, figure
from encoder_units import Unit
from rat_cells import GROUPED, LABELS, UNSEEN, RatCells, protocols, task

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.baselines import majority
from neuropil.statistics.scores import Score
from neuropil.statistics.tables import markdown, score_table
from neuropil.work.atomic import atomic_path, write_text
from neuropil.work.index import read_lines, write_lines

METRIC = "balanced accuracy"
MAJORITY = "majority"
BASE = "clip 64"
"""The arm that every other is compared with, on the same test neurons."""

TITLES = {
    "cell_class": "cell class, a third held back", "layer": "layer, a third held back",
    "mtype": "m-type, a third held back", "laboratory": "laboratory, a third held back (lower is better)",
    UNSEEN: "m-type, unseen laboratory",
}  # fmt: skip
MAIN = {
    "fixed": Reading("hog", "one view", "linear"),
    "random": Reading("grid", "all views", "linear"),
    "vae": Reading("grid", "all views", "linear"),
    "clip": Reading("shared", "all views", "linear"),
    "clip_vae": Reading("shared", "all views", "linear"),
}
"""Decided before any score: what an arm is judged by. The other readings stand in the table below it."""

Key = tuple[str, Reading | None, str]


def report(cells: RatCells, units: Sequence[Unit], out: Path, *, seed: int) -> None:
    """Score the units that are there and write the tables and the picture of the scores into `out`."""
    sets = protocols(cells)
    asked = {label: task(sets, label, GROUPED) for label in LABELS} | {UNSEEN: task(sets, "mtype", UNSEEN)}
    kinds = _kinds(units)
    kept = out / "answers.jsonl"
    known = {line["key"]: line["given"] for line in read_lines(kept)} if kept.is_file() else {}
    runs: dict[Key, Runs] = {
        (arm, reading, title): found
        for arm, kind in kinds.items()
        for title, one in asked.items()
        for reading in _readings(kind)
        if (found := answers(cells, [unit for unit in units if unit.arm == arm], one, title, reading, known))
    }
    write_lines(kept, ({"key": key, "given": given} for key, given in known.items()))
    for title, one in asked.items():
        example = next((found for (_, _, of), found in runs.items() if of == title), None)
        if example:
            runs[MAJORITY, None, title] = [_majority(answered, one) for answered in example]
    rows = [
        _score(f"{arm}" if reading is None else f"{arm} ({reading})", found, asked[title], TITLES[title], seed)
        for (arm, reading, title), found in runs.items()
    ]
    with atomic_path(out / "scores.parquet") as part:
        score_table(rows).to_parquet(part)
    found = {(row.method, row.task): row for row in rows}
    write_text(out / "scores.md", markdown(rows))
    write_text(out / "arms.md", _arms(found, units))
    write_text(out / "differences.md", _differences(runs, kinds, seed))
    _draw(found, kinds, out / "scores.png")


def _readings(kind: str) -> list[Reading]:
    """The main reading first, then what differs from it in one thing."""
    main = MAIN[kind]
    readings = [main, main._replace(probe="5-NN")]
    if kind == "fixed":
        return [*readings, main._replace(views="one view, mirrored too")]
    readings.append(main._replace(views="front views"))
    features = ("shared", "grid", "mean_max") if kind.startswith("clip") else ("grid", "mean_max")
    return readings + [main._replace(feature=feature) for feature in features if feature != main.feature]


def _majority(answered: Answers, one: FoldSet) -> Answers:
    return Answers(answered.places, answered.truth, majority(one.truth[one.truth >= 0], len(answered.places)))


def _score(method: str, runs: Runs, one: FoldSet, title: str, seed: int) -> Score:
    score, low, high = figure(runs, seed)
    neurons = len(np.unique(np.concatenate([run.places for run in runs])))
    return Score(
        task=title, metric=METRIC, method=method, score=score, low=low, high=high, chance=1 / len(one.classes),
        n=neurons, split=one.hash[:8], seeds=len(runs), better="lower" if "laboratory, a third" in title else "higher",
    )  # fmt: skip


def _differences(runs: dict[Key, Runs], kinds: dict[str, str], seed: int) -> str:
    """Every arm minus the base on the same neurons, each by the reading it is judged by; a Markdown table."""
    lines = [f"| minus `{BASE}` | " + " | ".join(TITLES.values()) + " |", "|---|" + "--:|" * len(TITLES)]
    for arm, kind in kinds.items():
        cells = []
        for title in TITLES:
            first, base = runs.get((arm, MAIN[kind], title)), runs.get((BASE, MAIN["clip"], title))
            cells.append("{:+.2f} [{:+.2f}, {:+.2f}]".format(*difference(first, base, seed)) if first and base else "")
        if arm != BASE:
            lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _arms(found: dict[tuple[str, str], Score], units: Sequence[Unit]) -> str:
    """A row an arm, by the reading it is judged by, with what a training costs; a Markdown table."""
    lines = [
        "| arm | " + " | ".join(TITLES.values()) + " | seeds (thirds / unseen) | CPU s a training |",
        "|---|" + "--:|" * (len(TITLES) + 2),
    ]
    for arm, kind in _kinds(units).items():
        row = [found.get((f"{arm} ({MAIN[kind]})", title)) for title in TITLES.values()]
        figures = " | ".join("" if one is None else f"{one.score:.2f} [{one.low:.2f}, {one.high:.2f}]" for one in row)
        seeds = " / ".join("-" if one is None else str(one.seeds) for one in (row[0], row[-1]))
        lines.append(f"| {arm} | {figures} | {seeds} | {_seconds(units, arm):.0f} |")
    chance = {row.task: row.chance for row in found.values() if row.chance is not None}
    figures = " | ".join(f"{chance[title]:.2f}" if title in chance else "" for title in TITLES.values())
    return "\n".join([*lines, f"| chance | {figures} | | |"]) + "\n"


def _kinds(units: Sequence[Unit]) -> dict[str, str]:
    return {unit.arm: unit.section["kind"] for unit in units}


def _seconds(units: Sequence[Unit], arm: str) -> float:
    """CPU seconds of a training of the arm, the median."""
    times = []
    for unit in units:
        if unit.arm == arm:
            with np.load(unit.embeddings) as table:
                times.append(float(table["train_s"]))
    return float(np.median(times))


def _draw(found: dict[tuple[str, str], Score], kinds: dict[str, str], file: Path) -> None:
    """The arms' main readings: a panel a task, points with their intervals, chance as a line."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 * len(TITLES) + 2, 0.34 * len(kinds) + 1.4), layout="constrained")
    panels = figure.subplots(1, len(TITLES), sharey=True)
    colours = {"fixed": "0.4", "random": "0.65", "vae": "tab:orange", "clip": "tab:blue", "clip_vae": "tab:purple"}
    for panel, title in zip(panels, TITLES.values(), strict=True):
        for place, (arm, kind) in enumerate(kinds.items()):
            row = found.get((f"{arm} ({MAIN[kind]})", title))
            if row is not None and row.low is not None and row.high is not None:
                panel.plot([row.low, row.high], [place, place], color=colours[kind], lw=1.5)
                panel.plot(row.score, place, "o", color=colours[kind], ms=5)
                panel.axvline(row.chance, color="0.8", lw=1, zorder=0)
        panel.set_title(title.replace(", ", ",\n", 1), fontsize=9)
        panel.set_xlim(0, 1)
        panel.grid(axis="y", color="0.92")
    panels[0].set_yticks(range(len(kinds)), list(kinds))
    panels[0].invert_yaxis()
    figure.supxlabel(f"{METRIC}; lines: 95 % over neurons and seeds", fontsize=9)
    with atomic_path(file) as part:
        figure.savefig(part, format="png", dpi=110)
