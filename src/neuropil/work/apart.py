"""A function in a process of its own, whose memory goes when it ends."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from neuropil.errors import MachineError

P = ParamSpec("P")
T = TypeVar("T")

_CHILD = "from neuropil.work.apart import answer; answer()"


def apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`function(*args, **kwargs)` in a fresh process.

    For what is done once and loads much: compiled kernels and pictures of the previews would otherwise stay in the
    leading process, which lives as long as the run. It takes the time of an interpreter's start and its imports. Unlike
    `multiprocessing` it does not import the caller's main module again, so a script without a guard may call it.

    Args:
        function: importable (not of `__main__`); its arguments, its result and its errors are pickled.

    Raises:
        MachineError: the process ended without an answer, most likely for want of memory.
    """
    task = pickle.dumps((function, args, kwargs))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ended = subprocess.run([sys.executable, "-c", _CHILD], input=task, stdout=subprocess.PIPE, env=environment)
    if ended.returncode != 0:
        name = f"{function.__module__}.{function.__qualname__}"
        raise MachineError(f"{name}: its process ended without an answer, most likely for want of memory")
    succeeded, answered = pickle.loads(ended.stdout)  # of our own process
    if not succeeded:
        raise answered
    return answered  # type: ignore[no-any-return]


def answer() -> None:
    """The other process: do what standard input says; standard output takes the pickled result, or the error."""
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anybody prints is no part of the answer
    try:
        function, args, kwargs = pickle.load(sys.stdin.buffer)
        found = True, function(*args, **kwargs)
    except Exception as error:  # raised again where it was asked
        found = False, error
    with target:
        target.write(pickle.dumps(found))
