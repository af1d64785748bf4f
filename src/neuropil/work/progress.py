"""One calm line on the console for each long step."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """A progress bar as a context manager; where the console is no terminal, one line at the end.

    Args:
        label: what is being done, in a few words ("rendering neurons").
        total: the number of steps, where known.
    """

    def __init__(self, label: str, total: int | None = None) -> None:
        console = Console(stderr=True)
        if not console.is_terminal:  # a file or a pipe has no width of its own
            console = Console(stderr=True, width=120)
        self._bars = Bars(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            refresh_per_second=4,
        )
        self._task = self._bars.add_task(label, total=total, note="")

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._bars.tasks[0].total is None:
            self._bars.update(self._task, total=self._bars.tasks[0].completed)
        self._bars.stop()

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """Go on by `steps`; `note` (a loss, a file) stands at the end of the line."""
        if note is None:
            self._bars.advance(self._task, steps)
        else:
            self._bars.update(self._task, advance=steps, note=note)
