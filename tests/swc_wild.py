"""SWC files as they should not be, for hypothesis: sound ones with every mistake in them, and bytes of any kind."""

import numpy as np
from hypothesis import strategies as st

from neuropil.errors import InputError
from neuropil.morphology.reading.rows import alike_rows
from neuropil.morphology.reading.swc_bytes import decode, refuse_foreign, without_padding
from neuropil.morphology.reading.swc_lines import read_lines
from neuropil.morphology.swc import format_swc, read_swc_bytes

ODD_NUMBERS = (
    *("nan", "-nan(ind)", "NA", "inf", "-Infinity", "1e308", "1e999", "5e-324", "-0.0", "0", "-1", "1e-3", "1D-3"),
    *("1.", ".5", "+7", "1e5", "1,5", "", "0x1F", "1_0", "\N{MINUS SIGN}4", "\u0663", "1e", "--1", "1.2.3", "."),
    *("9007199254740993", "9007199254740991", "-9223372036854775809", "0.1000000000000000055511151231257827021181583"),
    *("123456789012345678901234567890", "1e-22", "17976931348623157e292", "4.9406564584124654e-324", "1e22", "1e23"),
    *("0.00000000000000000000000123456789012345", "2.5e-7", "00012", "1e+00000000000000000001", "9" * 400, "0" * 30),
)
SEPARATORS = (" ", " ", " ", "\t", "  ", ",", ", ", ";", " ,", ",,", "\xa0", "\x0b", '","')
LINE_ENDS = (
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\n# note\n",
    " # behind\n",
    " \n",
    "\n#\n",
    "\x85",
    "\n5 = axon\n",
)
STARTS = (
    "",
    "",
    "",
    "# cell\n",
    "#5 = apical\n",
    "id type x y z radius parent\n",
    "\ufeff",
    "<html>",
    "# a\x0bb\x85c\n",
)
ENDINGS = ("", "", "\n", "\0\0", "\x1a", "7 2 0", "\n</html>", "# end", "\n#", "\r")
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-16", "cp1252", "latin-1", "utf-16-le")

whole = st.integers(-3, 14)
value = st.one_of(
    whole.map(str),
    st.floats(-1e6, 1e6).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-1000, 1000, places=4).map(str),
    st.sampled_from(ODD_NUMBERS),
)


@st.composite
def rows(draw):
    """The rows of a tree as lists of words, of which some have been spoilt."""
    size = draw(st.integers(0, 8))
    parents = [-1, *(draw(st.integers(1, node)) for node in range(1, size))][:size]
    found = [
        [str(node), draw(st.sampled_from("1234")), str(node * 3), str(-node), f"{node / 7!r}", "1.5", str(parent)]
        for node, parent in enumerate(parents, 1)
    ]
    for row, column in draw(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 8)), max_size=4)):
        if row < len(found):
            if column < 7:
                found[row][column] = draw(value)
            elif column == 7:
                found[row].append(draw(value))
            else:
                found.append(list(found[row]))
    return draw(st.permutations(found)) if draw(st.booleans()) else found


@st.composite
def wild_files(draw):
    """The bytes of a file that is nearly SWC."""
    between = draw(st.sampled_from(SEPARATORS))
    end = draw(st.sampled_from(LINE_ENDS))
    text = draw(st.sampled_from(STARTS)) + end.join(between.join(row) for row in draw(rows()))
    data = (text + draw(st.sampled_from(ENDINGS))).encode(draw(st.sampled_from(ENCODINGS)), "replace")
    for place, byte in draw(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=2)):
        if place < len(data):
            data = data[:place] + bytes([byte]) + data[place + draw(st.integers(0, 1)) :]
    return data


def check(data):
    """What must hold of the reader for any bytes at all; says whether they were read."""
    both_ways_alike(data)
    try:
        once = read_swc_bytes(data, name="cell", file="cell.swc")
    except InputError as error:
        assert "cell.swc" in str(error) and "\n" not in str(error)
        return False
    neuron = once.neuron
    assert np.isfinite(neuron.points).all() and (neuron.radii > 0).all() and np.isfinite(neuron.radii).all()
    assert (neuron.parents < np.arange(len(neuron))).all() and (neuron.types >= 0).all()
    assert all(count > 0 for count in [*once.repairs.values(), *once.remarks.values()])
    again = read_swc_bytes(format_swc(neuron, repairs=list(once.repairs)), name="cell", file="cell.swc")
    assert again.repairs == {} and again.remarks == once.remarks
    assert identical(again.neuron, neuron)
    return True


def both_ways_alike(data):
    """Rows read all at once are those that are read one by one, to the last bit."""
    try:
        refuse_foreign(data, "cell.swc")
        data = without_padding(data, "cell.swc", {"padding": 0})
    except InputError:
        return
    at_once = alike_rows(data)
    if at_once is None:
        return
    repairs = at_once.repairs.copy()
    repairs.clear()
    one_by_one = read_lines(decode(data, "cell.swc", repairs), "cell.swc")
    assert at_once.table.tobytes() == one_by_one.table.tobytes()
    assert [comment.strip() for comment in at_once.comments] == [comment.strip() for comment in one_by_one.comments]
    assert +at_once.repairs == repairs + one_by_one.repairs


def identical(one, other):
    """The same neuron to the last bit, comments too."""
    return one.comments == other.comments and all(
        getattr(one, part).tobytes() == getattr(other, part).tobytes()
        and getattr(one, part).dtype == getattr(other, part).dtype
        for part in ("points", "radii", "types", "parents")
    )
