"""Numbers as the fast reading takes them: those that `float` gives, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuropil.morphology.reading.rows import alike_rows
from neuropil.morphology.reading.swc_kernels import tokenise


def parsed(texts):
    """The numbers read from the columns x, y, z and radius of as many rows as it takes."""
    texts = [*texts, *["0"] * (-len(texts) % 4)]
    rows = [f"1 1 {' '.join(texts[at : at + 4])} -1" for at in range(0, len(texts), 4)]
    return alike_rows("\n".join(rows).encode()).table[:, 2:6].ravel()


def assert_as_float(texts):
    expected = np.array([float(text) for text in texts])
    np.testing.assert_array_equal(parsed(texts)[: len(texts)].view(np.int64), expected.view(np.int64))


def left_to_float(texts):
    """How many numbers the compiled reading does not dare to round."""
    rows = "".join(f"1 1 {text} 0 0 1 -1\n" for text in texts).encode()
    shape = np.empty((len(texts), 7)), np.empty((1, 2), np.int64), np.empty((len(texts) * 7, 3), np.int64)
    return tokenise(np.frombuffer(rows, np.uint8), *shape)[2]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_double_is_read_as_it_was_written(numbers):
    assert_as_float([repr(number) for number in numbers])


digits = st.text("0123456789", max_size=25)
exponents = st.just("") | st.builds("{}{:+}".format, st.sampled_from("eE"), st.integers(-330, 330))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(["", "+", "-"]), digits, digits, exponents), min_size=1, max_size=8))
def test_every_decimal_is_rounded_as_float_rounds_it(parts):
    assert_as_float([f"{sign}{before or '0'}.{behind}{exponent}" for sign, before, behind, exponent in parts])
    assert_as_float([f"{sign}{before}{behind or '0'}{exponent}" for sign, before, behind, exponent in parts])


@pytest.mark.parametrize("digits", [2, 6, 15, 16, 17, 18])
def test_random_decimals_are_rounded_as_float_rounds_them(digits):
    random = np.random.default_rng(digits)
    scale = 10.0 ** random.integers(-3, 5, 40_000)
    assert_as_float([f"{number:.{digits}f}" for number in (random.normal(size=40_000) * scale).tolist()])


def test_numbers_half_way_between_two_doubles_are_rounded_as_float_rounds_them():
    random = np.random.default_rng(0)
    low = random.integers(1 << 53, 1 << 54, 3000) // 2 * 2
    middles = [str(number + 1) for number in low.tolist()]  # between them whole numbers are two apart
    near = [f"{text}.{tail}" for text in middles[:1000] for tail in ("0", "00000000000001", "5")]
    below = [f"{text[:-1]}.{text[-1]}e1" for text in middles[:1000]]
    eighths = [f"{number}.{number % 8 * 125:03d}" for number in random.integers(1 << 49, 1 << 50, 3000).tolist()]
    assert_as_float([*middles, *near, *below, *eighths])


@pytest.mark.parametrize(
    "text",
    [
        *(
            "-0.0",
            "-0",
            "5e-324",
            "2.2250738585072014e-308",
            "1.7976931348623157e308",
            "1e22",
            "1e23",
            "-1e-22",
            "1e-23",
        ),
        *(
            "9007199254740993",
            "9007199254740992",
            "1e400",
            "1e-400",
            "0e99999",
            "1e00000000000000000000001",
            "0." + "0" * 40 + "1",
        ),
        *("0" * 40 + "1.5", "1" * 40, "999999999999999999", "9223372036854775808", "18446744073709551616", "00.10"),
    ],
)
def test_odd_numbers_are_read_as_float_reads_them(text):
    assert_as_float([text])


def test_numbers_of_real_files_and_of_our_own_are_seldom_left_to_float():
    random = np.random.default_rng(0)
    numbers = (random.normal(size=10_000) * 10.0 ** random.integers(-3, 5, 10_000)).tolist()
    assert left_to_float([f"{number:.4f}" for number in numbers]) == 0
    assert left_to_float([repr(number) for number in numbers]) < 100


@pytest.mark.parametrize(
    "text", ["", ".", "+", "-", "e5", "1e", "1e+", "1.2.3", "1,5", "1_0", "0x1", "nan", "inf", "1f", "--1", "²"]
)
def test_what_is_no_plain_number_is_left_to_the_reading_line_by_line(text):
    assert alike_rows(f"1 1 0 0 0 1 -1\n2 3 {text} 0 0 1 1\n".encode()) is None
