from __future__ import annotations

import math

import numba
import pytest

from neuropil.rendering.compiled import compiled
from neuropil.rendering.kernels import nearest


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


@pytest.mark.parametrize("k", [-2.0, 0.1, 1.5])
@pytest.mark.parametrize(
    ("A", "B", "C"), [(-1, 0.5, 0.2), (-4, 2, -0.5), (1e-15, 0.3, 0.1), (0.005, 1, 0.1), (-1, 0, -1)]
)
def test_nearest_is_the_least_over_the_interval(A: float, B: float, C: float, k: float) -> None:
    values = [
        t * k - math.sqrt(Q) for t in (step / 20_000 for step in range(20_001)) if (Q := A * t * t + 2 * B * t + C) >= 0
    ]
    assert nearest(float(A), float(B), float(C), k) == pytest.approx(min(values, default=math.inf), abs=1e-3)
