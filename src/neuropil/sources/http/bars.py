"""A progress bar that counts bytes."""

from __future__ import annotations

import threading
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.errors import LiveError
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn


class ByteBar:
    """Bytes received or unpacked, their rate and the time left; where the console is no terminal, one line at the end.

    It appears with the first call of `expect` or `advance`: what has nothing to do shows nothing. May be used from
    several threads.

    Args:
        label: what is being done, in a few words.
    """

    def __init__(self, label: str) -> None:
        console = Console(stderr=True)
        if not console.is_terminal:  # a file or a pipe has no width of its own
            console = Console(stderr=True, width=120)
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            refresh_per_second=4,
        )
        self._task = self._bars.add_task(label, total=None, note="")
        self._total = 0
        self._lock = threading.Lock()

    def __enter__(self) -> ByteBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars.live.is_started:
            if kind is None:
                self._bars.update(self._task, total=self._bars.tasks[0].completed)
            self._bars.stop()

    def expect(self, count: int) -> None:
        """So many bytes more (or fewer) are to come than was known."""
        with self._lock:
            self._total += count
            self._bars.update(self._task, total=self._total)
        self._start()

    def advance(self, count: int, note: str | None = None) -> None:
        """So many bytes came (fewer than none: what came was thrown away)."""
        if note is None:
            self._bars.update(self._task, advance=count)
        else:
            self._bars.update(self._task, advance=count, note=note)
        self._start()

    def _start(self) -> None:
        if not self._bars.live.is_started:
            with suppress(LiveError):  # another bar is on the console: that one is enough
                self._bars.start()
