"""The tables and curves of experiment A, from what em_recipe.py left.

    python tests/experiments/em_recipe_table.py --out FOLDER

Writes FOLDER/arms.md (a row an arm and method of decoding: means over its seeds, the spread, the difference to the
base's same method and seed) and FOLDER/curves.png (validation loss of the affinities over the processor time of
training). Arms are compared by the validation part; the test part stands beside it and chose nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np
import yaml
from em_recipe import HERE, scores
from numpy.typing import NDArray

from neuropil.em.baseline import candidates, threshold_watershed
from neuropil.em.decoding import best_calibration
from neuropil.em.metrics import Contingency, variation_of_information
from neuropil.work.atomic import atomic_path, write_text

BASE = "base"
Run = dict[str, Any]


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    plan = yaml.safe_load((HERE / "em_recipe.yml").read_text(encoding="utf-8"))
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((asked.out / "scores").glob("*.json"))]
    arms: dict[str, list[Run]] = {arm: [run for run in found if run["arm"] == arm] for arm in plan["arms"]}
    arms = {arm: of for arm, of in arms.items() if of}
    if BASE not in arms:
        sys.exit(f"{asked.out}: the base is not there; run em_recipe.py --only base first")
    lines = [*HEAD, *(row(arm, method, of, arms[BASE]) for method in plan["methods"] for arm, of in arms.items()), ""]
    lines += references(asked.out / arms[BASE][0]["network"])
    write_text(asked.out / "arms.md", "\n".join(lines) + "\n")
    sys.stdout.write("\n".join(lines) + "\n")
    draw(arms, asked.out / "curves.png")


HEAD = (
    "| decoder | arm | seeds | CPU s | loss, validation | VOI, validation | to base | test: VOI (split + merge) "
    "| adapted Rand error | recall > 1,000 voxels | precision | fragments merged by an oracle: VOI |",
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
)


def row(arm: str, method: str, runs: Sequence[Run], base: Sequence[Run]) -> str:
    """A line of the table."""
    own = {run["seed"]: validation(run, method) for run in runs}
    others = {run["seed"]: validation(run, method) for run in base}
    differences = [value - others[seed] for seed, value in own.items() if seed in others]
    to_base = "" if arm == BASE or not differences else f"{spread(differences, '+.2f')}"
    tests = [run["methods"][method]["test"] for run in runs]
    split, merge = (fmean(test[name][0] for test in tests) for name in ("VOI split", "VOI merge"))

    def over_seeds(name: str) -> str:
        return spread([test[name][0] for test in tests])

    return (
        f"| {method} | {arm} | {len(runs)} | {fmean(run['train_cpu_s'] for run in runs):.0f} "
        f"| {spread([run['history'][-1]['val/loss_aff'] for run in runs])} | {spread(list(own.values()))} | {to_base} "
        f"| {over_seeds('VOI')} ({split:.2f} + {merge:.2f}) | {over_seeds('adapted Rand error')} "
        f"| {over_seeds('object recall')} | {over_seeds('object precision')} | {over_seeds('oracle VOI')} |"
    )


def validation(run: Run, method: str) -> float:
    """VOI of the validation part at the setting that was chosen there."""
    found: Mapping[str, float] = run["methods"][method]["val"]
    return float(found["VOI split"] + found["VOI merge"])


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Mean, and the standard deviation over seeds where there are several."""
    mean = format(fmean(values), form)
    return mean if len(values) < 2 else f"{mean} ± {stdev(values):.2f}"


def references(network: Path) -> list[str]:
    """What no network reaches on the same test part: one segment, and the classical baseline told by validation."""
    parts = {name: np.load(network.parent / f"{name}.npz") for name in ("val", "test")}
    truth, raw, spacing = parts["test"]["truth"], parts["test"]["raw"], (10.0, 10.0, 10.0)
    rows = []
    for threshold in candidates():
        cells = threshold_watershed(parts["val"]["raw"], spacing, threshold)
        split, merge = variation_of_information(Contingency.of(parts["val"]["truth"], cells))
        rows.append({"setting": threshold, "voi_split": split, "voi_merge": merge})
    classical = threshold_watershed(raw, spacing, best_calibration(rows)["setting"])
    lines = ["| on the same test part | VOI | adapted Rand error | recall > 1,000 voxels |", "|---|---|---|---|"]
    for name, labels in (("one segment", np.ones_like(truth)), ("threshold + watershed", classical), ("truth", truth)):
        lines.append(reference(name, truth, labels))
    return lines


def reference(name: str, truth: NDArray[np.int64], labels: NDArray[np.integer]) -> str:
    """A line, with 95 % intervals."""
    found = scores(truth, labels, seed=0)
    cells = []
    for measure in ("VOI", "adapted Rand error", "object recall"):
        score, low, high = found[measure]
        cells.append(f"{score:.2f}" if low is None else f"{score:.2f} [{low:.2f}, {high:.2f}]")
    return f"| {name} | {' | '.join(cells)} |"


def draw(arms: dict[str, list[Run]], target: Path) -> None:
    """Validation loss of the affinities over processor time, a line an arm (mean over seeds)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 5.5), layout="constrained")
    # An arm whose trainings another one has too, decoded otherwise, has no curve of its own.
    networks = {arm: {run["network"] for run in runs} for arm, runs in arms.items()}
    places = {arm: (-len(own), place) for place, (arm, own) in enumerate(networks.items())}
    drawn = [arm for arm in arms if not any(
        networks[arm] <= networks[other] and places[other] < places[arm] for other in arms
    )]  # fmt: skip
    for number, arm in enumerate(drawn):
        runs = arms[arm]
        histories = [[epoch["val/loss_aff"] for epoch in run["history"]] for run in runs]
        losses = np.mean(histories, axis=0)
        minutes = np.mean([run["train_cpu_s"] for run in runs]) / 60 * np.arange(1, len(losses) + 1) / len(losses)
        again = "-" if number < 20 else "--"  # the colours begin anew
        axes.plot(minutes, losses, again, label=arm, color=pyplot.cm.tab20(number % 20), lw=3 if arm == BASE else 1.5)
    axes.set(xlabel="training, minutes of one core", ylabel="loss of the affinities, validation part")
    axes.legend(fontsize=8, frameon=False)
    with atomic_path(target) as part:
        figure.savefig(part, dpi=120, format="png")


if __name__ == "__main__":
    main()
