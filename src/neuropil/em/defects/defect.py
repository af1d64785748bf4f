"""One defect of a volume, as the report tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Severity = Literal["severe", "minor"]
_RANGES = 6


@dataclass(frozen=True)
class Defect:
    """What is wrong.

    Attributes:
        check: what kind of defect it is ("noise", "transposed labels" ...).
        severity: "severe": nothing should be trained on it or scored with it as it is; "minor": it can be used.
        finding: what was found, for a person.
        what_to_do: for a person.
        sections: those that it is in; none where it is in all.
        label: the dataset of labels that it is in.
        fit: of the labels (see `inspection.label_fit.LabelFit`), where it tells of them.
    """

    check: str
    severity: Severity
    finding: str
    what_to_do: str
    sections: Sequence[int] = ()
    label: str | None = None
    fit: Mapping[str, Any] | None = None


def section_list(chosen: NDArray[np.bool_]) -> str:
    """The sections that are true, with ranges: "section 3", "sections 3, 17-19"; of many the first ones."""
    numbers = np.flatnonzero(chosen)
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs if len(run)]
    word = "section" if len(numbers) == 1 else "sections"
    told = sum(len(run) for run in runs[:_RANGES])
    more = f" and {len(numbers) - told} more" if told < len(numbers) else ""
    return f"{word} {', '.join(texts[:_RANGES])}{more}"
