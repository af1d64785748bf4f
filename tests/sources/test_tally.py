"""The tally of a repair log: every file counted once, reasons without what differs from file to file."""

import pytest

from neuropil.sources.tally import Tally, reason_kind


def line(file, status="kept", repairs=None, remarks=None, reason=None):
    return {"file": file, "status": status, "repairs": repairs or {}, "remarks": remarks or {}, "reason": reason}


def tallied(*lines):
    tally = Tally()
    for one in lines:
        tally.add(one, 10, one["file"])
    return tally


@pytest.mark.parametrize(
    "reason, kind",
    [
        ("/d/x.swc: an HTML page, not an SWC file; download it again", "an HTML page, not an SWC file"),
        ("/d/x.swc, line 17: not a row of id, type, x: '1 2: 3'", "not a row of id, type, x"),
        ("/d/x.swc: an id is not a whole number (1.5)", "an id is not a whole number"),
        ("/d/x.swc: no neurite; its 12 nodes lie at one place", "no neurite"),
        ("/d/x.swc: 12 nodes are lost", "N nodes are lost"),
        ("/other: cannot be read (No such file)", "/other"),
        ("KeyError: 'a'", "KeyError"),
        ("/d/x.swc", "no reason"),
    ],
)
def test_reason_is_told_without_what_differs(reason, kind):
    assert reason_kind(reason, "/d/x.swc") == kind


def test_name_with_a_colon_blanks_and_control_characters_is_taken_off():
    label = "/d/a: b  \x1b.swc"
    assert reason_kind("/d/a: b \\x1b.swc: binary data, not text", label) == "binary data, not text"


def test_files_are_counted_by_status_repair_remark_and_reason():
    tally = tallied(
        line("a"),
        line("b", "repaired", {"radius": 5, "type": 2}, {"few_rows": 1}),
        line("c", "repaired", {"radius": 1}),
        line("d", "quarantined", reason="d: empty"),
    )
    assert list(tally.rows()) == [
        {"kind": "status", "what": "repaired", "files": 2, "nodes": 20, "example": "b"},
        {"kind": "status", "what": "kept", "files": 1, "nodes": 10, "example": "a"},
        {"kind": "status", "what": "quarantined", "files": 1, "nodes": 10, "example": "d"},
        {"kind": "repair", "what": "radius", "files": 2, "nodes": 6, "example": "b"},
        {"kind": "repair", "what": "type", "files": 1, "nodes": 2, "example": "b"},
        {"kind": "remark", "what": "few_rows", "files": 1, "nodes": 1, "example": "b"},
        {"kind": "quarantine", "what": "empty", "files": 1, "nodes": 0, "example": "d"},
    ]
    assert tally.note() == "Neurons: 1 kept, 2 repaired (radius 2, type 1), 1 quarantined (empty: d)"


def test_reasons_without_end_do_not_fill_the_memory():
    words = ["".join(chr(97 + int(digit)) for digit in str(n)) for n in range(3000)]
    tally = tallied(*(line(word, "quarantined", reason=f"{word}: {word} is no good") for word in words))
    rows = list(tally.rows())
    assert len(rows) < 600 and sum(row["files"] for row in rows if row["kind"] == "quarantine") == 3000
