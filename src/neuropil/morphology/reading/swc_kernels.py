"""The bytes of an SWC file to numbers, in one compiled pass.

A number of at most 18 digits times a power of ten between 1e-22 and 1e22 is rounded here as `float` rounds it: where
the digits fit into 53 bits one division or product is exact to the last bit (Clinger, "How to read floating point
numbers accurately", PLDI 1990); above, the quotient is taken in two doubles (Dekker, Numerische Mathematik 18, 1971)
and kept if every value within its error rounds to the same double. What is left is listed for `float`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

UNLIKE = -1
"""In place of the number of rows: some line is not seven plain numbers, a comment or blank."""

TENS = np.array([float(f"1e{power}") for power in range(23)])
"""The powers of ten that are doubles, (23,)."""

_COLUMNS = 7
_LARGEST_POWER = 22
_MOST_DIGITS = 18  # below 2 ** 63
_EXACT = 1 << 53  # whole numbers up to here are doubles
_SPLITTER = 134217729.0  # 2 ** 27 + 1
_TAB, _NEWLINE, _RETURN, _SPACE = 9, 10, 13, 32
_HASH, _PLUS, _MINUS, _POINT, _ZERO, _NINE, _BIG_E, _SMALL_E = 35, 43, 45, 46, 48, 57, 69, 101


@compiled
def tokenise(
    data: NDArray[np.uint8], table: NDArray[np.float64], comments: NDArray[np.int64], slow: NDArray[np.int64]
) -> tuple[int, int, int, int]:
    """Read every line of a file, or stop at the first that is unlike `id type x y z radius parent`.

    Args:
        data: the file's bytes; lines end with \\n, \\r or both, the last one too.
        table: (rows, 7), filled.
        comments: (lines, 2), filled with the start and end of each comment, behind its `#`.
        slow: (numbers, 3), filled with the place in the table (row * 7 + column), start and end of each number that
            is left to `float`.

    Returns:
        The number of rows (`UNLIKE` where some line is not like the others), comments and slow numbers, and of rows
        whose id, type or parent is written with a point or an exponent.
    """
    # One function: handing an array to another counts its references, which takes longer than reading a number.
    at = rows = column = found = left = as_floats = 0
    as_float = False
    while at < len(data):
        byte = data[at]
        if byte == _SPACE or byte == _TAB:  # noqa: SIM109 - numba makes a loop of `in`
            at += 1
            continue
        if byte == _NEWLINE or byte == _RETURN:  # noqa: SIM109
            if column == _COLUMNS:
                rows += 1
                as_floats += as_float
            elif column:
                return UNLIKE, 0, 0, 0
            column, as_float = 0, False
            at += 1
            continue
        start = at
        if byte == _HASH and column == 0:
            while data[at] != _NEWLINE and data[at] != _RETURN:
                at += 1
            if found == len(comments):
                return UNLIKE, 0, 0, 0
            comments[found, 0], comments[found, 1] = start + 1, at
            found += 1
            continue
        if column == _COLUMNS:
            return UNLIKE, 0, 0, 0
        negative = byte == _MINUS
        if negative or byte == _PLUS:
            at += 1
        first, digits, power = at, 0, 0
        while data[at] == _ZERO:
            at += 1
        zeros = at - first
        while _ZERO <= data[at] <= _NINE:
            digits = digits * 10 + (int(data[at]) - _ZERO)
            at += 1
        length, whole = at - first, data[at] != _POINT
        if not whole:
            at += 1
            first = at
            if digits == 0:
                while data[at] == _ZERO:
                    at += 1
                zeros += at - first
            while _ZERO <= data[at] <= _NINE:
                digits = digits * 10 + (int(data[at]) - _ZERO)
                at += 1
            power = first - at
            length -= power
        if length == 0:
            return UNLIKE, 0, 0, 0
        if data[at] == _SMALL_E or data[at] == _BIG_E:
            whole = False
            at += 1
            below = data[at] == _MINUS
            if below or data[at] == _PLUS:
                at += 1
            first, exponent = at, 0
            while _ZERO <= data[at] <= _NINE:
                exponent = exponent * 10 + (int(data[at]) - _ZERO)
                at += 1
            if at == first:
                return UNLIKE, 0, 0, 0
            if at - first > 4:  # also where it overflows
                length = _MOST_DIGITS + zeros + 1
            power += -exponent if below else exponent
        byte = data[at]
        if byte != _SPACE and byte != _NEWLINE and byte != _TAB and byte != _RETURN:
            return UNLIKE, 0, 0, 0
        value, sure = _scaled(digits, power) if length - zeros <= _MOST_DIGITS else (0.0, False)
        if sure:
            table[rows, column] = -value if negative else value
        else:
            slow[left, 0], slow[left, 1], slow[left, 2] = rows * _COLUMNS + column, start, at
            left += 1
        as_float |= not whole and (column < 2 or column == _COLUMNS - 1)
        column += 1
    return rows, found, left, as_floats


@compiled
def _scaled(digits: int, power: int) -> tuple[float, bool]:
    """`digits * 10 ** power`, rounded once, and whether that is certain."""
    if digits == 0:
        return 0.0, True
    if abs(power) > _LARGEST_POWER:
        return 0.0, False
    if digits <= _EXACT:
        return (digits * TENS[power] if power > 0 else digits / TENS[-power]), True
    return _quotient(digits, TENS[-power]) if power <= 0 else (0.0, False)


@compiled
def _quotient(digits: int, ten: float) -> tuple[float, bool]:
    """`digits / ten` for digits of more than 53 bits."""
    high = float(digits)
    low = float(digits - np.int64(high))
    about = high / ten
    whole, error = _product(about, ten)
    rest = ((high - whole) - error + low) / ten
    doubt = (abs(high - whole) + abs(error) + abs(low)) / ten * 2.0**-49
    value = about + (rest - doubt)
    return value, value == about + (rest + doubt)


@compiled
def _product(one: float, other: float) -> tuple[float, float]:
    """The product as the sum of two doubles, exactly (Dekker's TwoProduct)."""
    whole = one * other
    scaled = _SPLITTER * one
    one_high = scaled - (scaled - one)
    one_low = one - one_high
    scaled = _SPLITTER * other
    other_high = scaled - (scaled - other)
    other_low = other - other_high
    return whole, ((one_high * other_high - whole) + one_high * other_low + one_low * other_high) + one_low * other_low
