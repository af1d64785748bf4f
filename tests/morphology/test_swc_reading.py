from collections import Counter

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.swc import neuron_name, read_swc

BODY = """\
1 1 0 0 0 5 -1
2 3 0 10 0 1 1
3 3 0 20 0 1 2
4 3 5 30 0 1 3
5 2 0 -10 0 0.5 1
"""


def lines(*replaced, body=BODY):
    """The body with rows replaced: (number, row) pairs; a row of None is left out."""
    rows = dict(enumerate(body.splitlines(), 1)) | dict(replaced)
    return "\n".join(row for row in rows.values() if row is not None) + "\n"


def read(tmp_path, content):
    file = tmp_path / "cell.CNG.swc"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_swc(file)


REPAIRED = {
    "latin-1 comment": (b"# Universit\xe4t\n" + BODY.encode(), {"encoding": 1}),
    "utf-16": (BODY.encode("utf-16"), {"encoding": 1}),
    "commas": (BODY.replace(" ", ","), {"separators": 5}),
    "commas and spaces": (BODY.replace(" ", ", "), {"separators": 5}),
    "semicolons": (BODY.replace(" ", ";"), {"separators": 5}),
    "decimal commas": (lines((2, "2 3 0,5 10,25 0 1 1")), {"decimal_comma": 1}),
    "extra columns": ("\n".join(row + " 7 8" for row in BODY.splitlines()), {"extra_columns": 5}),
    "header row": ("id type x y z r parent\n" + BODY, {"header_row": 1}),
    "header row with commas": ("id,type,x,y,z,r,parent\n" + BODY, {"header_row": 1, "separators": 1}),
    "torn last row": (BODY + "6 2 0 -2", {"torn_last_row": 1}),
    "float ids": (lines((2, "2.0 3 0 10 0 1 1.0")), {"float_id": 1}),
    "float parents": (lines((2, "2 3 0 10 0 1 1.0")), {"float_id": 1}),
    "repeated row": (BODY + "5 2 0 -10 0 0.5 1\n", {"repeated_row": 1}),
    "duplicate id": (BODY + "4 3 9 9 9 1 3\n", {"duplicate_id": 1, "renumbered": 1}),
    "missing parent": (lines((5, "5 2 0 -10 0 0.5 99")), {"missing_parent": 1}),
    "parent is no number": (lines((5, "5 2 0 -10 0 0.5 nan")), {"missing_parent": 1}),
    "root with parent 0": (lines((1, "1 1 0 0 0 5 0")), {"missing_parent": 1}),
    "own parent": (lines((5, "5 2 0 -10 0 0.5 5")), {"cycle": 1}),
    "cycle": (lines((1, "1 1 0 0 0 5 4")), {"cycle": 1}),
    "cycle without soma": (BODY + "6 2 1 0 0 1 8\n7 2 2 0 0 1 6\n8 2 3 0 0 1 7\n", {"cycle": 1}),
    "no position inside": (lines((3, "3 3 nan nan nan 1 2")), {"position": 1}),
    "infinite position inside": (lines((3, "3 3 0 inf 0 1 2")), {"position": 1}),
    "no radius": (lines((3, "3 3 0 20 0 0 2")), {"radius": 1}),
    "negative radius": (lines((3, "3 3 0 20 0 -1 2")), {"radius": 1}),
    "radius not a number": (lines((3, "3 3 0 20 0 nan 2")), {"radius": 1}),
    "fork and end points": (lines((3, "3 5 0 20 0 1 2"), (4, "4 6 5 30 0 1 3")), {"type": 2}),
    "negative type": (lines((3, "3 -1 0 20 0 1 2")), {"type": 1}),
    "type explained in the header": ("# 7 = apical dendrite\n" + lines((2, "2 7 0 10 0 1 1")), {"type": 1}),
    "parents after children": ("\n".join(reversed(BODY.splitlines())), {"row_order": 1, "renumbered": 1}),
    "ids with gaps": (BODY.replace("5 2 0", "50 2 0"), {"renumbered": 1}),
    "ids from 0": ("0 1 0 0 0 5 -1\n1 3 0 10 0 1 0\n", {"renumbered": 1}),
}


@pytest.mark.parametrize("content, repairs", REPAIRED.values(), ids=REPAIRED)
def test_broken_file_is_repaired_by_name(tmp_path, content, repairs):
    repaired = read(tmp_path, content)
    assert repaired.repairs == repairs
    neuron = repaired.neuron
    assert np.isfinite(neuron.points).all() and (neuron.radii > 0).all()


SOUND = {
    "plain": BODY,
    "windows line ends": BODY.replace("\n", "\r\n"),
    "old mac line ends": BODY.replace("\n", "\r"),
    "byte order mark": b"\xef\xbb\xbf" + BODY.encode(),
    "tabs": BODY.replace(" ", "\t"),
    "blank lines and comments between": BODY.replace("\n", "\n\n# note\n"),
    "comment after a row": BODY.replace("5 -1", "5 -1 # the soma"),
    "exponents": lines((2, "2 3 0 1e1 0 1 1")),
    "undefined type": lines((5, "5 0 0 -10 0 0.5 1")),
}


@pytest.mark.parametrize("content", SOUND.values(), ids=SOUND)
def test_sound_file_needs_no_repair(tmp_path, content):
    repaired = read(tmp_path, content)
    assert repaired.repairs == {}
    assert len(repaired.neuron) == 5
    assert repaired.remarks == {"few_rows": 1}


REFUSED = {
    "empty": (b"", "empty"),
    "blank": (b" \n\n", "empty"),
    "only comments": (b"# nothing\n", "no rows"),
    "html": (b"<!DOCTYPE HTML>\n<html><body>404</body></html>", "HTML"),
    "html after blank lines": (b"\n\n<html lang=en>", "HTML"),
    "binary": (bytes(range(256)) * 9, "binary"),
    "prose": (b"this is\nno neuron\n", "not a row|no rows"),
    "short row inside": (lines((3, "3 3 0 20")).encode(), "line 3"),
    "word inside": (lines((3, "3 3 0 twenty 0 1 2")).encode(), "line 3"),
    "fractional id": (lines((3, "3.5 3 0 20 0 1 2")).encode(), "whole number"),
    "id not a number": (lines((3, "nan 3 0 20 0 1 2")).encode(), "whole number"),
    "root without position": (lines((1, "1 1 nan 0 0 5 -1")).encode(), "position"),
    "tip without position": (lines((4, "4 3 5 nan 0 1 3")).encode(), "position"),
    "one node": (b"1 1 0 0 0 5 -1\n", "no neurite"),
    "nodes at one place": (b"1 1 0 0 0 5 -1\n2 3 0 0 0 1 1\n", "no neurite"),
}


@pytest.mark.parametrize("content, reason", REFUSED.values(), ids=REFUSED)
def test_hopeless_file_is_refused_with_its_name_and_reason(tmp_path, content, reason):
    with pytest.raises(InputError, match=reason) as caught:
        read(tmp_path, content)
    assert "cell.CNG.swc" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_swc(tmp_path / "gone.swc")


def test_position_is_put_evenly_between_its_neighbours(tmp_path):
    content = "1 1 0 0 0 1 -1\n2 3 nan 0 0 1 1\n3 3 nan 0 0 1 2\n4 3 30 0 0 1 3\n"
    np.testing.assert_allclose(read(tmp_path, content).neuron.points[:, 0], [0, 10, 20, 30])


def test_radius_comes_from_the_parent_then_the_child_then_the_fallback(tmp_path):
    from_parent = read(tmp_path, "1 1 0 0 0 4 -1\n2 3 9 0 0 0 1\n").neuron
    from_child = read(tmp_path, "1 1 0 0 0 0 -1\n2 3 9 0 0 3 1\n").neuron
    from_none = read(tmp_path, "1 1 0 0 0 0 -1\n2 3 9 0 0 -1 1\n").neuron
    assert [from_parent.radii[1], from_child.radii[0], *from_none.radii] == [4, 3, 0.5, 0.5]


def test_custom_type_that_hangs_from_the_soma_stays(tmp_path):
    assert read(tmp_path, lines((5, "5 7 0 -10 0 0.5 1"))).neuron.types[4] == 7


def test_files_put_one_behind_the_other_keep_their_own_links(tmp_path):
    moved = "1 1 100 0 0 5 -1\n2 3 100 10 0 1 1\n3 3 100 20 0 1 2\n"
    neuron = read(tmp_path, BODY + moved).neuron
    assert neuron.parents.tolist() == [-1, 0, 1, 2, 0, -1, 5, 6]


def test_cycle_is_cut_at_its_soma(tmp_path):
    neuron = read(tmp_path, "1 3 0 0 0 1 3\n2 1 1 0 0 5 1\n3 3 2 0 0 1 2\n").neuron
    assert neuron.types[neuron.parents < 0].tolist() == [1]
    assert len(neuron) == 3


def test_several_roots_are_kept_and_remarked(tmp_path):
    repaired = read(tmp_path, BODY + "6 2 50 0 0 1 -1\n7 2 60 0 0 1 6\n")
    assert repaired.remarks["several_roots"] == 2
    assert len(repaired.neuron) == 7


def test_neuron_without_soma_is_remarked(tmp_path):
    assert read(tmp_path, BODY.replace("1 1 0 0 0", "1 3 0 0 0")).remarks["no_soma"] == 1


def test_deep_chain_read_backwards_does_not_recur(tmp_path):
    n = 100_000
    rows = [f"{i} 3 {i} 0 0 1 {i - 1 if i > 1 else -1}" for i in range(n, 0, -1)]
    neuron = read(tmp_path, "\n".join(rows)).neuron
    assert np.array_equal(neuron.parents, np.arange(n) - 1)


def test_repairs_are_counted_by_name_as_whole_numbers(tmp_path):
    repairs = read(tmp_path, lines((3, "3 3 0 20 0 0 2"))).repairs
    assert type(repairs) is dict and not isinstance(repairs, Counter)
    assert all(type(count) is int for count in repairs.values())


@pytest.mark.parametrize("file", ["a/cell.CNG.swc", "cell.swc", "cell.SWC", "cell.cng.swc"])
def test_name_is_the_file_without_folder_and_suffixes(file):
    assert neuron_name(file) == "cell"
