"""Text that can be written down: names of files may hold bytes that are no text, and signs that steer a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text with control characters, turns of direction and undecodable bytes written as escapes (`\x1b`).

    A name of a file that holds them cannot move the cursor, colour a log or break a line then.
    """
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def json_line(record: Mapping[str, Any], *, finite: bool = True) -> bytes:
    """The record as one line of JSON in UTF-8, with its line end; reading gives the very same.

    Raises:
        ValueError: a number is not finite, where that is asked for (such a line is no JSON for others).
    """
    text = json.dumps(record, ensure_ascii=False, allow_nan=not finite)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:  # a path whose bytes are no UTF-8 holds lone surrogates, which JSON can escape
        return json.dumps(record, allow_nan=not finite).encode() + b"\n"
