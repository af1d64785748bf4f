"""Published lists of checksums, and files within an archive compared with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from neuropil.errors import InputError
from neuropil.work.keys import content_key, file_digest
from neuropil.work.ledger import Entry, Ledger
from neuropil.work.progress import Progress

_LINE = re.compile(r"^(?P<sum>[0-9a-fA-F]{64})\s+\*?(?P<name>\S.*?)\s*$")
_BSD = re.compile(r"^SHA256 \((?P<name>.+)\) = (?P<sum>[0-9a-fA-F]{64})\s*$")


def read_checksums(path: Path) -> dict[str, str]:
    """SHA-256 by name of a file as `sha256sum` writes it (`SUM  NAME`), or its BSD form; other lines are passed over.

    Names keep their folders; a leading `./` goes.

    Raises:
        InputError: not one line is a checksum.
    """
    matches = [_LINE.match(line) or _BSD.match(line) for line in path.read_text(errors="replace").splitlines()]
    sums = {match["name"].removeprefix("./"): match["sum"].lower() for match in matches if match}
    if not sums:
        raise InputError(f"{path}: no line in it is a SHA-256 checksum with a name; remove it and run again")
    return sums


def check_files(root: Path, sums: Mapping[str, str], ledger: Path) -> int:
    """Compare the files below an unpacked archive with their checksums, each once; return how many have one.

    A name of the list that lies there, or in the one folder of the archive, is compared.

    Args:
        root: the unpacked archive.
        sums: SHA-256 by name.
        ledger: where it is written down which were right.

    Raises:
        InputError: a file is another one; the line says which and what to do.
    """
    bases = [root, *(folder for folder in sorted(root.iterdir()) if folder.is_dir())]
    listed = [(file, sums[name]) for name in sums for base in bases if (file := base / name).is_file()]
    known = Ledger(ledger)
    with Progress("checking files", len(listed)) as progress:
        for file, published in listed:
            about = file.stat()
            name, key = str(file), content_key(published, about.st_size, about.st_mtime_ns)
            if known.find(name, key) is None:
                found = file_digest(file)
                if found != published:
                    raise InputError(
                        f"{file}: its SHA-256 is {found}, but {published} was published; remove {root} and the archive "
                        "beside its folder, and run again"
                    )
                known.add(Entry(name, key, "done"))
            progress.advance()
    return len(listed)
