"""A function that worker processes can import."""

import logging
import os
import time
from typing import Any

from neuropil.errors import MachineError


def process_of(n: int) -> dict[str, Any]:
    """Take a moment and say which process it was, and from which level on dask tells of itself there."""
    time.sleep(0.01)
    level = logging.getLogger("distributed.worker").getEffectiveLevel()
    return {"pid": os.getpid(), "n": n, "told": logging.getLevelName(level)}


def quick(n: int) -> dict[str, Any]:
    """Take no time; say which process it was. The number 40 is more than the machine can do."""
    if n == 40:
        raise MachineError("the disk is full")
    return {"pid": os.getpid(), "n": n}


def sometimes_long(n: int) -> dict[str, Any]:
    """Every fiftieth number takes longer than a task may take."""
    if n % 50 == 49:
        time.sleep(2.1)
    return {"n": n}


def number_of(result: dict[str, Any]) -> int:
    """What is told of a result of the others."""
    return int(result["n"])
