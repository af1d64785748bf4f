"""What frozen embeddings are worth: plain classifiers on them, figures over neurons and seeds, tables and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from encoder_units import Unit
from numpy.typing import NDArray
from rat_cells import GROUPED, LABELS, UNSEEN, RatCells, protocols, task

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.baselines import linear_probe, linear_svm, majority, nearest_neighbours
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.scores import Score
from neuropil.statistics.tables import markdown, score_table
from neuropil.work.atomic import atomic_path, write_text
from neuropil.work.index import read_lines, write_lines
from neuropil.work.keys import content_key

NEIGHBOURS = 5
RESAMPLES = 1000
METRIC = "balanced accuracy"
MAJORITY = "majority"
BASE = "clip 64"
"""The arm that every other is compared with, on the same test neurons."""

TITLES = {
    "cell_class": "cell class, a third held back", "layer": "layer, a third held back",
    "mtype": "m-type, a third held back", "laboratory": "laboratory, a third held back (lower is better)",
    UNSEEN: "m-type, unseen laboratory",
}  # fmt: skip
Labels = NDArray[np.int64]


class Reading(NamedTuple):
    """How an arm's embedding is read: which feature, which views, which classifier."""

    feature: str
    views: str
    probe: str

    def __str__(self) -> str:
        return f"{self.feature}, {self.views}, {self.probe}"


MAIN = {
    "fixed": Reading("hog", "one view", "linear"),
    "random": Reading("grid", "all views", "linear"),
    "vae": Reading("grid", "all views", "linear"),
    "clip": Reading("shared", "all views", "linear"),
    "clip_vae": Reading("shared", "all views", "linear"),
}
"""Decided before any score: what an arm is judged by. The other readings stand in the table below it."""

VIEWS = ("all views", "front views")


@dataclass(frozen=True)
class Answers:
    """What was answered for some neurons in one run: places of the neurons, the truth, the answers."""

    places: Labels
    truth: Labels
    given: Labels


Runs = list[Answers]
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


def answers(
    cells: RatCells,
    units: Sequence[Unit],
    one: FoldSet,
    title: str,
    reading: Reading,
    known: dict[str, list[int]] | None = None,
) -> Runs:
    """The answers of an arm to a task, a run a seed; runs whose folds are not all there are left out.

    Args:
        cells: all of them.
        units: of the arm, those that are trained.
        one: the labels, and the folds of unseen laboratories.
        title: the task, a key of `TITLES`.
        reading: how the embedding is read.
        known: answers of before by their key; what is worked out is added.
    """
    known = {} if known is None else known
    protocol = UNSEEN if title == UNSEEN else "thirds"
    folds: dict[int, list[Answers]] = {}
    for unit in units:
        if unit.protocol != protocol:
            continue
        seen, takes_part = np.isin(cells.names, unit.train), one.truth >= 0
        test = np.flatnonzero(~seen & takes_part)
        key = content_key(unit.key, unit.train, one.hash, reading)
        if key not in known:
            features = _features(unit, cells, reading)
            train = np.flatnonzero(seen & takes_part)
            known[key] = _answered(features, train, test, one.truth, reading).tolist()
        folds.setdefault(unit.run, []).append(Answers(test, one.truth[test], np.array(known[key], np.int64)))
    whole = len(one.folds) if protocol == UNSEEN else 1
    return [_joined(parts) for _, parts in sorted(folds.items()) if len(parts) == whole]


def figure(runs: Sequence[Answers], seed: int) -> tuple[float, float, float]:
    """Balanced accuracy, the mean of the runs, with a 95 % interval over neurons and runs.

    Each resample draws neurons, which count in every run that asks about them, and runs.
    """
    low, high = np.nanpercentile(_resampled([runs], seed)[:, 0], [2.5, 97.5])
    return float(np.mean([balanced_accuracy(run.truth, run.given) for run in runs])), float(low), float(high)


def difference(first: Runs, second: Runs, seed: int) -> tuple[float, float, float]:
    """First minus second over the runs that both have, on the same neurons, with its 95 % interval."""
    both = min(len(first), len(second))
    drawn = _resampled([first[:both], second[:both]], seed)
    low, high = np.nanpercentile(drawn[:, 0] - drawn[:, 1], [2.5, 97.5])
    means = [np.mean([balanced_accuracy(run.truth, run.given) for run in of[:both]]) for of in (first, second)]
    return float(means[0] - means[1]), float(low), float(high)


def _resampled(methods: Sequence[Sequence[Answers]], seed: int) -> NDArray[np.float64]:
    """[RESAMPLES, methods]: the mean figure of each method on the same draws of neurons and runs."""
    neurons = np.unique(np.concatenate([run.places for run in methods[0]]))
    rng = np.random.default_rng([seed, len(neurons), RESAMPLES])
    found = np.empty((RESAMPLES, len(methods)))
    for row in found:
        counts = np.zeros(neurons[-1] + 1, np.int64)
        np.add.at(counts, neurons[rng.integers(0, len(neurons), len(neurons))], 1)
        drawn = rng.integers(0, len(methods[0]), len(methods[0]))
        for column, runs in enumerate(methods):
            row[column] = np.mean([_weighted(runs[run], counts[runs[run].places]) for run in drawn])
    return found


def _weighted(run: Answers, counts: Labels) -> float:
    """Balanced accuracy where each neuron counts so often."""
    size = int(run.truth.max()) + 1
    totals = np.bincount(run.truth, counts, size)
    right = np.bincount(run.truth, counts * (run.truth == run.given), size)
    return float((right[totals > 0] / totals[totals > 0]).mean())


def _readings(kind: str) -> list[Reading]:
    """The main reading first, then what differs from it in one thing."""
    main = MAIN[kind]
    readings = [main, main._replace(probe="5-NN")]
    if kind == "fixed":
        return [*readings, main._replace(views="one view, mirrored too")]
    readings.append(main._replace(views="front views"))
    features = ("shared", "grid", "mean_max") if kind.startswith("clip") else ("grid", "mean_max")
    return readings + [main._replace(feature=feature) for feature in features if feature != main.feature]


def _features(unit: Unit, cells: RatCells, reading: Reading) -> NDArray[np.float32]:
    """[cells, versions, d]; zeros for a cell of which there is no picture (a twin of an axon alone)."""
    with np.load(unit.embeddings) as table:
        values = table[reading.feature]
        place = {str(name): row for row, name in enumerate(table["neuron_name"])}
    if reading.feature != "hog":
        values = values[:, [VIEWS.index(reading.views)]]
    found = np.zeros((len(cells), *values.shape[1:]), np.float32)
    for row, name in enumerate(cells.names):
        if name in place:
            found[row] = values[place[name]]
    return found


def _answered(features: NDArray[np.float32], train: Labels, test: Labels, truth: Labels, reading: Reading) -> Labels:
    versions = 2 if "mirrored" in reading.views else 1
    labels = np.repeat(truth[train], versions)
    seen = features[train, :versions].reshape(-1, features.shape[2])
    present, numbers = np.unique(labels, return_inverse=True)  # a fold may train on some of the classes only
    if reading.probe == "5-NN":
        given = nearest_neighbours(seen, numbers, features[test, 0], k=NEIGHBOURS)
    else:
        probe = linear_svm if reading.feature == "hog" else linear_probe
        given = probe(seen, numbers, features[test, 0])
    return np.asarray(present[given], np.int64)


def _joined(parts: Iterable[Answers]) -> Answers:
    columns = zip(*((part.places, part.truth, part.given) for part in parts), strict=True)
    places, truth, given = (np.concatenate(column) for column in columns)
    order = np.argsort(places)
    return Answers(places[order], truth[order], given[order])


def _majority(answered: Answers, one: FoldSet) -> Answers:
    return Answers(answered.places, answered.truth, majority(one.truth[one.truth >= 0], len(answered.places)))


def _score(method: str, runs: Runs, one: FoldSet, title: str, seed: int) -> Score:
    score, low, high = figure(runs, seed)
    neurons = len(np.unique(np.concatenate([run.places for run in runs])))
    return Score(
        task=title, metric=METRIC, method=method, score=score, low=low, high=high, chance=1 / len(one.classes),
        n=neurons, split=one.hash[:8], seeds=len(runs), better="lower" if "laboratory, a third" in title else "higher",
    )  # fmt: skip


Key = tuple[str, Reading | None, str]


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
