"""A function that worker processes can import."""

import os
import time
from typing import Any


def process_of(n: int) -> dict[str, Any]:
    """Take a moment and say which process it was."""
    time.sleep(0.01)
    return {"pid": os.getpid(), "n": n}
