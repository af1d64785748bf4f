"""What a node does when there is nothing to do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


def reason_to_skip(*inputs: Any) -> str | None:
    """The first reason among the inputs why there is nothing to work on; None where there is work."""
    for value in inputs:
        if isinstance(value, Skipped):
            return value.reason
        if isinstance(value, Index) and value.reason is not None:
            return value.reason
    return None


def skips(function: Callable[..., Any] | None = None, *, outputs: int = 1) -> Callable[..., Any]:
    """Decorate a node: where an input was skipped, pass its reason on instead of running.

    Args:
        function: the node's function.
        outputs: how many outputs the node has.

    Returns:
        The function; it returns `Skipped(reason)` for each output where an input is `Skipped` or an
        `Index` that is empty for a reason. Signature and type hints stay those of the function.
    """
    if function is None:
        return functools.partial(skips, outputs=outputs)

    @functools.wraps(function)
    def node(*args: Any, **kwargs: Any) -> Any:
        reason = reason_to_skip(*args, *kwargs.values())
        if reason is None:
            return function(*args, **kwargs)
        return Skipped(reason) if outputs == 1 else tuple(Skipped(reason) for _ in range(outputs))

    return node
