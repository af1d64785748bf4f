"""Names under which neurons are kept: file names on every system, and no two alike."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from neuropil.work.text import printable

logger = logging.getLogger(__name__)

LONGEST = 150  # bytes: 255 is what file systems take, and `.swc`, a number and a temporary's mark come on top
_UNSAFE = re.compile(r"[^\w.+() -]")  # what has no place in a file name on some system
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)", re.IGNORECASE)  # devices of Windows
_TOLD = 3


def safe_name(name: str) -> str:
    """The name as a file or folder of any system can bear it; a name that is one already stays as it is.

    Unicode is composed (NFC), so that names which look alike are alike. What is no letter, digit or one of `_.+-() `
    becomes `_`; dots and blanks go from both ends, devices of Windows (`CON`) get a `_` before them, and what is
    longer than `LONGEST` bytes is cut, with the hash of the whole name at its end.
    """
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip(". ") or "unnamed"
    if _RESERVED.match(safe):
        safe = f"_{safe}"
    if len(safe.encode()) > LONGEST:
        mark = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        safe = safe.encode()[: LONGEST - len(mark) - 2].decode("utf-8", "ignore").rstrip(". ") + f"__{mark}"
    return safe


def told_apart(records: Iterable[dict[str, Any]], field: str) -> Iterator[dict[str, Any]]:
    """Give each record a safe name, and the second of a name its source or a number besides.

    Names are compared without regard to case, as some file systems do, so that none overwrites another.
    """
    taken: set[str] = set()
    numbers: Counter[str] = Counter()
    renamed = 0
    for record in records:
        name = unique = safe_name(record[field])
        while unique.casefold() in taken:
            base = f"{name}__{record['source']}"
            unique = f"{base}{numbers[base] or ''}"
            numbers[base] += 1
        taken.add(unique.casefold())
        if unique != record[field]:
            renamed += 1
            if renamed <= _TOLD:
                what = printable(str(record.get("member") or record.get("swc") or record[field]))
                logger.warning("%s is kept as %s: its name is taken or no file name", what, unique)
        yield {**record, field: unique}
    if renamed > _TOLD:
        logger.warning("%d more are kept under another name; the log names each with its file", renamed - _TOLD)
