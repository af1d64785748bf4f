"""One row form for every score: what was scored, how, with which interval, beside which chance level."""

from __future__ import annotations

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
