"""A node whose input was skipped passes the reason on and does not run."""

from typing import get_type_hints

from neuropil.pipelines.skipping import reason_to_skip, skips
from neuropil.work.index import Index
from neuropil.work.skipped import Skipped


@skips(outputs=2)
def double(index: Index, factor: int) -> tuple[Index, int]:
    """Doubles."""
    return Index([{"n": record["n"] * factor} for record in index]), factor


def test_reason_goes_to_every_output() -> None:
    assert double(Index.skipped("no volumes"), 2) == (Skipped("no volumes"), Skipped("no volumes"))
    assert double(Index([{"n": 1}]), Skipped("none")) == (Skipped("none"), Skipped("none"))


def test_work_is_done_where_there_is_work() -> None:
    index, factor = double(Index([{"n": 3}]), 2)
    assert list(index) == [{"n": 6}] and factor == 2


def test_empty_index_without_a_reason_is_work() -> None:
    assert reason_to_skip(Index(), 3) is None


def test_kedro_still_sees_name_hints_and_docstring() -> None:
    assert get_type_hints(double)["factor"] is int
    assert double.__name__ == "double" and double.__doc__ == "Doubles."
