"""Deflate for pictures that are mostly background: runs and literals, one dynamic Huffman block.

zlib's own run-length strategy looks at every byte of a picture; most of them are background. Here background is
passed over eight bytes at a time, its share of the checksum is added in closed form, and only what was drawn is
coded, in about a tenth of the time and no more bytes. The stream is what any zlib reads (RFC 1950, RFC 1951).

All kernels of this stream stand in this one file, see `kernels`.
"""
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from neuropil.compiled import compiled

_END = 256  # the symbol that ends a block
_SYMBOLS = 286
_LONGEST = 258  # bytes of one match
_SHORTEST = 3
_MOST_BITS = 15  # of a literal's or length's code
_MOST_LENGTH_BITS = 7  # of the codes that tell the lengths of those
_ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15])
_ADLER = 65521


def _length_tables() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each match length (3..258) its symbol, its extra bits and their value (RFC 1951, 3.2.5)."""
    symbols, bits, values = (np.zeros(_LONGEST + 1, np.int64) for _ in range(3))
    first = _SHORTEST
    for number in range(28):
        extra = max(0, number // 4 - 1)
        for length in range(first, min(first + (1 << extra), _LONGEST)):
            symbols[length], bits[length], values[length] = 257 + number, extra, length - first
        first += 1 << extra
    symbols[_LONGEST] = 285
    return symbols, bits, values


_LENGTH_SYMBOL, _LENGTH_BITS, _LENGTH_VALUE = _length_tables()


def deflated(rows: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """The zlib stream of a picture's rows, each behind the byte of PNG's filter type 0 (none).

    Args:
        rows: [H, bytes a row], or 16-bit values [H, W], which are written high byte first.
    """
    swap = int(rows.dtype.itemsize == 2 and sys.byteorder == "little")
    data = np.ascontiguousarray(rows).reshape(-1).view(np.uint8)
    words = data[: data.size // 8 * 8].view(np.uint64)
    size = data.size + len(rows)
    # No page of either is touched beyond what is written.
    tokens, out = np.empty(size + 1, np.uint16), np.empty(2 * size + 512, np.uint8)
    return out[: _stream(data, words, len(rows), swap, tokens, out)].tobytes()


@compiled
def _stream(data, words, height, swap, tokens, out):
    """Write the stream of `height` rows into `out`, and return its length."""
    counts = np.zeros(_SYMBOLS, np.int64)
    number, checksum = _tokenise(data, words, height, swap, tokens, counts)
    counts[_END] = 1
    lengths = np.zeros(_SYMBOLS, np.int64)
    _code_lengths(counts, _MOST_BITS, lengths)
    codes = _codes(lengths)
    out[0], out[1] = 0x78, 0x01
    place, held, bits = _write_table(lengths, out)
    for i in range(number):
        token = int(tokens[i])
        if token < _END:
            held |= codes[token] << bits
            bits += lengths[token]
        else:
            length = token - _END
            symbol = _LENGTH_SYMBOL[length]
            held |= codes[symbol] << bits
            bits += lengths[symbol]
            held |= _LENGTH_VALUE[length] << bits
            bits += _LENGTH_BITS[length] + 1  # and the only distance, of which the code is a single 0
        while bits >= 8:
            out[place] = held & 0xFF
            held >>= 8
            bits -= 8
            place += 1
    held |= codes[_END] << bits
    bits += lengths[_END]
    while bits > 0:
        out[place] = held & 0xFF
        held >>= 8
        bits -= 8
        place += 1
    for shift in (24, 16, 8, 0):
        out[place] = (checksum >> shift) & 0xFF
        place += 1
    return place


@compiled
def _tokenise(data, words, height, swap, tokens, counts):
    """Bytes to literals (below 256) and repetitions of the byte before (256 + length), with their counts.

    Returns:
        How many tokens there are, and the Adler-32 of the bytes. Its sums are reduced at the end only: for the
        largest picture they stay below 2^62.
    """
    width = data.size // height
    number, last, run, low, high = 0, 0, 0, 1, 0
    for row in range(height):
        i, end = row * width, row * width + width
        if last == 0:
            run += 1
        else:
            number, low, high = _repeat(last, run, number, low, high, tokens, counts)
            last, run = 0, 1
        while i < end:
            if last == 0 and i & 7 == 0 and i + 8 <= end and words[i >> 3] == 0:
                run += 8
                i += 8
                continue
            value = int(data[i ^ swap])
            if value == last:
                run += 1
            else:
                number, low, high = _repeat(last, run, number, low, high, tokens, counts)
                last, run = value, 1
            i += 1
    number, low, high = _repeat(last, run, number, low, high, tokens, counts)
    return number, (high % _ADLER) << 16 | (low % _ADLER)


@compiled
def _repeat(value, run, number, low, high, tokens, counts):
    """Note `run` times the byte `value`: its tokens, and its share of both sums of the checksum."""
    high += run * low + value * (run * (run + 1) // 2)
    low += run * value
    tokens[number] = value
    counts[value] += 1
    number += 1
    rest = run - 1
    while rest >= _SHORTEST:
        length = min(rest, _LONGEST)
        tokens[number] = _END + length
        counts[_LENGTH_SYMBOL[length]] += 1
        number += 1
        rest -= length
    for _ in range(rest):
        tokens[number] = value
        counts[value] += 1
        number += 1
    return number, low, high


@compiled
def _code_lengths(counts, most, lengths):
    """Lengths of a Huffman code of at most `most` bits for two symbols or more; unused symbols keep length 0.

    Minimum redundancy in place (Moffat and Katajainen 1995); lengths beyond `most` are cut to it and paid for by
    lengthening others until the code is complete again.
    """
    used = np.flatnonzero(counts)
    # Counts below 2^31 and their symbols as one number each: sorted the same everywhere.
    order = np.sort(counts[used] * 512 + used)
    n = len(order)
    weights = order // 512
    _minimum_redundancy(weights)
    of_length = np.zeros(64, np.int64)
    for i in range(n):
        of_length[min(weights[i], most)] += 1
    total = 0
    for length in range(1, most + 1):
        total += of_length[length] << (most - length)
    while total > 1 << most:
        of_length[most] -= 1
        for length in range(most - 1, 0, -1):
            if of_length[length]:
                of_length[length] -= 1
                of_length[length + 1] += 2
                break
        total -= 1
    place = n
    for length in range(1, most + 1):
        for _ in range(of_length[length]):
            place -= 1
            lengths[order[place] % 512] = length


@compiled
def _minimum_redundancy(weights):
    """Ascending weights to the lengths of their codes, in place."""
    n = len(weights)
    weights[0] += weights[1]
    root, leaf = 0, 2
    for following in range(1, n - 1):
        if leaf >= n or weights[root] < weights[leaf]:
            weights[following] = weights[root]
            weights[root] = following
            root += 1
        else:
            weights[following] = weights[leaf]
            leaf += 1
        if leaf >= n or (root < following and weights[root] < weights[leaf]):
            weights[following] += weights[root]
            weights[root] = following
            root += 1
        else:
            weights[following] += weights[leaf]
            leaf += 1
    weights[n - 2] = 0
    for following in range(n - 3, -1, -1):
        weights[following] = weights[weights[following]] + 1
    available, depth, root, following = 1, 0, n - 2, n - 1
    while available > 0:
        used = 0
        while root >= 0 and weights[root] == depth:
            used += 1
            root -= 1
        while available > used:
            weights[following] = depth
            following -= 1
            available -= 1
        available = 2 * used
        depth += 1


@compiled
def _codes(lengths):
    """The canonical code of each symbol, its bits reversed, since Huffman codes are written from their first bit."""
    of_length, following = np.zeros(17, np.int64), np.zeros(17, np.int64)
    for length in lengths:
        of_length[length] += 1
    of_length[0] = 0
    for length in range(1, 16):
        following[length + 1] = (following[length] + of_length[length]) << 1
    codes = np.zeros(len(lengths), np.int64)
    for symbol in range(len(lengths)):
        length = lengths[symbol]
        code = following[length]
        following[length] += 1
        for _ in range(length):
            codes[symbol] = codes[symbol] << 1 | code & 1
            code >>= 1
    return codes


@compiled
def _write_table(lengths, out):
    """The head of a last block: the lengths of all codes, themselves coded (RFC 1951, 3.2.7).

    Returns:
        The place in `out`, and the bits that are not yet written, with their number.
    """
    last = _SYMBOLS
    while lengths[last - 1] == 0:
        last -= 1
    said, extra = np.zeros(_SYMBOLS + 1, np.int64), np.zeros(_SYMBOLS + 1, np.int64)
    number, symbol = 0, 0
    while symbol < last:
        run = 1
        while lengths[symbol] == 0 and symbol + run < last and lengths[symbol + run] == 0 and run < 138:
            run += 1
        if run < 3:
            said[number], run = lengths[symbol], 1
        elif run <= 10:
            said[number], extra[number] = 17, run - 3
        else:
            said[number], extra[number] = 18, run - 11
        number += 1
        symbol += run
    said[number] = 1  # the only distance: a code of one bit
    number += 1
    counts, sizes = np.zeros(19, np.int64), np.zeros(19, np.int64)
    for i in range(number):
        counts[said[i]] += 1
    _code_lengths(counts, _MOST_LENGTH_BITS, sizes)
    codes = _codes(sizes)
    told = 19
    while sizes[_ORDER[told - 1]] == 0:
        told -= 1
    held, bits, place = 1 | 2 << 1 | (last - 257) << 3 | (told - 4) << 13, 17, 2
    for i in range(told + number):
        if i < told:
            held |= sizes[_ORDER[i]] << bits
            bits += 3
        else:
            one = said[i - told]
            held |= codes[one] << bits
            bits += sizes[one]
            held |= extra[i - told] << bits
            bits += 3 if one == 17 else 7 if one == 18 else 0
        while bits >= 8:
            out[place] = held & 0xFF
            held >>= 8
            bits -= 8
            place += 1
    return place, held, bits
