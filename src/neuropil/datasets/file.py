"""What all datasets of one file share: whole writes, and the mark of a step that was skipped."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from neuropil.errors import InputError
from neuropil.work.atomic import atomic_path, write_text
from neuropil.work.skipped import Skipped

Value = TypeVar("Value")


class FileDataset(AbstractDataset[Any, Any], Generic[Value]):
    """A file that is written whole or not at all, and that can stand as skipped.

    A `Skipped` is kept beside the place of the file as `<name>.skipped`, one line with the reason; writing
    the file removes it and the other way round.

    Args:
        filepath: where the file is.
        optional: a file that is missing loads as `Skipped`, for inputs that a pipeline can do without.
        metadata: of no meaning to Kedro; Kedro-Viz reads the layer from it.
    """

    def __init__(self, filepath: str, optional: bool = False, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._optional = optional
        self.metadata = metadata

    @abstractmethod
    def _read(self, path: Path) -> Value:
        """Read the file."""

    @abstractmethod
    def _write(self, path: Path, data: Value) -> None:
        """Write the file under a temporary name."""

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def load(self) -> Value | Skipped:
        """The file's content, or why there is none."""
        if self._mark.exists():
            return Skipped(self._mark.read_text(encoding="utf-8").strip())
        if not self._path.exists():
            if self._optional:
                return Skipped(f"{self._path.name} was not made")
            raise InputError(f"{self._path}: no such file; run the pipeline that makes it")
        return self._read(self._path)

    def save(self, data: Value | Skipped) -> None:
        """Write the file, or the reason why there is none."""
        if isinstance(data, Skipped):
            write_text(self._mark, data.reason + "\n")
            self._path.unlink(missing_ok=True)
            return
        with atomic_path(self._path) as part:
            self._write(part, data)
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self._path.with_name(self._path.name + ".skipped")

    def _exists(self) -> bool:
        return self._path.exists() or self._mark.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._path)}
