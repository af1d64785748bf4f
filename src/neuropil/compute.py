"""Where work runs: in this process, in local processes, or on a dask cluster."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import cloudpickle
from pydantic import Field

from neuropil.errors import InputError
from neuropil.parameters import Section

_AHEAD = 4  # tasks in flight for each worker: enough to keep it busy, few enough to bound memory
_TASK_SECONDS = 0.4  # quick values go together until a task takes this long: a task alone costs some milliseconds
_TASK_AT_MOST = 2.0  # seconds after which a task hands back what it has not come to
_TOGETHER = 64
_LEFT = object()


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


def _call(packed: bytes) -> tuple[list[Any], float]:
    """Run a packed function on its packed values; the results of those it came to, and the seconds.

    It stops early where the time of a task is over or a value raises; what is left comes in a task of its own, and an
    error only from the first value of a task, so that no result before it is lost. Packed by us, what a worker cannot
    unpack (a module it does not have) is an error of that piece of work; left to dask it ends the worker, and the run
    waits for ever.
    """
    function, values = cloudpickle.loads(packed)
    start = time.perf_counter()
    results: list[Any] = []
    for value in values:
        try:
            results.append(function(value))
        except Exception:
            if not results:
                raise
            break
        if time.perf_counter() - start > _TASK_AT_MOST:
            break
    return results, time.perf_counter() - start


_Planned = tuple[bool, Any]


class _Dask:
    def __init__(self, connect: Callable[[], Any], workers: int) -> None:
        self._connect = connect
        self._client: Any = None
        self._most = _AHEAD * workers
        self._size = 1.0  # values in a task: found while running

    def stream(self, function: Callable[[Any], Any], planned: Iterable[_Planned]) -> Iterator[Any]:
        """As `Pool.stream`; at most a few tasks for each worker are under way."""
        waiting: deque[tuple[list[_Planned], Any]] = deque()
        gathered: list[_Planned] = []
        wanted = 0
        for one in planned:
            gathered.append(one)
            wanted += one[0]
            if wanted >= self._size or len(gathered) >= _TOGETHER:
                waiting.append((gathered, self._submit(function, gathered)))
                gathered, wanted = [], 0
                while len(waiting) >= self._most or (waiting and waiting[0][1] is None):
                    yield from self._first(function, waiting)
        if gathered:
            waiting.append((gathered, self._submit(function, gathered)))
        while waiting:
            yield from self._first(function, waiting)

    def _submit(self, function: Callable[[Any], Any], planned: list[_Planned]) -> Any:
        """The future of the values that must be worked on; None where there are none."""
        values = [value for wanted, value in planned if wanted]
        if not values:
            return None
        if self._client is None:
            self._client = self._connect()
            self._most = max(self._most, _AHEAD * len(self._client.scheduler_info(n_workers=-1)["workers"]))
        return self._client.submit(_call, cloudpickle.dumps((function, values)), pure=False)

    def _first(self, function: Callable[[Any], Any], waiting: deque[tuple[list[_Planned], Any]]) -> Iterator[Any]:
        """The results of the first task under way; what it left undone is sent again, still as the first."""
        planned, future = waiting.popleft()
        results, seconds = future.result() if future is not None else ([], 0.0)
        done = iter(results)
        if results:
            fitting = _TASK_SECONDS * len(results) / max(seconds, 1e-6)
            self._size = min(2 * self._size, fitting, _TOGETHER) if fitting >= 1 else 1.0
        for place, (wanted, value) in enumerate(planned):
            if wanted and (value := next(done, _LEFT)) is _LEFT:
                waiting.appendleft((planned[place:], self._submit(function, planned[place:])))
                return
            yield value


_SETTINGS = {
    "distributed.comm.timeouts.connect": "10s",
    "distributed.worker.profile.enabled": False,
    # Its loops look at themselves and at the memory fifty times a second: idle, they take 4 % of two cores.
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "1s",
    "distributed.scheduler.work-stealing-interval": "1s",
    # dask has workers give memory back at every 64 kB: each array is mapped and cleared anew then, a fifth of the time.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 256 << 20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 32 << 20,
}


@contextmanager
def _client(compute: ComputeParameters) -> Iterator[Any]:
    import dask
    from distributed import Client, LocalCluster

    for name in ("distributed", "distributed.nanny", "distributed.worker", "distributed.scheduler", "bokeh"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with dask.config.set(_SETTINGS):
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
                n_workers=compute.workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # any port: 8787 may be another run's
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


@contextmanager
def _same_environment() -> Iterator[None]:
    """Undo what is set for dask's workers: OMP_NUM_THREADS=1 would slow all training after it."""
    before = dict(os.environ)
    os.environ["DASK_LOGGING__DISTRIBUTED"] = "critical"  # workers tell of nothing but that they were stopped
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
