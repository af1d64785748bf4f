"""A file that is being received: its bytes so far, what proves that the rest belongs to them, and its digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any

from neuropil.errors import InputError, MachineError
from neuropil.sources.http.content import HEAD
from neuropil.sources.http.faults import AttemptError
from neuropil.work.atomic import disk_is_full

_CHUNK = 1 << 20
_RANGE = re.compile(r"^bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")


class Partial:
    """The bytes of a file so far, in `.NAME.download` beside where it will stand; a killed run finds them again.

    Beside it `.NAME.download.json` holds the key, and the validators (ETag, Last-Modified) of the answer that the
    bytes came from: the rest is asked for with Range and If-Range, so bytes of two versions are never joined.

    Args:
        target: where the file is to stand.
        key: of what is asked for; bytes under another key are thrown away.
        checked: a published checksum will tell, so a rest may be asked for even where the server gives no validator.
        with_md5: whether `md5` is wanted.
    """

    def __init__(self, target: Path, key: str, *, checked: bool, with_md5: bool = False) -> None:
        self.size = 0
        self.head = b""
        self._target, self._key, self._checked = target, key, checked
        self._path = target.parent / f".{target.name[-100:]}.download"
        self._about_path = self._path.with_name(f"{self._path.name}.json")
        self._about: dict[str, Any] = {}
        self._file: FileIO | None = None
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._with_md5 = with_md5

    def __enter__(self) -> Partial:
        try:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self._path, "ab", buffering=0)  # a killed run loses no bytes
        except OSError as error:
            raise self._explained(error) from error
        try:
            self._claim()
            self._resume()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as failed:
                if kind is None:
                    raise self._explained(failed) from failed
        if not self.size:
            self._forget()

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes so far."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """MD5 of the bytes so far, where it was wanted (old publications state no other)."""
        return self._md5.hexdigest()

    @property
    def source(self) -> dict[str, Any]:
        """The validators of the answer: etag, last_modified (each where given)."""
        return {name: self._about[name] for name in ("etag", "last_modified") if self._about.get(name)}

    def range_headers(self) -> dict[str, str]:
        """The headers that ask for the rest; none where all is to be asked for."""
        if not self.size:
            return {}
        etag, modified = self._about.get("etag"), self._about.get("last_modified")
        strong = etag if etag and not etag.startswith("W/") else None
        validator = strong or modified
        if validator is None and not self._checked:
            return {}  # nothing would tell whether the rest belongs to what we have
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": validator} if validator else {})

    def begin(self, status: int, headers: Mapping[str, str]) -> int | None:
        """Make ready for the body of an answer: what we have is kept (206) or thrown away (200).

        Returns:
            How many bytes the whole file has; None where the server does not say.

        Raises:
            AttemptError: the answer does not fit what we have, which is thrown away.
        """
        about = {"etag": headers.get("etag"), "last_modified": headers.get("last-modified")}
        if status == 206:
            start, total = _part_of(headers.get("content-range"))
            same = all(self._about.get(name) == value for name, value in about.items() if value)
            known = self._about.get("total")
            if start != self.size or not same or (None not in (known, total) and known != total):
                self.restart()
                raise AttemptError(
                    "the file changed at the server meanwhile" if not same else "answers with the wrong part"
                )
            return total
        self.restart()
        length = headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        self._about = {"key": self._key, **about, "total": total}
        try:
            self._about_path.write_text(json.dumps(self._about))  # a torn one is none, and all begins anew
        except OSError as error:
            raise self._explained(error) from error
        return total

    def whole(self, content_range: str | None) -> bool:
        """Whether a 416 (no such range) means that nothing is missing; else what we have is thrown away."""
        match = _RANGE.match(content_range or "")
        if self.size and match and match[3] == str(self.size):
            return True
        self.restart()
        return False

    def write(self, chunk: bytes) -> None:
        """Add bytes. Raises MachineError where the disk is full; what came before stays for the next run."""
        assert self._file is not None
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise self._explained(error) from error
        self._count(chunk)

    def restart(self) -> None:
        """Throw away what came so far."""
        assert self._file is not None
        self._file.seek(0)
        self._file.truncate()
        self.size, self.head, self._about = 0, b"", {}
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    @property
    def path(self) -> Path:
        """Where the bytes so far are."""
        return self._path

    def finish(self) -> None:
        """Set the file, whole, where it is to stand."""
        assert self._file is not None
        try:
            os.fsync(self._file.fileno())
            self._path.replace(self._target)
        except OSError as error:
            raise self._explained(error) from error
        self._about_path.unlink(missing_ok=True)

    def _claim(self) -> None:
        """Let no other run write to the same file; the system gives it free when this one ends, however it does."""
        with suppress(ImportError):  # Windows locks in another way, and has none here
            import fcntl

            assert self._file is not None
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(f"{self._target}: another run is fetching this file; wait until it ends") from error
            except OSError:  # some network file systems know no locks
                return

    def _resume(self) -> None:
        """Take up what an earlier run left, where it is of the same key."""
        with suppress(OSError, ValueError):
            about = json.loads(self._about_path.read_text())
            self._about = about if isinstance(about, dict) else {}
        if self._about.get("key") != self._key:
            self.restart()
            return
        with open(self._path, "rb") as file:
            while chunk := file.read(_CHUNK):
                self._count(chunk)

    def _count(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if len(self.head) < HEAD:
            self.head += chunk[: HEAD - len(self.head)]
        self._sha256.update(chunk)
        if self._with_md5:
            self._md5.update(chunk)

    def _forget(self) -> None:
        self._path.unlink(missing_ok=True)
        self._about_path.unlink(missing_ok=True)

    def _explained(self, error: OSError) -> MachineError:
        why = "the disk is full" if disk_is_full(error) else f"cannot be written ({error.strerror})"
        return MachineError(
            f"{self._target}: {why}; free some space or move the run with "
            "--params workspace=PATH; what came so far stays"
        )


def _part_of(content_range: str | None) -> tuple[int | None, int | None]:
    """First byte and length of the whole in a Content-Range; None where it does not say."""
    match = _RANGE.match(content_range or "")
    if match is None or match[1] is None:
        return None, None
    return int(match[1]), None if match[3] == "*" else int(match[3])
