"""Writing and reading again, and what must hold of the reader for any file at all."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from neuropil.morphology.soma import effective_somata
from neuropil.morphology.swc import format_swc, read_swc, read_swc_bytes, write_swc
from neuropil.morphology.tree import Neuron
from swc_wild import check, identical, wild_files

COORDINATE = st.floats(-1e8, 1e8)  # with subnormal numbers and -0.0


def one_line(text):
    return " ".join(text.replace("\0", "").splitlines()).strip()


@st.composite
def neurons(draw, coordinate=COORDINATE):
    n = draw(st.integers(2, 30))
    parents = [-1] + [draw(st.integers(-1 if draw(st.booleans()) else 0, node - 1)) for node in range(1, n)]
    parents[1] = 0
    points = np.array(draw(st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=n, max_size=n)))
    if (points[0] == points[1]).all():
        points[1] += 1  # the neuron has a length
    radii = np.array(draw(st.lists(st.floats(5e-324, 1e8), min_size=n, max_size=n)))
    types = np.array([1, *draw(st.lists(st.integers(0, 4), min_size=n - 1, max_size=n - 1))], np.int32)
    comments = draw(st.lists(st.text().map(one_line), max_size=3))
    return Neuron("cell", points, radii, types, np.array(parents), tuple(comments))


def read(data):
    return read_swc_bytes(data, name="cell", file="cell.swc")


def total_length(neuron):
    children, parents = neuron.edges
    return float(np.linalg.norm(neuron.points[children] - neuron.points[parents], axis=1).sum())


@settings(deadline=None, max_examples=100)
@given(neuron=neurons())
def test_reading_what_was_written_is_the_identity(neuron):
    again = read(format_swc(neuron))
    assert identical(again.neuron, neuron)
    assert again.repairs == {}


@settings(deadline=None, max_examples=50)
@given(neuron=neurons(st.floats(-1e4, 1e4)), order=st.randoms(use_true_random=False))
def test_length_does_not_depend_on_the_order_of_rows(neuron, order):
    rows = [row for row in format_swc(neuron).splitlines() if not row.startswith(b"#")]
    order.shuffle(rows)
    shuffled = read(b"\n".join(rows)).neuron
    assert total_length(shuffled) == pytest.approx(total_length(neuron), rel=1e-12)
    assert sorted(map(tuple, shuffled.points.tolist())) == sorted(map(tuple, neuron.points.tolist()))
    assert np.bincount(shuffled.types).tolist() == np.bincount(neuron.types).tolist()


@settings(deadline=None, max_examples=50)
@given(neuron=neurons(st.floats(-1e4, 1e4)), seed=st.integers(0, 1000), shift=st.floats(-1e4, 1e4))
def test_length_does_not_change_when_the_neuron_is_turned_and_moved(neuron, seed, shift):
    assume(total_length(neuron) > 1e-6)  # less than that is lost to rounding when it is moved
    turned = Rotation.random(rng=seed).apply(neuron.points) + np.array([shift, -shift, 2 * shift])
    moved = read(format_swc(replace(neuron, points=turned))).neuron
    assert total_length(moved) == pytest.approx(total_length(neuron), rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=300)
@given(data=wild_files() | st.binary(max_size=200))
def test_any_bytes_are_a_tree_that_needs_no_more_repair_or_an_input_error(data):
    check(data)


@pytest.mark.parametrize(
    "number", [5e-324, -0.0, 2.2250738585072014e-308, 1e8 / 3, 0.1 + 0.2, 123456.78901234567, 1e-300, 2.0**29, 1e-7]
)
def test_odd_numbers_come_back_to_the_last_bit(number):
    points = np.array([[number, -number, 0.0], [1.0, 2.0, number]])
    neuron = Neuron("cell", points, np.array([abs(number) or 1.0, 1.0]), np.array([1, 3], np.int32), np.array([-1, 0]))
    again = read(format_swc(neuron))
    assert again.repairs == {} and identical(again.neuron, neuron)


def ring(n):
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return [[7 * np.cos(turn), 7 * np.sin(turn), 3.3] for turn in angle], [0.1] * n, np.arange(n) - 1


SOMATA = {
    "point": ([[0, 0, 0]], [5], [-1]),
    "three_point": ([[0, 0, 0], [0, 5, 0], [0, -5, 0]], [5, 5, 5], [-1, 0, 0]),
    "contour": ring(40),
    "cylinders": ([[0, 0, 0], [10, 0, 0]], [4, 3], [-1, 0]),
}


@pytest.mark.parametrize("kind", SOMATA)
def test_soma_keeps_its_convention_through_a_file_that_names_it(kind):
    points, radii, parents = SOMATA[kind]
    neuron = Neuron(
        "cell",
        np.array([*points, [0, 90, 0]], float),
        np.array([*radii, 1], float),
        np.array([*[1] * len(points), 3], np.int32),
        np.array([*parents, 0]),
    )
    data = format_swc(neuron)
    again = read(data).neuron
    assert effective_somata(again).kinds == (kind,) and f"# neuropil: soma {kind}\n".encode() in data
    assert identical(again, neuron)


def test_text_of_a_neuron_is_what_is_written(tmp_path):
    neuron = Neuron("cell", np.eye(3), np.ones(3), np.array([1, 3, 3], np.int32), np.array([-1, 0, 1]))
    write_swc(neuron, tmp_path / "cell.swc", source="here", repairs=["type"])
    assert (tmp_path / "cell.swc").read_bytes() == format_swc(neuron, source="here", repairs=["type"])
    assert pickle.dumps(read_swc(tmp_path / "cell.swc").neuron) == pickle.dumps(neuron)


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_header_tells_source_units_and_repairs_once(folder):
    neuron = Neuron(
        "cell", np.eye(3), np.ones(3), np.array([1, 3, 3], np.int32), np.array([-1, 0, 1]), ("traced by hand",)
    )
    write_swc(neuron, folder / "cell.swc", source="folder, cell.CNG.swc", repairs=["radius"])
    once = (folder / "cell.swc").read_text()
    write_swc(
        read_swc(folder / "cell.swc").neuron, folder / "cell.swc", source="folder, cell.CNG.swc", repairs=["radius"]
    )
    assert (folder / "cell.swc").read_text() == once
    for words in ("micrometres", "folder, cell.CNG.swc", "repairs radius", "traced by hand"):
        assert words in once


def test_comment_with_a_line_break_stays_a_comment(folder):
    neuron = Neuron("cell", np.eye(3), np.ones(3), np.array([1, 3, 3], np.int32), np.array([-1, 0, 1]))
    write_swc(replace(neuron, comments=("one\n9 9 9 9 9 9 9",)), folder / "cell.swc")
    assert len(read_swc(folder / "cell.swc").neuron) == 3


def test_comment_of_others_that_begins_like_ours_is_kept():
    neuron = Neuron(
        "cell", np.eye(3), np.ones(3), np.array([1, 3, 3], np.int32), np.array([-1, 0, 1]), ("neuropil: a fine word",)
    )
    assert read(format_swc(neuron)).neuron.comments == neuron.comments


def test_name_that_is_no_text_can_be_written():
    neuron = Neuron("cell\udcff", np.eye(3), np.ones(3), np.array([1, 3, 3], np.int32), np.array([-1, 0, 1]))
    assert b"neuron cell\\udcff\n" in format_swc(neuron, source="two\nlines")
    assert len(read(format_swc(neuron)).neuron) == 3
