"""What the repairs decide where a file can be read in more than one way; the corpus has the kinds of broken file."""

import os
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from neuropil.errors import InputError
from neuropil.morphology.reading.rows import read_rows, rows_of_bytes
from neuropil.morphology.reading.swc_bytes import LARGEST, LONGEST_LINE
from neuropil.morphology.swc import load_neuron, neuron_name, read_swc, read_swc_bytes

BODY = """\
1 1 0 0 0 5 -1
2 3 0 10 0 1 1
3 3 0 20 0 1 2
4 3 5 30 0 1 3
5 2 0 -10 0 0.5 1
"""


def read(content):
    return read_swc_bytes(content.encode(), name="cell", file="cell.swc")


def test_file_and_its_bytes_are_read_alike(tmp_path):
    (tmp_path / "cell.CNG.swc").write_text("# by hand\n" + BODY)
    from_file, from_bytes = read_swc(tmp_path / "cell.CNG.swc"), read("# by hand\n" + BODY)
    assert from_file.neuron.name == from_bytes.neuron.name == "cell"
    assert from_file.neuron.comments == from_bytes.neuron.comments == ("by hand",)
    np.testing.assert_array_equal(from_file.neuron.points, from_bytes.neuron.points)
    np.testing.assert_array_equal(load_neuron(tmp_path / "cell.CNG.swc").points, from_file.neuron.points)


def test_position_is_put_evenly_between_its_neighbours():
    content = "1 1 0 0 0 1 -1\n2 3 nan 0 0 1 1\n3 3 nan 0 0 1 2\n4 3 30 0 0 1 3\n"
    np.testing.assert_allclose(read(content).neuron.points[:, 0], [0, 10, 20, 30])


def test_position_before_a_fork_comes_from_the_branch_that_has_one():
    content = "1 1 0 0 0 1 -1\n2 3 nan 0 0 1 1\n3 3 nan 0 0 1 2\n4 3 20 0 0 1 2\n5 3 30 0 0 1 3\n"
    np.testing.assert_allclose(read(content).neuron.points[:, 0], [0, 10, 20, 20, 30])


def test_radius_comes_from_the_parent_then_the_child_then_the_fallback():
    from_parent = read("1 3 0 0 0 4 -1\n2 3 9 0 0 0 1\n").neuron
    from_child = read("1 1 0 0 0 0 -1\n2 3 9 0 0 3 1\n").neuron
    from_none = read("1 1 0 0 0 0 -1\n2 3 9 0 0 -1 1\n").neuron
    assert [from_parent.radii[1], from_child.radii[0], *from_none.radii] == [4, 3, 0.5, 0.5]


def test_neurite_takes_its_radius_from_beyond_the_soma_or_not_at_all():
    content = "1 1 0 0 0 8 -1\n2 3 9 0 0 0 1\n3 3 19 0 0 2 2\n4 2 0 9 0 0 1\n"
    assert read(content).neuron.radii.tolist() == [8, 2, 2, 0.5]


def test_custom_type_that_hangs_from_the_soma_stays_and_one_on_a_dendrite_does_not():
    neuron = read(BODY + "6 7 0 -20 0 1 1\n7 9 0 -30 0 1 6\n8 7 9 30 0 1 4\n").neuron
    assert neuron.types[5:].tolist() == [7, 9, 3]


@pytest.mark.parametrize(
    "header, kind",
    [
        ("type 7: apical tuft", 4),
        ("7 = Axonal bouton", 2),
        ("7 means dendrites", 3),
        ("1 = soma, 7 = apical dendrite", 4),
        ("7 = spine neck", 7),
        ("7 = fork point", 3),
        ("7 = custom", 3),
        ("17 = apical", 3),
    ],
)
def test_custom_type_has_the_meaning_that_the_header_gives_it(header, kind):
    assert read(f"# {header}\n{BODY}6 7 9 30 0 1 4\n").neuron.types[5] == kind


def test_child_of_a_duplicate_id_belongs_to_the_nearest_one_above_it():
    moved = "1 1 100 0 0 5 -1\n2 3 100 10 0 1 1\n3 3 100 20 0 1 2\n"
    assert read(BODY + moved).neuron.parents.tolist() == [-1, 0, 1, 2, 0, -1, 5, 6]


def test_minus_one_is_a_root_also_where_a_node_has_that_number():
    assert read("-1 1 0 0 0 5 -1\n2 3 0 10 0 1 -1\n3 3 0 20 0 1 2\n").neuron.parents.tolist() == [-1, -1, 1]


def test_comments_behind_rows_name_their_node_when_it_has_moved():
    neuron = read("# cell\n2 3 0 9 0 1 1 # tip\n1 1 0 0 0 5 -1 # cell body\n").neuron
    assert neuron.comments == ("cell", "node 2: tip", "node 1: cell body")


def test_column_names_are_kept_as_a_comment():
    assert read("id type x y z radius parent\n" + BODY).neuron.comments == ("id type x y z radius parent",)


def test_several_roots_are_kept_and_remarked():
    repaired = read(BODY + "6 2 50 0 0 1 -1\n7 2 60 0 0 1 6\n")
    assert repaired.remarks["several_roots"] == 2
    assert len(repaired.neuron) == 7


def test_neuron_without_soma_is_remarked():
    assert read(BODY.replace("1 1 0 0 0", "1 3 0 0 0")).remarks["no_soma"] == 1


def test_repairs_are_counted_by_name_as_whole_numbers():
    repairs = read(BODY.replace("20 0 1 2", "20 0 0 2")).repairs
    assert type(repairs) is dict and not isinstance(repairs, Counter)
    assert repairs == {"radius": 1} and all(type(count) is int for count in repairs.values())


@pytest.mark.parametrize("order", [1, -1], ids=["parents first", "children first"])
def test_chain_of_a_million_nodes_does_not_recur(order):
    n = 1_000_000
    ids = np.arange(1, n + 1)[::order]
    rows = "\n".join([f"{node} 3 {node} 0 0 1 {node - 1 or -1}" for node in ids.tolist()])
    repaired = read(rows)
    assert np.array_equal(repaired.neuron.parents, np.arange(n) - 1)
    assert np.array_equal(repaired.neuron.points[:, 0], np.arange(1, n + 1))
    assert repaired.repairs == ({} if order == 1 else {"row_order": 1, "renumbered": 1})


def test_ring_of_a_hundred_thousand_nodes_is_cut_once():
    n = 100_000
    rows = "\n".join([f"{node} 3 {node} 0 0 1 {node - 1 or n}" for node in range(1, n + 1)])
    repaired = read(rows)
    assert repaired.repairs == {"cycle": 1}
    assert np.array_equal(repaired.neuron.parents, np.arange(n) - 1)


def test_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_swc(tmp_path / "gone.swc")
    with pytest.raises(InputError, match="cannot be read"):
        read_swc(f"{tmp_path}/go\0ne.swc")


def test_folder_pipe_and_device_are_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.swc")
    for file, reason in ((tmp_path, "a folder"), (tmp_path / "pipe.swc", "a pipe"), ("/dev/zero", "device")):
        with pytest.raises(InputError, match=reason):
            read_swc(file)


def test_endless_line_is_refused_before_the_file_is_read(tmp_path):
    file = tmp_path / "line.swc"
    for start in (b"", b"# " + b"a" * 5000, BODY.encode()):
        with file.open("wb") as sparse:
            sparse.write(start)
            sparse.write(b"1" * 3 * LONGEST_LINE)
            sparse.truncate(LARGEST)
        tracemalloc.start()
        with pytest.raises(InputError, match="a line is longer than 1 MiB"):
            read_swc(file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * LONGEST_LINE
        with pytest.raises(InputError, match="a line is longer than 1 MiB"):
            rows_of_bytes(file.read_bytes(), file)


def test_huge_sparse_file_is_refused_by_its_size(tmp_path):
    with (tmp_path / "sparse.swc").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(InputError, match="larger than"):
        read_swc(tmp_path / "sparse.swc")


def test_lines_across_the_chunks_in_which_a_file_is_read_stay_whole(tmp_path):
    n = 2 * LONGEST_LINE // 30
    rows = [f"{node:09d} 3 {node:09d} 0 0 1 {node - 1 or -1}" for node in range(1, n + 1)]
    (tmp_path / "long.swc").write_text("\n".join(rows))
    assert np.array_equal(read_rows(tmp_path / "long.swc").table[:, 2], np.arange(1, n + 1))


def test_comments_without_end_are_refused():
    with pytest.raises(InputError, match="comments"):
        read("#\n" * 1_100_000 + BODY)


@pytest.mark.parametrize("file", ["a/cell.CNG.swc", "cell.swc", "cell.SWC", "cell.cng.swc", "C:\\cells\\cell.swc"])
def test_name_is_the_file_without_folder_and_suffixes(file):
    assert neuron_name(file) == "cell"


@pytest.mark.parametrize(
    "file, name",
    [
        ("..", "unnamed"),
        ("", "unnamed"),
        (".swc", "unnamed"),
        ("a/...swc", "unnamed"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\cell.swc", "cell"),
        ("two\nlines.swc", "two_lines"),
        ("nul\0.swc", "nul_"),
        ("\udcff.swc", "_"),
        ("Zelle 1 (links).swc", "Zelle 1 (links)"),
        ("Ko\u0308rner.swc", "K\u00f6rner"),
        ("細胞.swc", "細胞"),
    ],
)
def test_odd_names_are_safe_as_names_of_files(file, name):
    assert neuron_name(file) == name
