"""Where work runs: in this process, in local processes, or on a dask cluster."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import cloudpickle
from pydantic import Field

from neuropil.errors import InputError
from neuropil.parameters import Section

_AHEAD = 4  # items in flight for each worker: enough to keep it busy, few enough to bound memory


class ComputeParameters(Section):
    """The one knob of local parallelism (the guide's `-j`), and the way to a cluster."""

    workers: int = Field(1, ge=1, le=1024, description="processes that render, measure and convert; 1 = this one")
    scheduler: str | None = Field(None, description="address of a dask scheduler (tcp://host:port); wins over workers")


class Pool(Protocol):
    """Runs a function over planned work."""

    def stream(self, function: Callable[[Any], Any], planned: Iterable[tuple[bool, Any]]) -> Iterator[Any]:
        """Yield, in order, `function(value)` for each `(True, value)` and `value` for each `(False, value)`."""
        ...


@contextmanager
def open_pool(compute: ComputeParameters) -> Iterator[Pool]:
    """A pool for the length of a block; its processes listen on loopback only and end with the block.

    They start with the first piece of work: where all is done already, none do.
    """
    if compute.scheduler is None and compute.workers == 1:
        yield _Here()
        return
    with ExitStack() as stack:
        yield _Dask(lambda: stack.enter_context(_client(compute)), compute.workers)


class _Here:
    def stream(self, function: Callable[[Any], Any], planned: Iterable[tuple[bool, Any]]) -> Iterator[Any]:
        for wanted, value in planned:
            yield function(value) if wanted else value


def _call(packed: bytes) -> Any:
    """Run a packed function on its packed value.

    Packed by us, what a worker cannot unpack (a module it does not have) is an error of that piece of work; left to
    dask it ends the worker, and the run waits for ever.
    """
    function, value = cloudpickle.loads(packed)
    return function(value)


class _Dask:
    def __init__(self, connect: Callable[[], Any], workers: int) -> None:
        self._connect = connect
        self._client: Any = None
        self._most = _AHEAD * workers

    def _submit(self, function: Callable[[Any], Any], value: Any) -> Any:
        if self._client is None:
            self._client = self._connect()
            self._most = max(self._most, _AHEAD * len(self._client.scheduler_info(n_workers=-1)["workers"]))
        return self._client.submit(_call, cloudpickle.dumps((function, value)), pure=False)

    def stream(self, function: Callable[[Any], Any], planned: Iterable[tuple[bool, Any]]) -> Iterator[Any]:
        """As `Pool.stream`; at most a few pieces of work for each worker are under way."""
        waiting: deque[tuple[bool, Any]] = deque()
        for wanted, value in planned:
            waiting.append((wanted, self._submit(function, value) if wanted else value))
            if len(waiting) >= self._most:
                yield self._first(waiting)
        while waiting:
            yield self._first(waiting)

    @staticmethod
    def _first(waiting: deque[tuple[bool, Any]]) -> Any:
        submitted, value = waiting.popleft()
        return value.result() if submitted else value


@contextmanager
def _client(compute: ComputeParameters) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    for name in ("distributed", "distributed.nanny", "distributed.worker", "distributed.scheduler", "bokeh"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with dask.config.set({"distributed.comm.timeouts.connect": "10s"}):
        if compute.scheduler is not None:
            try:
                client = Client(compute.scheduler)
            except (OSError, ValueError) as error:
                raise InputError(f"compute.scheduler={compute.scheduler}: no dask scheduler answers there") from error
            with client:
                yield client
            return
        with (
            _same_environment(),
            LocalCluster(
                n_workers=compute.workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


@contextmanager
def _same_environment() -> Iterator[None]:
    """Undo what dask leaves in this process: OMP_NUM_THREADS=1, which would slow all training after it."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
