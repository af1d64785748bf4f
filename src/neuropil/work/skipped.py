"""The mark of a step that had nothing to do."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skipped:
    """Stands where a result would stand, with the reason why there is none ("no volumes: ...")."""

    reason: str
