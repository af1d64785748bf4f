"""Broken SWC files of every kind, each with what is to come of it: its repairs and its tree, or why it is refused."""

import gzip
import io
import zipfile
from dataclasses import dataclass, field

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.swc import format_swc, read_swc, read_swc_bytes

BODY = """\
1 1 0 0 0 5 -1
2 3 0 10 0 1 1
3 3 0 20 0 1 2
4 3 5 30 0 1 3
5 2 0 -10 0 0.5 1
"""
FEW = {"few_rows": 1}


def lines(replaced, body=BODY):
    """The body with rows put in the place of those of the same number; None takes a row out."""
    rows = dict(enumerate(body.splitlines(), 1)) | replaced
    return "\n".join(row for row in rows.values() if row is not None) + "\n"


@dataclass
class Broken:
    """A file, the repairs it needs and, as a sound file, the tree that comes of it (the body where not said)."""

    content: str | bytes
    repairs: dict[str, int]
    tree: str = BODY
    remarks: dict[str, int] = field(default_factory=lambda: FEW)


BROKEN = {
    # how it is written
    "latin-1 comment": Broken(b"# Universit\xe4t\n" + BODY.encode(), {"encoding": 1}),
    "windows quotation marks": Broken(b"# the \x93best\x94 cell\n" + BODY.encode(), {"encoding": 1}),
    "utf-16, little end first": Broken(BODY.encode("utf-16"), {"encoding": 1}),
    "utf-16, big end first": Broken(b"\xfe\xff" + BODY.encode("utf-16-be"), {"encoding": 1}),
    "nul bytes at the end": Broken(BODY.encode() + bytes(300), {"padding": 1}),
    "ctrl-z at the end": Broken(BODY.encode() + b"\x1a", {"padding": 1}),
    "torn and padded": Broken(BODY.encode() + b"6 2 0 -2" + bytes(9), {"padding": 1, "torn_last_row": 1}),
    "commas": Broken(BODY.replace(" ", ","), {"separators": 5}),
    "commas and spaces": Broken(BODY.replace(" ", ", "), {"separators": 5}),
    "commas behind spaces": Broken(BODY.replace(" ", " ,"), {"separators": 5}),
    "semicolons": Broken(BODY.replace(" ", ";"), {"separators": 5}),
    "commas at the ends": Broken(BODY.replace(" ", ",").replace("\n", ",\n"), {"separators": 5}),
    "empty columns at the ends": Broken(BODY.replace(" ", ",").replace("\n", ",,,\n"), {"separators": 5}),
    "quoted": Broken("".join(f'"{row}"\n' for row in BODY.replace(" ", '","').splitlines()), {"separators": 5}),
    "spaces that do not break": Broken(lines({2: "2 3\xa00 10 0 1 1"}), {"separators": 1}),
    "decimal commas": Broken(lines({5: "5 2 0 -10 0 0,5 1"}), {"decimal_comma": 1}),
    "semicolons and decimal commas": Broken(lines({5: "5;2;0,0;-10;0;0,5;1"}), {"separators": 1, "decimal_comma": 1}),
    "fortran's exponents": Broken(lines({2: "2 3 0 1.0D+1 0 1d0 1"}), {"number_format": 1}),
    "typographic minus": Broken(lines({5: "5 2 0 \N{MINUS SIGN}10 0 0.5 1"}), {"number_format": 1}),
    "extra columns": Broken("\n".join(row + " 7 note" for row in BODY.splitlines()), {"extra_columns": 5}),
    "header row": Broken("id type x y z r parent\n" + BODY, {"header_row": 1}),
    "header row with commas": Broken("id,type,x,y,z,r,parent\n" + BODY, {"header_row": 1}),
    "torn last row": Broken(BODY + "6 2 0 -2", {"torn_last_row": 1}),
    "comments behind rows": Broken(BODY.replace("5 -1", "5 -1 # the soma"), {"row_comment": 1}),
    "endless comment": Broken("# " + "very " * 4000 + "long\n" + BODY, {"long_comment": 1}),
    # ids, parents and the order of rows
    "float ids": Broken(lines({2: "2.0 3 0 10 0 1 1.0"}), {"float_id": 1}),
    "float parents and types": Broken(lines({2: "2 3.0 0 10 0 1 1.", 3: "3 3 0 20 0 1 2e0"}), {"float_id": 2}),
    "repeated row": Broken(BODY + "5 2 0 -10 0 0.5 1\n", {"repeated_row": 1}),
    "whole file twice": Broken(BODY + BODY, {"repeated_row": 5}),
    "duplicate id": Broken(BODY + "4 3 9 9 9 1 3\n", {"duplicate_id": 1, "renumbered": 1}, BODY + "6 3 9 9 9 1 3\n"),
    "two cells one behind the other": Broken(
        BODY + "1 1 90 0 0 5 -1\n2 3 90 10 0 1 1\n",
        {"duplicate_id": 2, "renumbered": 1},
        BODY + "6 1 90 0 0 5 -1\n7 3 90 10 0 1 6\n",
        {"few_rows": 1, "several_roots": 2},
    ),
    "missing parent": Broken(
        lines({5: "5 2 0 -10 0 0.5 99"}),
        {"missing_parent": 1},
        lines({5: "5 2 0 -10 0 0.5 -1"}),
        {"few_rows": 1, "several_roots": 2},
    ),
    "parent is no number": Broken(
        lines({5: "5 2 0 -10 0 0.5 nan"}),
        {"missing_parent": 1},
        lines({5: "5 2 0 -10 0 0.5 -1"}),
        {"few_rows": 1, "several_roots": 2},
    ),
    "no parent between commas": Broken(
        BODY.replace("-1\n", "\n", 1).replace(" ", ","), {"separators": 5, "missing_parent": 1}
    ),
    "root with parent 0": Broken(lines({1: "1 1 0 0 0 5 0"}), {"missing_parent": 1}),
    "root with parent -2": Broken(lines({1: "1 1 0 0 0 5 -2"}), {"missing_parent": 1}),
    "own parent": Broken(
        lines({5: "5 2 0 -10 0 0.5 5"}),
        {"cycle": 1},
        lines({5: "5 2 0 -10 0 0.5 -1"}),
        {"few_rows": 1, "several_roots": 2},
    ),
    "cycle": Broken(lines({1: "1 1 0 0 0 5 4"}), {"cycle": 1}),
    "cycle without soma": Broken(
        BODY + "6 2 1 0 0 1 8\n7 2 2 0 0 1 6\n8 2 3 0 0 1 7\n",
        {"cycle": 1},
        BODY + "6 2 1 0 0 1 -1\n7 2 2 0 0 1 6\n8 2 3 0 0 1 7\n",
        {"few_rows": 1, "several_roots": 2},
    ),
    "cycle cut at its soma": Broken(
        "1 3 0 0 0 1 3\n2 1 1 0 0 5 1\n3 3 2 0 0 1 2\n",
        {"cycle": 1, "row_order": 1},
        "1 1 1 0 0 5 -1\n2 3 2 0 0 1 1\n3 3 0 0 0 1 2\n",
    ),
    "parents after children": Broken(
        "\n".join(reversed(BODY.splitlines())),
        {"row_order": 1, "renumbered": 1},
        "1 1 0 0 0 5 -1\n2 2 0 -10 0 0.5 1\n3 3 0 10 0 1 1\n4 3 0 20 0 1 3\n5 3 5 30 0 1 4\n",
    ),
    "ids with gaps": Broken(BODY.replace("5 2 0", "50 2 0"), {"renumbered": 1}),
    "ids from 0": Broken("0 1 0 0 0 5 -1\n1 3 0 10 0 1 0\n", {"renumbered": 1}, "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n"),
    "negative ids": Broken(
        "-1 1 0 0 0 5 -1\n-2 3 0 10 0 1 -9\n-3 3 0 20 0 1 -2\n",
        {"renumbered": 1, "missing_parent": 1},
        "1 1 0 0 0 5 -1\n2 3 0 10 0 1 -1\n3 3 0 20 0 1 2\n",
        {"few_rows": 1, "several_roots": 2},
    ),
    "huge ids": Broken(
        "9007199254740990 1 0 0 0 5 -1\n9007199254740991 3 0 10 0 1 9007199254740990\n",
        {"renumbered": 1},
        "1 1 0 0 0 5 -1\n2 3 0 10 0 1 1\n",
    ),
    # values
    "no position inside": Broken(lines({3: "3 3 nan nan nan 1 2"}), {"position": 1}, lines({3: "3 3 2.5 20 0 1 2"})),
    "infinite position inside": Broken(lines({3: "3 3 0 inf 0 1 2"}), {"position": 1}, lines({3: "3 3 2.5 20 0 1 2"})),
    "absurd position inside": Broken(lines({3: "3 3 0 1e300 0 1 2"}), {"position": 1}, lines({3: "3 3 2.5 20 0 1 2"})),
    "empty column between commas": Broken(
        lines({3: "3,3,0,,0,1,2"}), {"separators": 1, "position": 1}, lines({3: "3 3 2.5 20 0 1 2"})
    ),
    "no position at a fork with a bad tip": Broken(
        lines({2: "2 3 NA 0 0 1 1", 3: "3 3 0 20 0 1 2"}) + "6 3 4 20 0 1 2\n",
        {"position": 1},
        lines({2: "2 3 0 10 0 1 1"}) + "6 3 4 20 0 1 2\n",
    ),
    "no radius": Broken(lines({3: "3 3 0 20 0 0 2"}), {"radius": 1}),
    "negative radius": Broken(lines({3: "3 3 0 20 0 -1 2"}), {"radius": 1}),
    "radius not a number": Broken(lines({3: "3 3 0 20 0 -nan(ind) 2"}), {"radius": 1}),
    "infinite radius": Broken(lines({3: "3 3 0 20 0 inf 2"}), {"radius": 1}),
    "no radius but the soma's": Broken(
        lines({2: "2 3 0 10 0 0 1", 3: "3 3 0 20 0 0 2", 4: "4 3 5 30 0 0 3"}),
        {"radius": 3},
        lines({2: "2 3 0 10 0 .5 1", 3: "3 3 0 20 0 .5 2", 4: "4 3 5 30 0 .5 3"}),
    ),
    "fork and end points": Broken(lines({3: "3 5 0 20 0 1 2", 4: "4 6 5 30 0 1 3"}), {"type": 2}),
    "negative type": Broken(lines({3: "3 -1 0 20 0 1 2"}), {"type": 1}),
    "type with a fraction": Broken(lines({3: "3 3.5 0 20 0 1 2"}), {"type": 1, "float_id": 1}),
    "type beyond all bounds": Broken(lines({3: "3 99999999999 0 20 0 1 2"}), {"type": 1}),
    "type explained in the header": Broken(
        "# 7 = apical dendrite\n" + lines({2: "2 7 0 10 0 1 1"}), {"type": 1}, lines({2: "2 4 0 10 0 1 1"})
    ),
}


def text_of(content):
    return content if isinstance(content, bytes) else content.encode()


def read(content):
    return read_swc_bytes(text_of(content), name="cell", file="cell.swc")


def assert_same_tree(one, other):
    for part in ("points", "radii", "types", "parents"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part), part)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_file_becomes_the_tree_that_was_meant_and_says_how(broken):
    repaired, meant = read(broken.content), read(broken.tree)
    assert meant.repairs == {}
    assert repaired.repairs == broken.repairs
    assert repaired.remarks == broken.remarks
    assert_same_tree(repaired.neuron, meant.neuron)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_was_repaired_needs_no_repair_again(broken):
    once = read(broken.content)
    again = read(format_swc(once.neuron, repairs=list(once.repairs)))
    assert again.repairs == {}
    assert again.neuron.comments == once.neuron.comments
    assert_same_tree(again.neuron, once.neuron)


SOUND = {
    "plain": BODY,
    "windows line ends": BODY.replace("\n", "\r\n"),
    "old mac line ends": BODY.replace("\n", "\r"),
    "no line end at the end": BODY.rstrip(),
    "byte order mark": b"\xef\xbb\xbf" + BODY.encode(),
    "byte order mark before a comment": b"\xef\xbb\xbf# cell\n" + BODY.encode(),
    "tabs": BODY.replace(" ", "\t"),
    "spaces around": BODY.replace("\n", "  \n   "),
    "blank lines and comments between": BODY.replace("\n", "\n\n  # note\n"),
    "exponents": lines({2: "2 3 0 1e1 0 +1.E0 1"}),
    "points without digits on a side": lines({5: "5 2 0. -10. 0 .5 1"}),
    "comment that ends with a point": "# Traced by hand.\n" + BODY,
}


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_sound_file_needs_no_repair(content):
    repaired = read(content)
    assert repaired.repairs == {}
    assert repaired.remarks == FEW
    assert_same_tree(repaired.neuron, read(BODY).neuron)


def zipped():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("cell.swc", BODY)
    return data.getvalue()


REFUSED = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\n", "is empty"),
    "zeros after a crash": (bytes(5000), "empty but for NUL"),
    "only comments": (b"# nothing\n", "no rows"),
    "html": (b"<!DOCTYPE HTML>\n<html><body>404</body></html>", "HTML"),
    "html after blank lines": (b"\n\n<html lang=en>", "HTML"),
    "xml": (b'\xef\xbb\xbf<?xml version="1.0"?><neuroml/>', "XML"),
    "json": (b'{"error": "not found"}', "no rows"),
    "gzip": (gzip.compress(BODY.encode()), "gzip"),
    "zip": (zipped(), "zip"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9, "binary"),
    "binary without nul": (bytes(range(1, 256)) * 9, "binary"),
    "binary behind a utf-16 mark": (b"\xff\xfe\x00\xd8\x00\xd8", "binary"),
    "nul bytes inside": (BODY.replace("4 3 5", "4 3\0 5").encode(), "binary"),
    "prose": (b"this is\nno neuron\n", "no rows"),
    "short row inside": (lines({3: "3 3 0 20"}), "line 3: not a row"),
    "word inside": (lines({3: "3 3 0 twenty 0 1 2"}), "line 3: not a row"),
    "hexadecimal": (lines({3: "3 3 0 0x14 0 1 2"}), "line 3: not a row"),
    "digits grouped": (lines({3: "3 3 0 1_000 0 1 2"}), "line 3: not a row"),
    "digits of another script": (lines({3: "3 3 0 \N{ARABIC-INDIC DIGIT TWO} 0 1 2"}), "line 3: not a row"),
    "columns in another order": ("id,parent,type,x,y,z,radius\n1,-1,1,0,0,0,5\n2,1,3,0,9,0,1\n", "line 1: the columns"),
    "diameters": ("n type x y z diam parent\n" + BODY, "diameter"),
    "fractional id": (lines({3: "3.5 3 0 20 0 1 2"}), r"not a whole number below 2\^53 \(3.5\)"),
    "id not a number": (lines({3: "nan 3 0 20 0 1 2"}), "whole number"),
    "id too large": (lines({3: "9007199254740993 3 0 20 0 1 2"}), "whole number"),
    "root without position": (lines({1: "1 1 nan 0 0 5 -1"}), "node 1 has no position, and no node before it"),
    "tip without position": (lines({4: "4 3 5 nan 0 1 3"}), "node 4 has no position, and no node behind it"),
    "one node": (b"1 1 0 0 0 5 -1\n", "no neurite"),
    "nodes at one place": (b"1 1 0 0 0 5 -1\n2 3 0 0 0 1 1\n", "no neurite"),
    "nodes without links": (b"1 1 0 0 0 5 -1\n2 3 9 0 0 1 -1\n", "no neurite"),
}


@pytest.mark.parametrize("content, reason", REFUSED.values(), ids=REFUSED)
def test_hopeless_file_is_refused_with_its_name_and_reason(tmp_path, content, reason):
    file = tmp_path / "cell.CNG.swc"
    file.write_bytes(text_of(content))
    with pytest.raises(InputError, match=reason) as caught:
        read_swc(file)
    assert "cell.CNG.swc" in str(caught.value) and "\n" not in str(caught.value)
