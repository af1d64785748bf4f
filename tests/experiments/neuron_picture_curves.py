"""The experiment as pictures: all arms with their intervals; what numbers of views, pixels, draws do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from neuron_picture_looks import Look

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.scores import Score
from neuropil.work.atomic import atomic_path

_COLOURS = {"linear": "tab:blue", "k-NN": "tab:orange"}


def draw_arms(scores: Mapping[Any, Score], names: Sequence[str], sets: Sequence[FoldSet], path: Path) -> None:
    """A panel a task, a row an arm, points with their 95 % intervals; upright lines: the base, chance dotted."""
    from matplotlib.figure import Figure
    from neuron_picture_report import short_title

    figure = Figure((3 * len(sets) + 2, 0.28 * len(names) + 1.2), dpi=80, layout="constrained")
    panels = figure.subplots(1, len(sets), sharey=True, squeeze=False)[0]
    rows = -np.arange(len(names))
    for panel, one in zip(panels, sets, strict=True):
        for (probe, colour), shift in zip(_COLOURS.items(), (0.15, -0.15), strict=True):
            found = [scores[name, one.hash, probe] for name in names]
            middle = np.array([score.score for score in found])
            reach = np.abs(np.array([[score.low, score.high] for score in found], float).T - middle)
            panel.errorbar(middle, rows + shift, xerr=reach, fmt="o", color=colour, markersize=3, lw=0.8, label=probe)
            panel.axvline(middle[0], color=colour, lw=0.6)
        panel.axvline(1 / len(one.classes), color="0.5", lw=0.8, ls=":")
        panel.set_title(short_title(one), fontsize=10)
        panel.set_xlim(0, 1)
        panel.grid(axis="y", lw=0.3)
    panels[0].set_yticks(rows, names, fontsize=8)
    panels[0].legend(fontsize=8)
    with atomic_path(path) as part, open(part, "wb") as file:
        figure.savefig(file, format="png")


def draw_curves(scores: Mapping[Any, Score], looks: Mapping[str, Look], sets: Sequence[FoldSet], path: Path) -> None:
    """A panel a number that several arms differ in alone: frame, pixels, views of pca (mean), draws."""
    from matplotlib.figure import Figure
    from neuron_picture_report import short_title

    curves = {title: points for title, points in _curves(looks).items() if len(points) > 1}
    if not curves:
        path.unlink(missing_ok=True)
        return
    figure = Figure((4 * len(curves), 3.6), dpi=80, layout="constrained")
    for panel, (title, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        for number, one in enumerate(sets):
            found = [scores[name, one.hash, "linear"] for _, name in points]
            values = [value for value, _ in points]
            colour = f"C{number}"
            panel.plot(values, [score.score for score in found], "o-", ms=3, color=colour, label=short_title(one))
            if number < 2:
                low, high = np.array([[score.low, score.high] for score in found], float).T
                panel.fill_between(values, low, high, color=colour, alpha=0.12, lw=0)
        panel.set_xlabel(title)
        panel.set_xticks([value for value, _ in points])
    axis = figure.axes[0]
    axis.set_ylabel("balanced accuracy, linear")
    axis.legend(fontsize=7)
    with atomic_path(path) as part, open(part, "wb") as file:
        figure.savefig(file, format="png")


def _curves(looks: Mapping[str, Look]) -> dict[str, list[tuple[float, str]]]:
    """Title -> (number, arm): the arms that differ in that number alone."""
    first = next(iter(looks.values()))
    base = first.model_dump()

    def alike(start: dict[str, Any], field: str) -> list[tuple[Any, str]]:
        rest = {key: value for key, value in start.items() if key != field}
        found = [(look.model_dump(), name) for name, look in looks.items()]
        return [(one[field], name) for one, name in found if {k: v for k, v in one.items() if k != field} == rest]

    frames = [(sizes[0], name) for sizes, name in alike(base, "frames") if len(sizes) == 1 and sizes[0]]
    drawn = max(
        (look for look in looks.values() if look.draws), key=lambda look: look.draws, default=first
    ).model_dump()
    curves = {
        "micrometres across": frames,
        "pixels": alike(base, "pixels"),
        "views (pca, mean)": alike(base | {"cameras": "pca"}, "views"),
        "training pictures of changed trees": alike(drawn, "draws") if drawn["draws"] else [],
    }
    return {title: sorted(points) for title, points in curves.items()}
