"""The lines that neuropil writes at the head of an SWC file, and takes off again when it reads one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_OWN = "neuropil: "
_OWN_LINE = re.compile(rf"{_OWN}(neuron|source|units|types|soma|repairs)\b")


def own_lines(name: str, source: str | None, somata: Sequence[str], repairs: Sequence[str]) -> list[str]:
    """What a person needs to know of the file: whose it is, its units, where it is from, what was mended.

    Args:
        name: the neuron's.
        source: where it is from.
        somata: the convention of each cell body (see `soma`).
        repairs: names of what was mended.
    """
    return [
        f"{_OWN}neuron {name}",
        f"{_OWN}source {source or 'unknown'}",
        f"{_OWN}units micrometres; columns id type x y z radius parent",
        f"{_OWN}types 0 undefined, 1 soma, 2 axon, 3 basal dendrite, 4 apical dendrite, 5 and above custom",
        f"{_OWN}soma {', '.join(dict.fromkeys(somata)) or 'none'}",
        f"{_OWN}repairs {', '.join(repairs) or 'none'}",
    ]


def strip_own_lines(comments: Iterable[str]) -> tuple[str, ...]:
    """The comments without `own_lines`, so that a file may be read and written any number of times."""
    return tuple(comment for comment in comments if not _OWN_LINE.match(comment))
