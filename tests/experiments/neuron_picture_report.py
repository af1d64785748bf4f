"""Tables and curves of the answers: every score with its interval, every arm against the one it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from neuron_picture_looks import Look
from numpy.typing import NDArray
from rat_cells import UNSEEN, asked, in_order

from neuropil.evaluation.protocols import FoldSet
from neuropil.statistics.intervals import balanced_accuracy
from neuropil.statistics.paired import Difference, over_seeds, paired_difference
from neuropil.statistics.scores import Score
from neuropil.statistics.tables import markdown, score_table
from neuropil.work.atomic import atomic_path

Labels = NDArray[np.int64]
METRIC = "balanced accuracy"
_PROBES = ("linear", "k-NN")
_SHORT = {"mtype": "m-type", "cell_class": "class", "layer": "layer", "laboratory": "laboratory"}
_PERMUTATIONS = 400  # behind an interval and a p of a difference


class Answered(NamedTuple):
    """The answers of an arm.

    Attributes:
        runs: hash of the fold set -> classifier -> a run a seed -> an array a fold.
        cpu_s: CPU seconds of all seeds.
    """

    runs: dict[str, dict[str, list[list[Labels]]]]
    cpu_s: float


def write_report(
    found: Mapping[str, Answered],
    sets: Sequence[FoldSet],
    looks: Mapping[str, Look],
    against: Mapping[str, str],
    about: Mapping[str, str],
    out: Path,
    *,
    resamples: int,
) -> None:
    """Write scores.parquet, scores.md, differences.parquet, summary.md, arms.png and curves.png.

    Args:
        found: the answers of each arm.
        sets: the tasks.
        looks: the look of each arm.
        against: arm -> the arm that it is compared with.
        about: arm -> the factor that it is about.
        out: the folder.
        resamples: behind each interval.
    """
    columns = {
        (name, one.hash, probe): in_order(one, given.runs[one.hash][probe])
        for name, given in found.items()
        for one in sets
        for probe in _PROBES
    }
    scores = {
        (name, one.hash, probe): _score(one, name, probe, columns[name, one.hash, probe], resamples)
        for one in sets
        for name in found
        for probe in _PROBES
    }
    differences = {
        (name, one.hash, probe): _difference(one, columns, name, other, probe)
        for name, other in against.items()
        if name in found and other in found
        for one in sets
        for probe in _PROBES
    }
    score_table(scores.values()).to_parquet(out / "scores.parquet")
    _text(out / "scores.md", markdown(scores.values()))
    _frame(differences, sets, against, about).to_parquet(out / "differences.parquet")
    _text(out / "summary.md", summary(scores, differences, found, sets, against, about, columns))
    from neuron_picture_curves import draw_arms, draw_curves

    draw_arms(scores, list(found), sets, out / "arms.png")
    draw_curves(scores, looks, sets, out / "curves.png")


def short_title(one: FoldSet) -> str:
    """`m-type, unseen`."""
    return f"{_SHORT.get(one.label, one.label)}, {'day' if one.protocol == 'grouped' else one.protocol}"


def _score(one: FoldSet, name: str, probe: str, columns: Sequence[Labels], resamples: int) -> Score:
    truth = one.truth[asked(one)]
    figure = over_seeds(balanced_accuracy, list(columns), truth, resamples=resamples)
    return Score(
        task=one.title, metric=METRIC, method=f"{name} + {probe}", score=figure.mean, low=figure.low, high=figure.high,
        chance=1 / len(one.classes), n=len(truth), split=one.hash, seeds=figure.seeds,
    )  # fmt: skip


def _mean_accuracy(truth: Labels, answers: Labels) -> float:
    """The mean over the seeds; answers (n, seeds)."""
    return float(np.mean([balanced_accuracy(truth, column) for column in answers.T]))


def _difference(one: FoldSet, columns: Mapping[Any, Sequence[Labels]], name: str, other: str, probe: str) -> Difference:
    first, second = (np.stack(columns[arm, one.hash, probe], axis=1) for arm in (name, other))
    return paired_difference(_mean_accuracy, first, second, one.truth[asked(one)], resamples=_PERMUTATIONS)


def _frame(
    differences: Mapping[Any, Difference], sets: Sequence[FoldSet], against: Mapping[str, str], about: Mapping[str, str]
) -> pd.DataFrame:
    titles = {one.hash: one.title for one in sets}
    return pd.DataFrame(
        [
            {"about": about[name], "arm": name, "against": against[name], "task": titles[split], "probe": probe}
            | {"difference": one.difference, "low": one.low, "high": one.high, "p": one.p, "n": one.n, "split": split}
            for (name, split, probe), one in differences.items()
        ]
    )


def summary(
    scores: Mapping[Any, Score],
    differences: Mapping[Any, Difference],
    found: Mapping[str, Answered],
    sets: Sequence[FoldSet],
    against: Mapping[str, str],
    about: Mapping[str, str],
    columns: Mapping[Any, Sequence[Labels]],
) -> str:
    """One Markdown table a classifier, a row an arm: each task's score, and what it gains over the arm beside it."""
    parts = []
    for probe in _PROBES:
        first = next(iter(found))
        heads = [f"{short_title(one)} ({len(one.classes)})" for one in sets]
        lines = [
            f"**{probe}**, balanced accuracy; below it the gain over the arm compared with, * where its 95 % interval "
            "leaves 0 out",
            "",
            f"| about | arm (against) | {' | '.join(heads)} | CPU s |",
            f"|---|---|{'--:|' * (len(sets) + 1)}",
        ]
        for name in found:
            cells = [_cell(scores[name, one.hash, probe], differences.get((name, one.hash, probe))) for one in sets]
            named = name if against.get(name, first) == first else f"{name} ({against[name]})"
            lines.append(f"| {about[name]} | {named} | {' | '.join(cells)} | {found[name].cpu_s:.0f} |")
        lines += [f"| | chance | {' | '.join(_short(1 / len(one.classes)) for one in sets)} | |"]
        lines += [f"| | neurons | {' | '.join(str(len(asked(one))) for one in sets)} | |"]
        parts.append("\n".join(lines))
    parts += [f"The arm picked on the other laboratories ({probe}): {picked(columns, list(found), sets, probe)}"
              for probe in _PROBES]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def picked(columns: Mapping[Any, Sequence[Labels]], names: Sequence[str], sets: Sequence[FoldSet], probe: str) -> str:
    """The score on unseen laboratories where, for each laboratory, the arm is the one that is best on the others.

    What the best of all arms reaches flatters by being picked on the very cells it is scored on; this does not.
    """
    texts = []
    for one in (each for each in sets if each.protocol == UNSEEN):
        places = asked(one)
        truth = one.truth[places]
        answers = {name: np.stack(columns[name, one.hash, probe], axis=1) for name in names}
        taken = np.empty((len(places), next(iter(answers.values())).shape[1]), np.int64)
        chosen = []
        for fold in one.folds:
            here = np.isin(places, fold.test)
            best = max(names, key=lambda name: _mean_accuracy(truth[~here], answers[name][~here]))
            taken[here] = answers[best][here]
            chosen.append(f"{fold.name}: {best}")
        figure = over_seeds(balanced_accuracy, list(taken.T), truth)
        texts.append(f"{short_title(one)} {_short(figure.mean)} [{_short(figure.low)}, {_short(figure.high)}]"
                     f" ({'; '.join(chosen)})")  # fmt: skip
    return ". ".join(texts)


def _cell(score: Score, difference: Difference | None) -> str:
    text = f"{_short(score.score)} [{_short(score.low)}, {_short(score.high)}]"
    if difference is None:
        return text
    sure = "*" if difference.low > 0 or difference.high < 0 else ""
    return f"{text}<br>{_short(difference.difference, signed=True)}{sure}"


def _short(value: float | None, *, signed: bool = False) -> str:
    """.57, +.03."""
    text = f"{value:+.2f}" if signed else f"{value:.2f}"
    return text.replace("0.", ".", 1) if abs(value or 0) < 1 else text


def _text(path: Path, text: str) -> None:
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
