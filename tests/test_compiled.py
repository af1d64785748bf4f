"""Kernels compile with a cache where one can be written, and without it elsewhere."""

from __future__ import annotations

import numba
import pytest

from neuropil.compiled import compiled


def test_a_kernel_compiles_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = numba.njit

    def without_cache(*functions, **options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return plain(*functions, **options)

    monkeypatch.setattr(numba, "njit", without_cache)

    @compiled
    def twice(value: float) -> float:
        return 2 * value

    assert twice(3.0) == 6.0
