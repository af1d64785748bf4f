"""Classes with too few items to be learnt or scored: merged into one, or left out, and always reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

OTHER = "other"


@dataclass(frozen=True)
class Kept:
    """Labels after rare classes were dealt with.

    Attributes:
        labels: of each item; None where its class was left out or it had none.
        rare: the rare classes with their counts.
        how: what became of them.
        unlabelled: items that had no class.
    """

    labels: tuple[str | None, ...]
    rare: dict[str, int]
    how: Literal["leave_out", "merge"]
    unlabelled: int

    def said(self) -> str:
        """What was done, in one line; empty where nothing was."""
        if not self.rare:
            return ""
        named = ", ".join(f"{name} ({count})" for name, count in sorted(self.rare.items(), key=lambda one: -one[1]))
        left = self.how == "leave_out" or OTHER not in self.labels
        return f"{'left out' if left else f'merged into {OTHER!r}'}, for too few cells: {named}"


def fold_rare(
    labels: Sequence[str | None], *, least: int = 10, how: Literal["leave_out", "merge"] = "leave_out"
) -> Kept:
    """Leave classes with fewer than `least` items out, or merge them into "other".

    Merged classes that together have fewer than `least` items are left out all the same: one class of odd cells
    would be as rare as they were.

    Args:
        labels: the class of each item, None where it has none.
        least: items that a class must have.
        how: what becomes of the others.
    """
    counts = Counter(label for label in labels if label is not None)
    rare = {label: count for label, count in counts.items() if count < least}
    merged = how == "merge" and sum(rare.values()) + counts[OTHER] * (OTHER not in rare) >= least
    kept = tuple(None if label is None else (OTHER if merged else None) if label in rare else label for label in labels)
    return Kept(kept, dict(sorted(rare.items())), how, sum(label is None for label in labels))
