"""Many requests through a few threads: a stream in, a stream out, no more under way than may be."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from neuropil.sources.http.client import HttpClient

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 2  # items handed to each thread ahead of time


def in_order(client: HttpClient, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Yield `function(item)` for each item, in the order of the items (pages of a listing).

    Args:
        client: whose `concurrency` says how many threads there are; it is stopped where the stream is not read to its
            end or fails.
        function: makes requests with `client`, from a thread.
        items: a stream; a few are taken ahead for each thread.

    Raises:
        Exception: the first that `function` raised.
    """
    waiting: deque[Future[R]] = deque()
    with _pool(client) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= _AHEAD * client.http.concurrency:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def as_done(client: HttpClient, function: Callable[[T], R], items: Iterable[T]) -> Generator[R, None, None]:
    """Yield `function(item)` for each item as they end (files): one that takes long holds none up. See `in_order`."""
    waiting: set[Future[R]] = set()
    with _pool(client) as pool:
        for item in items:
            waiting.add(pool.submit(function, item))
            if len(waiting) >= _AHEAD * client.http.concurrency:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)


class _pool:  # noqa: N801  # used as a function
    """A pool of threads that does not go on where its user does not."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._pool = ThreadPoolExecutor(client.http.concurrency, thread_name_prefix="http")

    def __enter__(self) -> ThreadPoolExecutor:
        return self._pool

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            self._client.stop()
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
