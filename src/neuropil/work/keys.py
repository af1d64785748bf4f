"""Content keys: the name under which a piece of work is recognised as done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_CHUNK = 1 << 20


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def content_key(*parts: Any) -> str:
    """Hash of what determines a result: inputs' digests, parameters, the engine's version.

    Args:
        parts: anything made of mappings, sequences, strings, numbers, booleans, None, paths (by name, not
            by content: pass `file_digest` for that) and pydantic models. Mappings hash alike in any order.

    Returns:
        40 hexadecimal digits (the first 160 bits of SHA-256).

    Raises:
        TypeError: for a part whose text would not be the same in the next run (an arbitrary object).
    """
    text = json.dumps([_plain(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"cannot make a content key of {type(value).__name__}: its text may change between runs")
