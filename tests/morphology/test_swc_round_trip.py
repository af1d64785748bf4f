from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.morphology.morphometry import measure
from neuropil.morphology.swc import read_swc, write_swc
from neuropil.morphology.tree import Neuron

COORDINATE = st.floats(-1e5, 1e5, allow_subnormal=False)


@st.composite
def neurons(draw, least=2):
    n = draw(st.integers(least, 30))
    parents = [-1] + [draw(st.integers(0, node - 1)) for node in range(1, n)]
    points = np.array(draw(st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE), min_size=n, max_size=n)))
    points[1:, 0] += np.arange(1, n) * 1e-3  # the neuron has a length
    if not (points[1:] != points[np.array(parents[1:])]).any():
        points[-1] += 1
    radii = np.array(draw(st.lists(st.floats(1e-3, 50), min_size=n, max_size=n)))
    types = np.array([1, *draw(st.lists(st.integers(0, 4), min_size=n - 1, max_size=n - 1))], np.int32)
    comments = tuple(draw(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])), max_size=3)))
    return Neuron("cell", points, radii, types, np.array(parents), comments)


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("points", "radii", "types", "parents")
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round_trip")


@settings(deadline=None, max_examples=80)
@given(neuron=neurons())
def test_reading_what_was_written_is_the_identity(folder, neuron):
    write_swc(neuron, folder / "cell.swc")
    again = read_swc(folder / "cell.swc")
    assert same(again.neuron, neuron)
    assert again.neuron.comments == neuron.comments
    assert again.repairs == {}


@settings(deadline=None, max_examples=80)
@given(neuron=neurons(), order=st.randoms(use_true_random=False))
def test_length_does_not_depend_on_the_order_of_rows(folder, neuron, order):
    write_swc(neuron, folder / "cell.swc")
    rows = [row for row in (folder / "cell.swc").read_text().splitlines() if not row.startswith("#")]
    order.shuffle(rows)
    (folder / "shuffled.swc").write_text("\n".join(rows))
    measured, expected = measure(read_swc(folder / "shuffled.swc").neuron), measure(neuron)
    for name in ("length", "surface", "n_tips", "n_bifs", "path_distance"):
        assert measured[name] == pytest.approx(expected[name], rel=1e-9)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(st.tuples(*[st.floats(-9, 9) | st.integers(-3, 12) | st.just(float("nan"))] * 7), max_size=12))
def test_any_table_is_a_tree_or_an_input_error_and_repair_is_idempotent(folder, rows):
    (folder / "wild.swc").write_text("\n".join(" ".join(map(str, row)) for row in rows))
    try:
        once = read_swc(folder / "wild.swc").neuron
    except InputError:
        return
    write_swc(once, folder / "mended.swc")
    again = read_swc(folder / "mended.swc")
    assert same(once, again.neuron)
    assert set(again.repairs) <= {"type"}


@settings(deadline=None, max_examples=150)
@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_an_input_error(folder, data):
    (folder / "bytes.swc").write_bytes(data)
    try:
        read_swc(folder / "bytes.swc")
    except InputError as error:
        assert "bytes.swc" in str(error)


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
