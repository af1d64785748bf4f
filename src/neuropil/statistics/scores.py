"""One row form for every score, and one for every comparison of two methods on the same items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """A figure with what is needed to believe it.

    Attributes:
        task: what is asked ("zero-shot cell class", "instances of neurons").
        metric: the measure's standard name ("balanced accuracy", "mAP", "adapted Rand error", "VOI split").
        method: what was scored ("clip", "majority", "threshold + watershed").
        score: the figure.
        low, high: its 95 % interval; None where there are too few items for one.
        chance: what guessing reaches; None where the measure has no such level.
        n: how many items (neurons, objects, voxels) it rests on.
        unit: what `n` counts.
        split: the hash of the frozen split that the items come from.
        better: "higher" or "lower".
        headline: whether the summary of a run shows it, beside the best other method of the same task and metric.
        reference: a limit and no method (an oracle, a neuron's own caption): never named as the best other method.
        seeds: how many seeds it is the mean of.
    """

    task: str
    metric: str
    method: str
    score: float
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    n: int = 0
    unit: str = "neurons"
    split: str = ""
    better: str = "higher"
    headline: bool = False
    reference: bool = False
    seeds: int = 1

    def record(self) -> dict[str, Any]:
        """The row as plain values, for JSON and tables."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same items: what the first has more than the second.

    Attributes:
        task, metric: as of `Score`.
        first, second: the methods.
        difference: score of the first minus that of the second.
        low, high: its 95 % interval, bootstrap over the items (and seeds).
        p: two-sided, of a permutation test (`paired.paired_difference`).
        p_holm: the same, adjusted for all comparisons of its family (a task).
        mcnemar: the exact p of McNemar's test of how many items either has right alone; None over several seeds.
        n, unit, split, better, seeds: as of `Score`.
    """

    task: str
    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    mcnemar: float | None = None
    n: int = 0
    unit: str = "neurons"
    split: str = ""
    better: str = "higher"
    seeds: int = 1

    def record(self) -> dict[str, Any]:
        """The row as plain values, for JSON and tables."""
        return asdict(self)


def best_other(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The best other method of the same task and metric; a limit (an oracle) is none. None where there is no other."""
    others = [
        other
        for other in rows
        if (other["task"], other["metric"]) == (row["task"], row["metric"])
        and other["method"] != row["method"]
        and not other.get("reference")
    ]
    sign = -1 if row.get("better") == "lower" else 1
    return max(others, key=lambda other: sign * other["score"], default=None)
